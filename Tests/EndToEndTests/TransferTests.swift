import Foundation
import Testing

/// Parties that are handed on by REFER, with every voice told apart by its tone.
@Suite("Transfers over the wire")
struct TransferTests {
    @Test func `RFC 5589 §6: a blind transfer, and each row shows who sent whom where`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test")
        let accepted = try #require(centre.anna.await("202", method: "REFER"))
        #expect(accepted.header("Contact") != nil)
        let first = try #require(centre.anna.notified(100))
        #expect(first.header("Event") == "refer" && first.header("Content-Type") == "message/sipfrag;version=2.0")
        #expect(first.header("Subscription-State")?.hasPrefix("active") == true)
        let invite = try #require(centre.boris.await("INVITE"))
        #expect(invite.header("From")?.contains("+74951112233") == true)
        #expect(invite.header("Referred-By") == "\"Anna\" <sip:1001@demo.test>")
        #expect(try centre.running.rows("calls").first?["state"] as? String == "transferring")
        centre.boris.phone.respond("180 Ringing", to: invite, toTag: "boris")
        #expect(centre.anna.notified(180) != nil)
        try centre.borisTakes(invite)
        let last = try #require(centre.anna.notified(200))
        #expect(last.header("Subscription-State") == "terminated;reason=noresource")
        #expect(centre.anna.await("BYE") != nil)
        // Her talk is over by that, and she wraps up.
        #expect(try eventually { try centre.running.state(of: "1001") == "wrap-up" })
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)

        let record = try #require(try centre.records(1).first)
        #expect(record["disposition"] as? String == "answered" && record["hangup_by"] as? String == "caller")
        #expect(record["queue"] as? String == "sales" && record["agent"] as? String == "1001")
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "transferred", "answered"])
        #expect(record.legs.last?["transferred_by"] as? String == record.legs[1]["leg_id"] as? String)
        #expect(record.legs.last?["user"] as? String == "1002")
        // What was said before and after are two files of one call.
        #expect(
            try eventually { try centre.running.rows("recordings").count { $0["state"] as? String == "final" } == 2 }
        )
        let why = try centre.running.gudok("why", centre.call).text
        #expect(why.contains("blind transfer of leg 0 to 1002 by leg 1 (user 1001)"), "\(why)")
        #expect(try centre.isClean())
    }

    @Test func `who sends a queue's caller to himself is on that call until it is over, and talks past the queue`()
        throws
    {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:1001@demo.test")
        let again = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        centre.anna.phone.respond("200 OK", to: again, toTag: "again", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil)
        #expect(centre.anna.await("BYE") != nil)
        let live = { try centre.running.rows("stats", "agents").first { $0["agent"] as? String == "1001" } }
        #expect(try eventually { try live()?["handled"] as? Int == 1 })
        let agent = try #require(try centre.running.agent("1001"))
        #expect(agent["state"] as? String == "on-call" && agent["current_call"] as? String == centre.call)
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        #expect(try eventually { try centre.running.state(of: "1001") == "wrap-up" })
        #expect(try eventually { try live()?["direct_calls"] as? Int == 1 })
        let row = try #require(try live())
        let talked = ["talk_s", "hold_s", "direct_talk_s"].compactMap { row[$0] as? Double }
        let onCall = try #require(row["on_call_s"] as? Double)
        #expect(talked.count == 3 && talked[2] > 0 && abs(talked.reduce(0, +) - onCall) < 0.02, "\(row)")
        #expect(try centre.isClean())
    }

    @Test func `a paused recording is silent with whoever gets the caller next, until somebody resumes`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        #expect(try centre.running.gudok("recordings", "pause", centre.call).code == 0)
        centre.refer(to: "sip:1002@demo.test")
        try centre.borisTakes(try #require(centre.boris.await("INVITE")))
        _ = try centre.anna.phone.expectBye()
        _ = centre.heard("caller", "boris")
        #expect(try centre.running.gudok("recordings", "pause", centre.call).code == 1)
        centre.hangUp()
        var rows: [[String: Any]] = []
        let areFinal = try eventually {
            rows = try centre.running.rows("recordings")
            return rows.count == 2 && rows.allSatisfy { $0["state"] as? String == "final" }
        }
        #expect(areFinal, "\(rows)")
        let second = try #require(rows.first { ($0["id"] as? String)?.hasSuffix("-2") == true })
        for row in rows {
            // Nobody ended the pause: it lasts as long as the file.
            let pause = try #require((row["pauses"] as? [[Int]])?.last, "\(row)")
            #expect(
                pause.count == 2 && Double(pause[1]) == (row["duration_s"] as? Double).map { ($0 * 1000).rounded() },
                "\(row)"
            )
        }
        let file = centre.running.folder.appending(path: "data/tenants/demo/recordings")
            .appending(path: try #require(second["file"] as? String))
        let samples = try Data(contentsOf: file).dropFirst(44)
        #expect(samples.count > 4 * 8_000 && samples.allSatisfy { $0 == 0 })
    }

    @Test func `B095: a target that is busy is told in the NOTIFY, and the two speak again, on the record too`() throws
    {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test")
        let invite = try #require(centre.boris.await("INVITE"))
        centre.boris.phone.respond("486 Busy Here", to: invite, toTag: "boris")
        let last = try #require(centre.anna.notified(486))
        #expect(last.header("Subscription-State")?.hasPrefix("terminated") == true)
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        // Once more, to a number that nobody has; this REFER is told apart by its id.
        centre.refer(to: "sip:999@demo.test")
        let unknown = try #require(centre.anna.notified(404))
        #expect(unknown.header("Event")?.hasPrefix("refer;id=") == true)
        #expect(try centre.running.state(of: "1001") == "on-call")
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        let record = try #require(try centre.records(1).first)
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "answered", "busy"])
        #expect(
            try eventually { try centre.running.rows("recordings").count { $0["state"] as? String == "final" } == 3 }
        )
        #expect(try centre.isClean())
    }

    @Test func `early media of the new callee is the party's alone, whoever sent him on asks for nothing`() throws {
        let running = try RunningSwitch()
        let (anna, boris) = (
            try Phone("1001", password: "anna-demo-1", server: running.sipPort),
            try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        )
        for phone in [anna, boris] { #expect(try phone.register().startWord == "200") }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        #expect(try boris.dial("1001", sdp: Phone.sdp(port: 4_000)) == nil)
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("200 OK", to: invite, toTag: "anna", sdp: Phone.sdp(port: 4_002))
        let answer = try #require(boris.answer(to: "INVITE"))
        let tag = boris.acknowledge(answer, to: "1001")
        #expect(anna.expect("ACK") != nil)
        boris.send(boris.request("REFER", to: "1001", toTag: tag, extra: ["Refer-To: <sip:+79160001122@demo.test>"]))
        let onward = try #require(carrier.expect("INVITE"))
        let reliable = ["Require: 100rel", "RSeq: 1", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"]
        let media = Phone.sdp(port: 4_004)
        carrier.respond("183 Session Progress", to: onward, toTag: carrier.user, extra: reliable, sdp: media)
        carrier.respond("200 OK", to: try #require(carrier.expect("PRACK")))

        let hold = Phone.sdp(port: 4_000, direction: "sendonly", version: 2)
        boris.send(boris.request("INVITE", to: "1001", toTag: tag, sdp: hold))
        #expect(try #require(boris.answer(to: "INVITE")).startWord == "200")
        boris.send(boris.request("ACK", to: "1001", toTag: tag, sequence: boris.sequence))
        #expect(carrier.expect("UPDATE", within: 0.3) == nil)
        carrier.send(carrier.request("UPDATE", in: onward, sequence: 1, sdp: Phone.sdp(port: 4_006, version: 2)))
        let asked = try #require(anna.expect("INVITE"))
        anna.respond("200 OK", to: asked, sdp: Phone.sdp(port: 4_002, version: 2))
        #expect(carrier.final("UPDATE")?.startWord == "200")
    }

    @Test func `whoever hung up after his REFER is rung again when nobody took the caller`() throws {
        let centre = try TransferCentre(wrapUp: 1)
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test")
        #expect(centre.anna.await("202") != nil)
        let invite = try #require(centre.boris.await("INVITE"))
        centre.ask("BYE")
        #expect(centre.anna.await("200", method: "BYE") != nil)
        #expect(try eventually { try centre.running.state(of: "1001") != "on-call" })
        centre.boris.phone.respond("486 Busy Here", to: invite, toTag: "boris")
        // The subscription has outlived the call's dialog (RFC 5057 §4.2).
        #expect(centre.anna.notified(486) != nil)
        let record = try Self.givenBack(centre)
        #expect(record.legs.count == 4)
        #expect(try centre.isClean())
    }

    /// Anna is rung for the caller, speaks with him, and he hangs up: the record of it.
    private static func givenBack(_ centre: TransferCentre) throws -> [String: Any] {
        let again = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        #expect(again.header("From")?.contains("+74951112233") == true)
        centre.anna.phone.respond("200 OK", to: again, toTag: "again", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil)
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "talking" })
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        return try #require(try centre.records(1).first)
    }

    @Test(arguments: ["1003", "5555"])
    func `RFC 5589 §6.1: whoever hangs up upon the 202 is rung again, though the transfer failed before that`(
        target: String
    ) throws {
        let centre = try TransferCentre(wrapUp: 1)
        try centre.talk()
        centre.refer(to: "sip:\(target)@demo.test")
        centre.ask("BYE")
        #expect(centre.anna.await("200", method: "BYE") != nil)
        let record = try Self.givenBack(centre)
        #expect(record["disposition"] as? String == "answered")
        #expect(try centre.isClean())
    }

    @Test func `a caller whom nobody takes back waits in his queue again`() throws {
        let centre = try TransferCentre(wrapUp: 1)
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test")
        let invite = try #require(centre.boris.await("INVITE"))
        centre.ask("BYE")
        centre.boris.phone.respond("603 Decline", to: invite, toTag: "boris")
        let again = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        centre.anna.phone.respond("486 Busy Here", to: again, toTag: "again")
        // After the prompt the queue rings its agent.
        let offered = try #require(centre.anna.await(within: 12) { $0.startWord == "INVITE" && !$0.toTagged })
        centre.anna.phone.respond("200 OK", to: offered, toTag: "third", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil)
        #expect(try eventually { try centre.running.rows("calls").first?["queue"] as? String == "sales" })
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        #expect(try centre.isClean())
    }

    @Test func `B096: Refer-Sub false suppresses the NOTIFYs`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test", ["Refer-Sub: false", "Supported: norefersub"])
        let accepted = try #require(centre.anna.await("202", method: "REFER"))
        #expect(accepted.header("Refer-Sub") == "false")
        let invite = try #require(centre.boris.await("INVITE"))
        try centre.borisTakes(invite)
        #expect(centre.anna.await("BYE") != nil)
        #expect(!centre.anna.seen.contains { $0.startWord == "NOTIFY" })
        centre.hangUp()
        #expect(try centre.isClean())
    }

    @Test func `a transferred caller may go into a queue, and hanging up on his way ends all of it`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:700@demo.test")
        #expect(centre.anna.notified(200) != nil && centre.anna.await("BYE") != nil)
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "queued" })
        centre.hangUp()
        // The queue has lost him; his call was answered, by Anna.
        #expect(try centre.records(1).first?["disposition"] as? String == "answered")
        #expect(try centre.running.rows("stats", "queues").first?["abandoned"] as? Int == 1)
        #expect(try centre.running.rows("stats", "missed").count == 1)

        let other = try TransferCentre()
        try other.talk()
        other.refer(to: "sip:1002@demo.test")
        let invite = try #require(other.boris.await("INVITE"))
        other.boris.phone.respond("180 Ringing", to: invite, toTag: "boris")
        #expect(other.anna.notified(180) != nil)
        other.hangUp()
        #expect(other.boris.await("CANCEL") != nil)
        #expect(other.anna.notified(487) != nil && other.anna.await("BYE") != nil)
        other.boris.phone.respond("487 Request Terminated", to: invite, toTag: "boris")
        #expect(try other.isClean() && centre.isClean())
    }

    @Test func `B101: REFER during hold, re-INVITEs at a bad moment, and no stuck call`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.ask("INVITE", sdp: Phone.sdp(port: centre.anna.media.port, direction: "sendonly", version: 2))
        // A REFER while that offer is under way is told to wait.
        centre.refer(to: "sip:1002@demo.test")
        let early = try #require(centre.anna.await { $0.header("CSeq")?.hasSuffix("REFER") == true })
        #expect(early.startWord == "491")
        #expect(centre.caller.await { $0.startWord == "INVITE" && $0.contains("a=sendonly") } != nil)
        let held = try #require(centre.anna.await("200", method: "INVITE"))
        #expect(held.contains("a=recvonly"))
        centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 1))
        centre.refer(to: "sip:1002@demo.test")
        #expect(centre.anna.await("202") != nil)
        let invite = try #require(centre.boris.await("INVITE"))
        centre.ask("INVITE", sdp: Phone.sdp(port: centre.anna.media.port, version: 3))
        #expect(centre.anna.await("200", method: "INVITE") != nil)
        centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 4))
        centre.boris.phone.respond("480 Temporarily Unavailable", to: invite, toTag: "boris")
        #expect(centre.anna.notified(480) != nil)
        // The caller, whom nobody holds any more, is asked for his voice again.
        _ = try centre.moved(centre.caller)
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        #expect(try centre.isClean())
    }

    @Test func `RFC 5589 §7: an attended transfer joins two calls, and each record names the other`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.ask("INVITE", sdp: Phone.sdp(port: centre.anna.media.port, direction: "sendonly", version: 2))
        #expect(centre.caller.await { $0.startWord == "INVITE" } != nil)
        #expect(centre.anna.await("200", method: "INVITE") != nil)
        centre.anna.phone.send(centre.anna.phone.request("ACK", in: centre.invite, sequence: 1))
        let consultation = try centre.consult(answered: true)
        centre.refer(to: "sip:1002@demo.test?Replaces=\(consultation.replaces)")
        #expect(centre.anna.await("202") != nil)
        _ = try centre.moved(centre.boris)
        #expect(centre.anna.notified(200) != nil)
        #expect(centre.anna.await("BYE") != nil && centre.anna.await("BYE") != nil)
        _ = try centre.moved(centre.caller)
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        #expect(try eventually { try centre.running.state(of: "1001") == "wrap-up" })
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)

        let records = try centre.records(2)
        let incoming = try #require(records.first { $0["call_id"] as? String == centre.call })
        let inner = try #require(records.first { $0["call_id"] as? String != centre.call })
        let joined = { (record: [String: Any]) in (record["variables"] as? [String: Any])?["joined_call"] as? String }
        #expect(joined(incoming) == inner["call_id"] as? String && joined(inner) == centre.call)
        #expect(inner["reason"] as? String == "transferred" && inner["disposition"] as? String == "answered")
        #expect(inner.legs.compactMap { $0["result"] as? String } == ["answered", "transferred"])
        #expect(incoming.legs.compactMap { $0["result"] as? String } == ["answered", "transferred", "answered"])
        #expect(incoming.legs.last?["user"] as? String == "1002")
        // On hold until the transfer, and not a moment longer.
        let (hold, talk) = (incoming["hold_s"] as? Double ?? 0, incoming["talk_s"] as? Double ?? 0)
        #expect(hold > 0 && hold < talk - 2)
        #expect(try centre.isClean())
    }

    @Test(arguments: ["488 Not Acceptable Here", "403 Forbidden", "BYE"])
    func `an attended transfer whose new party does not take the media goes back`(refusal: String) throws {
        let centre = try TransferCentre()
        try centre.talk()
        let consultation = try centre.consult(answered: true)
        centre.refer(to: "sip:1002@demo.test?Replaces=\(consultation.replaces)")
        #expect(centre.anna.await("202") != nil)
        let offered = try #require(centre.boris.phone.expect("INVITE"))
        // Nobody is let go, and no success told, before he has answered.
        #expect(centre.anna.notified(200, within: 0.3) == nil)
        let isLetGo = { (text: String) in text.startWord == "BYE" && text.header("Call-ID") == centre.callID }
        #expect(centre.anna.await(within: 0.1, isLetGo) == nil)
        if refusal == "BYE" {
            centre.borisSends("BYE", in: consultation.invite)
            centre.boris.phone.respond("481 Call/Transaction Does Not Exist", to: offered)
        } else {
            centre.boris.phone.respond(refusal, to: offered)
            #expect(centre.boris.await("BYE") != nil)
        }
        let status = refusal == "BYE" ? 480 : Int(refusal.prefix(3)) ?? 0
        #expect(centre.anna.notified(status) != nil)
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        centre.hangUp()
        #expect(centre.anna.await(isLetGo) != nil)
        let record = try #require(try centre.records(2).first { $0["call_id"] as? String == centre.call })
        #expect(record["disposition"] as? String == "answered" && record["hangup_by"] as? String == "caller")
        #expect(try centre.isClean())
    }

    @Test func `B098: a transfer to a phone that rings already`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        let consultation = try centre.consult(answered: false)
        centre.refer(to: "sip:1002@demo.test?Replaces=\(consultation.replaces)")
        #expect(centre.anna.await("202") != nil)
        #expect(centre.anna.await("487", method: "INVITE") != nil)
        #expect(centre.anna.notified(180) != nil)
        try centre.borisTakes(consultation.invite)
        // Two calls may be served by two threads: then his phone is told of another port.
        if let moved = centre.boris.await(within: 1, { $0.startWord == "INVITE" && $0.toTagged })?.audioPort {
            centre.follow(moved)
        }
        #expect(centre.anna.notified(200) != nil && centre.anna.await("BYE") != nil)
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)
        let inner = try #require(try centre.records(2).first { $0["call_id"] as? String != centre.call })
        #expect(inner["disposition"] as? String == "cancelled")
        let rung = try #require(inner.legs.last)
        #expect(rung["result"] as? String == "transferred" && rung["sip_code"] is NSNull, "\(rung)")
        #expect(try centre.isClean())
    }

    @Test func `REFERs that make no sense, lead nowhere, or come from strangers`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        let cases: [(lines: [String], status: String)] = [
            ([], "400"),
            (["Refer-To: <sip:1002@demo.test>", "Refer-To: <sip:1003@demo.test>"], "400"),
            (["Refer-To: <sip:1002@demo.test>, <sip:1003@demo.test>"], "400"),
            (["Refer-To: <https://demo.test/1002>"], "416"),
            (["Refer-To: <sip:1002@demo.test;method=MESSAGE>"], "501"),
            (["Refer-To: <sip:demo.test>"], "404"),
            (["Refer-To: <sip:1002@demo.test?Replaces=gone%3Bto-tag%3D1%3Bfrom-tag%3D2>"], "481"),
            (["Refer-To: <sip:1002@demo.test?Replaces=gone%3Bto-tag%3D1>"], "400"),
        ]
        for bad in cases {
            centre.ask("REFER", bad.lines)
            let answer = try #require(centre.anna.await { $0.header("CSeq")?.hasSuffix("REFER") == true })
            #expect(answer.startWord == bad.status, "\(bad.lines): \(answer)")
        }
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])

        // Outside of a dialog.
        let stranger = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        let refer = ["Refer-To: <sip:1002@demo.test>"]
        stranger.send(stranger.request("REFER", to: "1001", extra: refer))
        #expect(stranger.final("REFER")?.startWord == "401")
        let gone = "Target-Dialog: gone;local-tag=1;remote-tag=2"
        let dead = "Refer-To: <sip:1002@demo.test?Replaces=gone%3Bto-tag%3D1%3Bfrom-tag%3D2>"
        for (lines, status) in [
            (refer, "403"), (refer + [gone], "481"), (refer + [centre.targetDialog], "403"), ([dead], "481"),
        ] {
            #expect(try stranger.authorized("REFER", to: "1001", extra: lines).startWord == status, "\(lines)")
        }
        centre.hangUp()
        #expect(try centre.isClean())
    }

    @Test func `RFC 4538: a REFER with Target-Dialog by whom the dialog is of, and NOTIFYs in one of their own`() throws
    {
        let centre = try TransferCentre()
        try centre.talk()
        let other = try Phone("1001", password: "anna-demo-1", server: centre.running.sipPort)
        let lines = ["Refer-To: <sip:1002@demo.test>", centre.targetDialog, "Require: tdialog"]
        let accepted = try other.authorized("REFER", to: "1002", extra: lines)
        #expect(accepted.startWord == "202")
        let watch = Handset(other, media: centre.anna.media)
        let first = try #require(watch.notified(100))
        #expect(first.header("Call-ID") == other.callID)
        let invite = try #require(centre.boris.await("INVITE"))
        try centre.borisTakes(invite)
        #expect(watch.notified(200)?.header("Subscription-State")?.hasPrefix("terminated") == true)
        #expect(centre.anna.await("BYE") != nil)
        centre.hangUp()
        #expect(try centre.isClean())
    }

    @Test func `B095: a target whose phone takes no voice has not answered, and the two speak again`() throws {
        let centre = try TransferCentre()
        try centre.talk()
        centre.refer(to: "sip:1002@demo.test")
        let invite = try #require(centre.boris.await("INVITE"))
        centre.boris.phone.respond("200 OK", to: invite, toTag: "boris", sdp: Phone.sdp(port: 0))
        #expect(centre.boris.await("ACK") != nil && centre.boris.await("BYE") != nil)
        #expect(centre.anna.notified(488) != nil)
        #expect(centre.heard("caller", "anna") == ["caller": ["anna"], "anna": ["caller"]])
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        #expect(try centre.isClean())
    }

    @Test func `RFC 3891 §1: a caller who is handed on into a queue has the place of whoever waited there for him`()
        throws
    {
        let centre = try TransferCentre(wrapUp: 1)
        try centre.talk()
        let waiting = try centre.annaWaits(at: "700")
        #expect(try eventually { try centre.running.rows("queues").first?["waiting"] as? Int == 1 })
        let second = try Phone("+74951112244", server: centre.running.sipPort, peer: centre.running.carrier)
        _ = try second.arrive(media: try WirePeer())
        #expect(try eventually { try centre.running.rows("queues").first?["waiting"] as? Int == 2 })
        centre.refer(to: "sip:700@demo.test?Replaces=\(waiting.replaces)")
        #expect(centre.anna.notified(200) != nil)
        #expect(centre.anna.await("BYE") != nil && centre.anna.await("BYE") != nil)
        // When she has wrapped up, the first of the line is hers.
        let offered = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        #expect(offered.header("From")?.contains("+74951112233") == true, "\(offered)")
        let row = try #require(try centre.running.rows("stats", "queues").first)
        #expect(row["abandoned"] as? Int == 0 && row["overflowed"] as? Int == 1, "\(row)")
        #expect(try centre.running.rows("stats", "missed").isEmpty)
        let inner = try #require(try centre.running.rows("cdr").first { $0["reason"] as? String == "transferred" })
        #expect(inner["disposition"] as? String == "answered")
    }

    @Test func `a recorded talk goes on being recorded in whichever of the two dialogs its transfer is asked for`()
        throws
    {
        let centre = try TransferCentre()
        try centre.talk()
        let consultation = try centre.consult(answered: true)
        let ours = String(centre.invite.header("From")?.components(separatedBy: ";tag=").last ?? "")
        let dialog = "\(centre.callID ?? "")%3Bto-tag%3D\(ours)%3Bfrom-tag%3D1001"
        let theirs = String(consultation.replaces.components(separatedBy: "to-tag%3D").last?.prefix { $0 != "%" } ?? "")
        let refer = ["Refer-To: <sip:+74951112233@demo.test?Replaces=\(dialog)>"]
        centre.anna.phone.send(consultation.phone.request("REFER", to: "1002", toTag: theirs, extra: refer))
        #expect(centre.caller.await { $0.startWord == "INVITE" && $0.toTagged } != nil)
        #expect(try eventually { try centre.running.rows("calls").count == 1 })
        #expect(try eventually { try centre.running.rows("recordings").count == 2 })
        #expect(try centre.running.rows("recordings").allSatisfy { $0["policy"] as? String == "queue sales" })
    }
}

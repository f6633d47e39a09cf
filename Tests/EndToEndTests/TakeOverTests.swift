import Codecs
import Foundation
import Testing

/// A supervisor who took an operator's place is the caller's partner like any operator.
@Suite("After a take-over")
struct TakeOverTests {
    /// The centre of the transfers, and Vera, who supervises (2,300 Hz).
    private final class Floor {
        let centre: TransferCentre
        let vera: Handset
        private var invite = ""
        private var sequence = 0
        private var toVera: UInt16 = 0

        init(node: String = "") throws {
            centre = try TransferCentre(node: node)
            let phone = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
            vera = Handset(phone, media: try WirePeer())
            _ = try phone.register()
        }

        /// Vera has the caller of Anna.
        func takeOver() throws {
            try centre.talk()
            #expect(try centre.running.gudok("supervise", "take-over", "1001", "--by", "1003").code == 0)
            (invite, toVera) = try vera.phone.pickUp(media: vera.media)
            #expect(centre.anna.await("BYE") != nil)
        }

        func ask(_ method: String, _ extra: [String] = [], sdp: String? = nil) {
            sequence += 1
            vera.phone.send(vera.phone.request(method, in: invite, sequence: sequence, extra: extra, sdp: sdp))
        }

        /// Vera holds the caller (`sendonly`), or takes him back.
        func hold(_ direction: String = "sendonly") throws {
            ask("INVITE", sdp: Phone.sdp(port: vera.media.port, direction: direction, version: 2 + sequence))
            #expect(centre.caller.await { $0.startWord == "INVITE" && $0.contains("a=\(direction)") } != nil)
            _ = try #require(vera.await("200", method: "INVITE"))
            vera.phone.send(vera.phone.request("ACK", in: invite, sequence: sequence))
        }

        func callersState() throws -> String? {
            try centre.running.rows("calls").first { $0["call_id"] as? String == centre.call }?["state"] as? String
        }

        /// The caller and Vera speak; what is heard of either by the other.
        func heard() -> (byCaller: Double, byVera: Double) {
            _ = (centre.caller.media.samples(), vera.media.samples())
            Speaker.speak(
                [(centre.caller.media, centre.toCaller, 440), (vera.media, toVera, 2_300)],
                seconds: 2.5
            )
            return (
                Tone.share(of: 2_300, in: centre.caller.media.samples()), Tone.share(of: 440, in: vera.media.samples())
            )
        }

        /// The record of the caller's call, of two that are over.
        func record() throws -> [String: Any] {
            try #require(try centre.records(2).first { $0["call_id"] as? String == centre.call })
        }
    }

    @Test func `the supervisor holds with music, has the caller back, and hands him on by REFER`() throws {
        let floor = try Floor(node: "calls: {rtp_timeout: 3s}")
        let centre = floor.centre
        #expect(try centre.running.gudok("agent", "login", "1003").code == 0)
        try floor.takeOver()
        // His own call is over by that: its leg is the caller's now.
        #expect(try eventually { try centre.running.rows("calls").count == 1 })
        try floor.hold()
        #expect(try floor.callersState() == "held")
        // Longer than silence may last in a talk.
        #expect(centre.callerHearsMusic(seconds: 4))
        try floor.hold("sendrecv")
        #expect(try floor.callersState() == "talking")
        let talk = floor.heard()
        #expect(talk.byCaller > 0.5 && talk.byVera > 0.5, "\(talk)")

        floor.ask("REFER", ["Refer-To: <sip:1002@demo.test>"])
        #expect(floor.vera.await("202") != nil)
        let taken = try #require(centre.boris.await("INVITE"))
        #expect(taken.header("Referred-By")?.contains("1003") == true)
        try centre.borisTakes(taken)
        #expect(floor.vera.notified(200) != nil && floor.vera.await("BYE") != nil)
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)

        let record = try floor.record()
        #expect(
            record.legs.compactMap { $0["result"] as? String } == ["answered", "answered", "transferred", "answered"]
        )
        #expect(record.legs.compactMap { $0["user"] as? String } == ["1001", "1003", "1002"])
        #expect(record.legs[2]["target"] as? String == "user 1003")
        let (hold, length) = (record["hold_s"] as? Double ?? 0, record["talk_s"] as? Double ?? 0)
        #expect(hold > 3.5 && hold < length - 4, "\(record)")
        let own = try #require(try centre.records(2).first { $0["call_id"] as? String != centre.call })
        #expect(own["reason"] as? String == "took-over" && own["disposition"] as? String == "answered")
        #expect(own["hold_s"] as? Double == 0)
        let joined = { (record: [String: Any]) in (record["variables"] as? [String: String])?["joined_call"] }
        #expect(joined(own) == centre.call && joined(record) == own["call_id"] as? String)
        // One recording for the talk with both, and one for the talk after the transfer.
        #expect(
            try eventually { try centre.running.rows("recordings").count { $0["state"] as? String == "final" } == 2 }
        )
        for (agent, count) in [("1001", 1), ("1003", 1), ("1002", 1)] {
            #expect(try centre.running.rows("recordings", "--agent", agent).count == count, "\(agent)")
        }
        let first = try centre.running.rows("recordings", "--agent", "1001").first
        #expect(
            first?["agents"] as? [String] == ["1001", "1003"] && first?["queue"] as? String == "sales",
            "\(first ?? [:])"
        )
        // The talk of the queue is the agent's until then, and after that the supervisor's past the queue.
        let rows = try centre.running.rows("stats", "agents")
        let (anna, vera) = (
            rows.first { $0["agent"] as? String == "1001" }, rows.first { $0["agent"] as? String == "1003" }
        )
        #expect(anna?["handled"] as? Int == 1 && anna?["direct_calls"] as? Int == 0, "\(rows)")
        #expect(vera?["handled"] as? Int == 0 && vera?["direct_calls"] as? Int == 1, "\(rows)")
        let talks = [anna?["talk_s"] as? Double ?? 0, vera?["direct_talk_s"] as? Double ?? 0]
        // Whom she held she did not speak with.
        #expect(talks[1] > 2 && talks[0] + talks[1] < length - hold, "\(talks) and \(hold) of \(length)")
        #expect(try centre.isClean())
    }

    @Test func `a supervisor hands the caller to one he has asked before`() throws {
        let floor = try Floor()
        let centre = floor.centre
        try floor.takeOver()
        try floor.hold()
        let consultation = try centre.consult(by: floor.vera, answered: true)
        floor.ask("REFER", ["Refer-To: <sip:1002@demo.test?Replaces=\(consultation.replaces)>"])
        #expect(floor.vera.await("202") != nil)
        _ = try centre.moved(centre.boris)
        #expect(floor.vera.notified(200) != nil)
        #expect(floor.vera.await("BYE") != nil && floor.vera.await("BYE") != nil)
        _ = try centre.moved(centre.caller)
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil)
        #expect(try centre.records(3).allSatisfy { $0["disposition"] as? String == "answered" })
        #expect(try centre.isClean())
    }

    @Test func `gudok transfer hands on the supervisor's party, and who forgets the caller on hold loses him`() throws {
        let floor = try Floor(node: "calls: {max_hold: 2s}")
        let centre = floor.centre
        try floor.takeOver()
        #expect(try centre.running.gudok("transfer", centre.call, "1002").code == 0)
        let refused = try #require(centre.boris.await("INVITE"))
        centre.boris.phone.respond("486 Busy Here", to: refused, toTag: "boris")
        #expect(try eventually { try floor.callersState() == "talking" })
        try floor.hold()
        #expect(centre.caller.await("BYE") != nil && floor.vera.await("BYE") != nil)
        #expect(try floor.record()["reason"] as? String == "max-hold")
        #expect(try centre.isClean())
    }

    @Test func `who called out is taken over in his place, and the one he called is held and hangs up`() throws {
        let floor = try Floor()
        let centre = floor.centre
        let consultation = try centre.consult(answered: true)
        #expect(try centre.running.gudok("supervise", "take-over", "1001", "--by", "1003").code == 0)
        let (invite, toVera) = try floor.vera.phone.pickUp(media: floor.vera.media)
        #expect(centre.anna.await("BYE") != nil)
        floor.vera.phone.send(
            floor.vera.phone.request(
                "INVITE",
                in: invite,
                sequence: 1,
                sdp: Phone.sdp(port: floor.vera.media.port, direction: "sendonly", version: 2)
            )
        )
        #expect(centre.boris.await { $0.startWord == "INVITE" && $0.contains("a=sendonly") } != nil)
        _ = try #require(floor.vera.await("200", method: "INVITE"))
        floor.vera.phone.send(floor.vera.phone.request("ACK", in: invite, sequence: 1))
        #expect(try eventually { try centre.running.rows("calls").first?["state"] as? String == "held" })
        floor.vera.phone.send(
            floor.vera.phone.request(
                "INVITE",
                in: invite,
                sequence: 2,
                sdp: Phone.sdp(port: floor.vera.media.port, version: 3)
            )
        )
        #expect(centre.boris.await { $0.startWord == "INVITE" && $0.contains("a=sendrecv") } != nil)
        _ = try #require(floor.vera.await("200", method: "INVITE"))
        floor.vera.phone.send(floor.vera.phone.request("ACK", in: invite, sequence: 2))
        _ = (centre.boris.media.samples(), floor.vera.media.samples())
        Speaker.speak([(centre.boris.media, centre.toBoris, 440), (floor.vera.media, toVera, 2_300)], seconds: 2.5)
        #expect(Tone.share(of: 2_300, in: centre.boris.media.samples()) > 0.5)
        #expect(Tone.share(of: 440, in: floor.vera.media.samples()) > 0.5)
        centre.borisSends("BYE", in: consultation.invite)
        #expect(floor.vera.await("BYE") != nil)
        let record = try #require(try centre.records(2).first { $0["to"] as? String == "1002" })
        #expect(record["hangup_by"] as? String == "callee" && record["from"] as? String == "1001")
        #expect(record.legs.compactMap { $0["user"] as? String } == ["1001", "1002", "1003"])
        #expect(try centre.isClean())
    }
}

/// A supervisor stays with whom or what he asked for: an operator, or a call.
@Suite("Whom a supervisor follows")
struct FollowingSupervisorTests {
    @Test func `who listens to a call hears its next operator too, and who listens to an operator leaves with him`()
        throws
    {
        let centre = try TransferCentre()
        let phone = try Phone("1003", password: "vera-demo-3", server: centre.running.sipPort)
        let vera = Handset(phone, media: try WirePeer())
        _ = try phone.register()
        try centre.talk()
        #expect(try centre.running.gudok("supervise", "listen", centre.call, "--by", "1003").code == 0)
        let (_, toVera) = try phone.pickUp(media: vera.media)
        centre.refer(to: "sip:1002@demo.test")
        let taken = try #require(centre.boris.await("INVITE"))
        try centre.borisTakes(taken)
        #expect(centre.anna.await("BYE") != nil)
        _ = vera.media.samples()
        Speaker.speak(
            [
                (centre.caller.media, centre.toCaller, 440), (centre.boris.media, centre.toBoris, 1_700),
                (vera.media, toVera, 2_300),
            ],
            seconds: 2.5
        )
        let heard = vera.media.samples()
        #expect(Tone.share(of: 440, in: heard) > 0.1 && Tone.share(of: 1_700, in: heard) > 0.1)
        // It is one more talk that he listens to, and the audit log says so.
        let details = {
            try centre.running.rows("audit", "--action", "supervise").compactMap { $0["detail"] as? String }
        }
        #expect(
            try eventually {
                try details().filter { $0.contains("operator") }.reversed() == [
                    "supervisor 1003, operator 1001", "supervisor 1003, operator 1002",
                ]
            }
        )

        // Now it is Boris whom she listens to.
        #expect(try centre.running.gudok("supervise", "listen", "1002", "--by", "1003").code == 0)
        centre.borisSends("REFER", ["Refer-To: <sip:1001@demo.test>"], in: taken)
        #expect(centre.boris.await("202") != nil)
        let back = try #require(centre.anna.await { $0.startWord == "INVITE" && !$0.toTagged })
        centre.anna.phone.respond("200 OK", to: back, toTag: "back", sdp: Phone.sdp(port: centre.anna.media.port))
        #expect(centre.anna.await("ACK") != nil && centre.boris.await("BYE") != nil)
        #expect(vera.await("BYE") != nil)
        centre.hangUp()
        #expect(centre.anna.await("BYE") != nil)
        let own = try #require(try centre.records(2).first { $0["call_id"] as? String != centre.call })
        #expect(own["reason"] as? String == "supervised-agent-left")
        #expect((own["variables"] as? [String: String])?["supervised_agent"] == "1002")
        #expect(try centre.isClean())
    }

    @Test func `who is no supervisor any more does not hear the next operator, and another one does`() throws {
        let user = #"  - {extension: "1004", name: Gleb, password: gleb-demo-4, role: administrator}"#
        let centre = try TransferCentre(users: user)
        let listeners = try [("1003", "vera-demo-3"), ("1004", "gleb-demo-4")].map { user, password in
            let phone = try Phone(user, password: password, server: centre.running.sipPort)
            _ = try phone.register()
            return Handset(phone, media: try WirePeer())
        }
        try centre.talk()
        for listener in listeners {
            let way = ["supervise", "listen", centre.call, "--by", listener.phone.user]
            #expect(try centre.running.gudok(way).code == 0)
            _ = try listener.phone.pickUp(media: listener.media)
        }
        let file = centre.running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing("role: supervisor", with: "role: operator")
            .write(to: file, atomically: true, encoding: .utf8)
        #expect(try centre.running.gudok("apply", file.path).code == 0)
        centre.refer(to: "sip:1002@demo.test")
        let taken = try #require(centre.boris.await("INVITE"))
        try centre.borisTakes(taken)
        #expect(listeners[0].await("BYE") != nil)
        _ = listeners[1].media.samples()
        #expect(centre.heard("caller", "boris") == ["caller": ["boris"], "boris": ["caller"]])
        let heard = listeners[1].media.samples()
        #expect(Tone.share(of: 440, in: heard) > 0.1 && Tone.share(of: 1_700, in: heard) > 0.1)
        centre.hangUp()
        #expect(centre.boris.await("BYE") != nil && listeners[1].await("BYE") != nil)
        let own = try centre.records(3).first { $0["from"] as? String == "1003" }
        #expect(own?["reason"] as? String == "not-allowed")
        #expect(try centre.isClean())
    }
}

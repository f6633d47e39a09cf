import Codecs
import Foundation
import Glibc
import Testing
import Timebase

/// A carrier's caller (440 Hz) and Anna (1,000 Hz), whose talk the tenant wants recorded.
@Suite("Recordings over the wire", .serialized)
struct RecordedCallTests {
    private final class Talk {
        let running: RunningSwitch
        let carrier: Phone
        let (callers, annas): (WirePeer, WirePeer)
        let call: String
        private let tag: String
        private let (toCaller, toAnna): (UInt16, UInt16)
        private var pressed: UInt8 = 0

        init(carrierPort: UInt16, recordings: String, formats: String = "8 101") throws {
            running = try RunningSwitch(carrierPort: carrierPort, tenant: "recordings: \(recordings)")
            carrier = try Phone("+74951112233", server: running.sipPort, peer: try WirePeer(port: carrierPort))
            let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
            _ = try anna.register()
            (callers, annas) = try (WirePeer(), WirePeer())
            carrier.send(carrier.request("INVITE", to: "1001", sdp: Self.sdp(callers, formats)))
            let invite = try #require(anna.expect("INVITE"))
            anna.respond("200 OK", to: invite, toTag: "anna", sdp: Self.sdp(annas, formats))
            _ = try #require(anna.expect("ACK"))
            let answer = try #require(carrier.final("INVITE"))
            tag = carrier.acknowledge(answer, to: "1001")
            (toCaller, toAnna) = (try #require(answer.audioPort), try #require(invite.audioPort))
            call = try #require(try running.rows("calls").first?["call_id"] as? String)
        }

        /// 111 is Opus.
        private static func sdp(_ media: WirePeer, _ formats: String) -> String {
            let sdp = Phone.sdp(port: media.port, formats: formats)
            return formats.contains("111") ? sdp + "a=rtpmap:111 opus/48000/2\r\n" : sdp
        }

        func speak(seconds: Double) {
            Speaker.speak([(callers, toCaller, 440), (annas, toAnna, 1_000)], seconds: seconds)
        }

        /// Anna keys in a code; 10 is the star.
        func key(_ code: UInt8...) {
            for key in code {
                pressed += 1
                annas.press(key, to: toAnna, at: pressed)
            }
        }

        func hangUp() { carrier.send(carrier.request("BYE", to: "1001", toTag: tag)) }

        /// The call's record when the call is over.
        func record() throws -> [String: Any] {
            _ = try eventually { try running.rows("cdr").first?["ended_at"] is String }
            return try #require(try running.rows("cdr").first)
        }

        /// The recording's row when it is in this state.
        func recording(_ state: String) throws -> [String: Any] {
            _ = try eventually { try running.rows("recordings").first?["state"] as? String == state }
            return try #require(try running.rows("recordings").first)
        }
    }

    /// What an independent reader makes of a file: left and right at 8 kHz.
    private static func decoded(_ file: URL) throws -> (left: [Double], right: [Double]) {
        // Not beside it, where `recordings verify` would find a stranger.
        let raw = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString).raw")
        defer { try? FileManager.default.removeItem(at: raw) }
        let arguments = ["-v", "error", "-y", "-i", file.path, "-f", "s16le", "-ac", "2", "-ar", "8000", raw.path]
        let command = try ChildProcess("/usr/bin/env", ["ffmpeg"] + arguments)
        #expect(command.exitCode(within: 20) == 0, "\(command.text)")
        let samples = try Data(contentsOf: raw).withUnsafeBytes { $0.bindMemory(to: Int16.self).map { Double($0) } }
        return (
            stride(from: 0, to: samples.count - 1, by: 2).map { samples[$0] },
            stride(from: 1, to: samples.count, by: 2).map { samples[$0] }
        )
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg"), "needs ffmpeg"),
        arguments: ["wav", "opus"]
    )
    func `kill -9: all but the last second plays, the row says so, and a changed octet or a missing file is found`(
        format: String
    ) throws {
        let carrierPort = try WirePeer().port
        let folder: URL
        // The talk lasts from somewhere within its set-up to the kill, however slow the machine is.
        let (shortest, longest): (Double, Double)
        do {
            let setUp = Date()
            let talk = try Talk(carrierPort: carrierPort, recordings: "{format: \(format), directions: [inbound]}")
            folder = talk.running.folder
            let began = Date()
            talk.speak(seconds: 4)
            (shortest, longest) = (-began.timeIntervalSinceNow, -setUp.timeIntervalSinceNow)
            talk.running.isFolderKept = true
            talk.running.process.signal(SIGKILL)
            talk.running.process.exitCode(within: 5)
        }
        let running = try RunningSwitch(carrierPort: carrierPort, folder: folder)
        let row = try #require(try running.rows("recordings").first)
        #expect(row["state"] as? String == "failed" && row["fault"] as? String == "engine-restart")
        let record = try #require(try running.rows("cdr").first)
        #expect(
            record["recording"] as? String == row["id"] as? String
                && record["call_id"] as? String == row["call_id"] as? String
        )
        let seconds = try #require(row["duration_s"] as? Double)
        #expect((shortest - 1...longest + 0.5).contains(seconds))
        // The call lasted for as long as it is recorded, whatever the last beat of the clock was.
        let (began, ended) = (row["started_at"] as? String, record["ended_at"] as? String)
        let recorded = try #require(began.flatMap { WallTime($0) }).milliseconds + Int64(seconds * 1000)
        #expect(try #require(ended.flatMap { WallTime($0) }).milliseconds > recorded - 100)
        let file = folder.appending(path: "data/tenants/demo/recordings").appending(
            path: try #require(row["file"] as? String)
        )
        let (left, right) = try Self.decoded(file)
        #expect(abs(Double(left.count) / 8_000 - seconds) < 0.1)
        // A machine under load speaks with gaps; what is heard is still the right voice.
        let (caller, anna) = (Array(left[2_000..<18_000]), Array(right[2_000..<18_000]))
        #expect(Tone.share(of: 440, in: caller) > 5 * Tone.share(of: 1_000, in: caller))
        #expect(Tone.share(of: 1_000, in: anna) > 5 * Tone.share(of: 440, in: anna))
        #expect(try running.gudok("recordings", "verify").code == 0)
        var octets = try Data(contentsOf: file)
        octets[octets.count / 2] ^= 1
        try octets.write(to: file)
        let changed = try running.gudok("recordings", "verify")
        #expect(changed.code == 1 && changed.text.contains("changed"))
        try FileManager.default.removeItem(at: file)
        #expect(try running.gudok("recordings", "get", row["id"] as? String ?? "", "-o", "-").code == 1)
        let refused = try #require(try running.rows("audit", "--action", "recording.get").first)
        #expect(refused["outcome"] as? String == "refused")
        #expect((refused["detail"] as? String)?.contains("cannot be read: there is no such file") == true, "\(refused)")
        let missing = try running.gudok("recordings", "verify")
        #expect(missing.code == 1 && missing.text.contains("missing"))
        let listed = try running.gudok("recordings", "verify", "--format", "json")
        // What is on standard error stands beside it.
        #expect(listed.text.contains("gudok: 1 recording to look into; see the list"), "\(listed.text)")
        let json = listed.text.components(separatedBy: "\n").filter { !$0.hasPrefix("gudok: ") }.joined(separator: "\n")
        let lines = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
        #expect(listed.code == 1 && lines?.map { $0["verdict"] as? String } == ["missing"], "\(listed.text)")
    }

    @Test func `an operator's keys begin and end a recording, and pause it; what a policy wants they do not end`()
        throws
    {
        let carrierPort = try WirePeer().port
        let talk = try Talk(carrierPort: carrierPort, recordings: "{keys: {record: \"*1\", pause: \"*2\"}}")
        talk.speak(seconds: 0.2)
        #expect(try talk.running.rows("recordings").isEmpty)
        talk.key(10, 1)
        #expect(try eventually { try talk.running.rows("recordings").count == 1 })
        talk.key(10, 2)
        talk.speak(seconds: 1)
        talk.key(10, 2)
        talk.speak(seconds: 1)
        talk.key(10, 1)
        let row = try talk.recording("final")
        #expect(row["policy"] as? String == "key of 1001")
        #expect((row["pauses"] as? [[Int]])?.count == 1)
        talk.hangUp()
        #expect(try talk.record()["recording"] as? String == row["id"] as? String)
        let filters = [
            ("from", "+74951112233", "1001"), ("to", "1001", "600"), ("trunk", "carrier", "other"),
            ("disposition", "answered", "failed"),
        ]
        for (filter, value, other) in filters {
            for (value, count) in [(value, 1), (other, 0)] {
                #expect(try talk.running.rows("recordings", "--\(filter)", value).count == count, "\(filter)")
                let query = "\(filter)=\(value.replacingOccurrences(of: "+", with: "%2B"))"
                #expect(try talk.running.http("/api/v1/recordings?\(query)").rows.count == count, "\(filter)")
            }
        }
        let acts = try talk.running.rows("audit").compactMap { $0["action"] as? String }
        #expect(
            acts.filter { $0.hasPrefix("recording.") }.reversed() == [
                "recording.start", "recording.pause", "recording.resume", "recording.stop",
            ]
        )

        let wanted = try Talk(
            carrierPort: try WirePeer().port,
            recordings: "{directions: [inbound], keys: {record: \"*1\"}}"
        )
        wanted.key(10, 1)
        #expect(
            try eventually { try wanted.running.gudok("trace", wanted.call).text.contains("may not end a recording") }
        )
        #expect(try wanted.running.rows("recordings").first?["state"] as? String == "recording")
    }

    @Test func `a recording is heard over HTTP, whole and in parts, and the audit log has who took it`() throws {
        let talk = try Talk(carrierPort: try WirePeer().port, recordings: "{directions: [inbound]}")
        talk.speak(seconds: 0.5)
        talk.hangUp()
        let row = try talk.recording("final")
        let id = try #require(row["id"] as? String)
        let file = talk.running.folder.appending(path: "taken.wav")
        func take(_ id: String, _ more: [String] = [], query: String = "") throws -> String {
            let place = "http://127.0.0.1:\(talk.running.httpPort)/api/v1/recordings/\(id)/audio\(query)"
            let told = "%{http_code} %{content_type} %header{content-length} %header{content-range}"
            let curl = try ChildProcess(
                "/usr/bin/env",
                ["curl", "-s", "-o", file.path, "-w", told] + more + [place]
            )
            #expect(curl.exitCode(within: 10) == 0)
            return curl.text
        }
        let octets = try #require(row["octets"] as? Int)
        #expect(try take(id) == "200 audio/wav \(octets) ")
        let whole = try Data(contentsOf: file)
        let kept = try FileManager.default.subpathsOfDirectory(atPath: talk.running.folder.path)
            .first { $0.hasSuffix(".wav") && $0.contains("recordings") }
        #expect(try whole == Data(contentsOf: talk.running.folder.appending(path: try #require(kept))))
        #expect(whole.count == octets && whole.prefix(4) == Data("RIFF".utf8))
        #expect(try take(id, ["-r", "100-199"]) == "206 audio/wav 100 bytes 100-199/\(octets)")
        #expect(try Data(contentsOf: file) == whole[100..<200])
        #expect(try take(id, ["-r", "-44"]) == "206 audio/wav 44 bytes \(octets - 44)-\(octets - 1)/\(octets)")
        #expect(try Data(contentsOf: file) == whole.suffix(44))
        let sum = try #require(row["sha256"] as? String)
        #expect(try take(id, ["-r", "0-0", "-H", "If-Range: \"\(sum)\""]).hasPrefix("206"))
        #expect(try take(id, ["-r", "0-0", "-H", "If-Range: \"another\""]) == "200 audio/wav \(octets) ")
        #expect(try take(id, ["-r", "\(octets)-"]).hasSuffix("bytes */\(octets)"))
        #expect(try take(id, ["--head"]) == "200 audio/wav \(octets) ")
        #expect(try take("nothing").hasPrefix("404 "))
        #expect(try take(id, query: "?tenant=nobody").hasPrefix("404 "))
        let took = try talk.running.rows("audit").first { $0["action"] as? String == "recording.get" }
        #expect(took?["object"] as? String == "recording \(id)" && took?["detail"] as? String == "call \(talk.call)")

        try FileManager.default.removeItem(at: talk.running.folder.appending(path: try #require(kept)))
        #expect(try take(id).hasPrefix("410 "))
    }

    @Test
    func `of two users who talk the caller has the keys as the callee has, and each ends what the other began`()
        throws
    {
        let running = try RunningSwitch(tenant: #"recordings: {keys: {record: "*1"}}"#)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let (annas, boriss) = (try WirePeer(), try WirePeer())
        _ = try boris.register()
        #expect(try anna.dial("1002", sdp: Phone.sdp(port: annas.port)) == nil)
        let (_, toBoris) = try boris.pickUp(media: boriss)
        let answer = try #require(anna.answer(to: "INVITE"))
        let tag = anna.acknowledge(answer, to: "1002")
        let toAnna = try #require(answer.audioPort)
        var pressed: UInt8 = 0
        let key = { (peer: WirePeer, port: UInt16) in
            for digit in [10, 1] as [UInt8] {
                pressed += 1
                peer.press(digit, to: port, at: pressed)
            }
        }
        let states = { try running.rows("recordings").compactMap { $0["state"] as? String } }
        key(annas, toAnna)
        #expect(try eventually { try states() == ["recording"] })
        key(boriss, toBoris)
        #expect(try eventually { try states() == ["final"] })
        key(boriss, toBoris)
        #expect(try eventually { try states().sorted() == ["final", "recording"] })
        let policies = try running.rows("recordings").compactMap { $0["policy"] as? String }
        #expect(policies.sorted() == ["key of 1001", "key of 1002"])
        anna.send(anna.request("BYE", to: "1002", toTag: tag))
        try boris.expectBye()
    }

    @Test func `the plan's last word on recording is above the queue's and the tenant's`() throws {
        let running = try RunningSwitch(
            tenant: """
                recordings: {directions: [inbound]}
                queues: [{name: sales, record: true, agents: [{user: "1001"}]}]
                """,
            incoming: #"""
                routes:
                  - {match: "700", do: [{record: false}, {queue: sales}, {hangup: normal}]}
                  - {match: "701", do: [answer, {record: true}, {record: false}, {dial: {user: "1001"}}]}
                  - {match: "702", do: [answer, {record: false}, {record: true}, {dial: {user: "1001"}}]}
                """#
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let media = try WirePeer()
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        for (count, (number, why)) in [("700", "plan"), ("701", "plan"), ("702", nil as String?)].enumerated() {
            carrier.callID = UUID().uuidString
            #expect(try eventually { try running.state(of: "1001") == "available" })
            let (tag, _) = try carrier.arrive(at: number, media: media)
            _ = try anna.pickUp(media: media)
            #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
            carrier.send(carrier.request("BYE", to: number, toTag: tag))
            try anna.expectBye()
            #expect(
                try eventually {
                    let calls = try running.rows("cdr")
                    return calls.count == count + 1 && calls.allSatisfy { $0["ended_at"] is String }
                }
            )
            let record = try #require(try running.rows("cdr").first)
            #expect(record["not_recorded"] as? String == why, "\(number)")
            #expect(record["recording"] is NSNull == (why != nil), "\(number)")
        }
        let policies = try running.rows("recordings").compactMap { $0["policy"] as? String }
        #expect(policies == ["plan"])
    }

    @Test func `a queue that says nothing of recordings is not recorded for the queue that a caller comes from`() throws
    {
        let running = try RunningSwitch(
            tenant: """
                queues:
                  - {name: sales, record: true, agents: [{user: "1001"}]}
                  - {name: support, agents: [{user: "1002"}]}
                """,
            incoming: #"routes: [{match: ".", do: [{queue: sales}, {hangup: normal}]}]"#,
            internalPlan: #"routes: [{match: "701", do: [{queue: support}]}]"#
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let media = try WirePeer()
        _ = try (anna.register(), boris.register())
        for agent in ["1001", "1002"] { _ = try running.gudok("agent", "login", agent) }
        let (tag, _) = try carrier.arrive(media: media)
        _ = try anna.pickUp(media: media)
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("transfer", call, "701").code == 0)
        _ = try boris.pickUp(media: media)
        try anna.expectBye()
        #expect(try eventually { try running.rows("calls").first?["queue"] as? String == "support" })
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let policies = try running.rows("recordings").compactMap { $0["policy"] as? String }
        #expect(policies == ["queue sales"])
    }

    @Test func `an agent's talk is recorded, and what is said during a pause is silence of its length and marked`()
        throws
    {
        let talk = try Talk(carrierPort: try WirePeer().port, recordings: "{agents: [\"1001\"]}")
        talk.speak(seconds: 1)
        #expect(try talk.running.gudok("recordings", "resume", talk.call).code == 1)
        #expect(try talk.running.gudok("recordings", "pause", talk.call).code == 0)
        #expect(try talk.running.gudok("recordings", "pause", talk.call).code == 1)
        talk.speak(seconds: 1.5)
        #expect(try talk.running.gudok("recordings", "resume", talk.call).code == 0)
        talk.speak(seconds: 1)
        talk.hangUp()
        let row = try talk.recording("final")
        #expect(row["policy"] as? String == "agent 1001")
        let exported = try talk.running.gudok("export", "--tenant", "demo").text
        #expect(exported.contains("recordings: {format: wav, directions: [], agents: [\"1001\"]}"))
        let pauses = try #require(row["pauses"] as? [[Int]])
        #expect(pauses.count == 1 && pauses[0].count == 2)
        let pause = pauses[0][0] * 8..<pauses[0][1] * 8
        let file = talk.running.folder.appending(path: "data/tenants/demo/recordings")
            .appending(path: try #require(row["file"] as? String))
        let samples = try Data(contentsOf: file).dropFirst(44).withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        let left = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
        #expect(Double(left.count) / 8_000 > 3.5)
        // The row's times are those of the wall clock, to the millisecond and a bit.
        #expect(left[(pause.lowerBound + 80)..<(pause.upperBound - 80)].allSatisfy { $0 == 0 })
        #expect(left[..<pause.lowerBound].contains { $0 != 0 } && left[pause.upperBound...].contains { $0 != 0 })
        #expect(try talk.running.gudok("recordings", "pause", "nobody").text.contains("no call nobody is up"))
    }

    @Test func `a call that is relayed in Opus is recorded`() throws {
        let talk = try Talk(carrierPort: try WirePeer().port, recordings: "{directions: [inbound]}", formats: "111 101")
        talk.hangUp()
        let record = try talk.record()
        #expect(record["codec_a"] as? String == "opus" && record["not_recorded"] is NSNull)
        #expect(try talk.recording("final")["id"] as? String == record["recording"] as? String)
    }

    @Test(arguments: [("{directions: [outbound]}", "8", "no-policy"), ("{directions: [inbound]}", "9", "codec")])
    func `an answered call that is not recorded says why`(recordings: String, formats: String, why: String) throws {
        let talk = try Talk(carrierPort: try WirePeer().port, recordings: recordings, formats: formats)
        talk.hangUp()
        let record = try talk.record()
        #expect(record["recording"] is NSNull && record["not_recorded"] as? String == why)
        #expect(try talk.running.gudok("why", talk.call).text.contains("not recorded: \(why)"))
    }

    @Test(arguments: [("inbound", "8 9 0 101"), ("outbound", "9 8 0 101")])
    func `where a talk is to be recorded, codecs that a recorder understands are offered first`(
        recorded: String,
        offered: String
    ) throws {
        let pair = try CallPair(codecs: "G722, PCMA", tenant: "recordings: {directions: [\(recorded)]}")
        let invite = try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "9 8 101"))
        #expect(invite.contains("RTP/AVP \(offered)\r\n"), "\(invite)")
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: String(offered.prefix(1)) + " 101"))
        #expect(try eventually { try pair.running.rows("recordings").count == (recorded == "inbound" ? 1 : 0) })
        try pair.hangUp()
    }

    @Test func `a recording ends with the codec that it understood, and begins again with one`() throws {
        let pair = try CallPair(tenant: "recordings: {directions: [inbound]}")
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "8 9 101"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "8 101"))
        let call = try #require(try pair.running.rows("calls").first?["call_id"] as? String)
        func speak(_ formats: String, version: Int) throws {
            pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, formats: formats, version: version))
            let offer = try #require(pair.callee.expect("INVITE"))
            pair.callee.respond("200 OK", to: offer, sdp: Phone.sdp(port: 4_002, formats: formats, version: version))
            #expect(pair.carrier.final("INVITE")?.startWord == "200")
            pair.acknowledge()
            #expect(pair.callee.expect("ACK") != nil)
        }
        func states() throws -> [String] {
            try pair.running.rows("recordings").compactMap { $0["state"] as? String }.sorted()
        }
        #expect(try eventually { try states() == ["recording"] })
        try speak("9 101", version: 2)
        #expect(try eventually { try states() == ["final"] })
        let why = try pair.running.gudok("why", call).text
        #expect(why.contains("speaks G722 now: the recording ends") && why.contains("not recorded: codec"), "\(why)")
        try speak("8 101", version: 3)
        #expect(try eventually { try states() == ["final", "recording"] })
        try pair.hangUp()
        #expect(try eventually { try states() == ["final", "final"] })
    }

    @Test func `what was to be recorded is, as soon as the codec is one that is understood`() throws {
        let pair = try CallPair(tenant: "recordings: {directions: [inbound]}")
        try pair.ring(sdp: Phone.sdp(port: 4_000, formats: "9 8 101"))
        try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "9 101"))
        #expect(try pair.running.rows("recordings").isEmpty)
        pair.ask("INVITE", sdp: Phone.sdp(port: 4_000, formats: "8 101", version: 2))
        let offer = try #require(pair.callee.expect("INVITE"))
        pair.callee.respond("200 OK", to: offer, sdp: Phone.sdp(port: 4_002, formats: "8 101", version: 2))
        #expect(pair.carrier.final("INVITE")?.startWord == "200")
        pair.acknowledge()
        #expect(try eventually { try pair.running.rows("recordings").first?["state"] as? String == "recording" })
        // The call's record has what was spoken last.
        try pair.hangUp()
        #expect(try eventually { try pair.running.rows("cdr").first?["ended_at"] is String })
        let record = try #require(try pair.running.rows("cdr").first)
        #expect(record["codec_a"] as? String == "PCMA" && record["codec_b"] as? String == "PCMA")
        #expect(record.legs.map { $0["codec"] as? String } == ["PCMA", "PCMA"])
    }
}

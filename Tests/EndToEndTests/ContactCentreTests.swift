import Codecs
import Foundation
import Glibc
import Testing

/// The contact centre over the wire: menus, queues, agents.
@Suite("The contact centre over the wire")
struct ContactCentreTests {
    static let incoming = """
        routes:
          - match: "."
            do: [{goto: welcome}]
        flows:
          welcome:
            - answer
            - play: welcome
            - menu:
                prompt: main-menu
                timeout: 2s
                attempts: 2
                keys:
                  "1": [{queue: sales}]
                  "2": [{dial: {user: "1001", timeout: 20s}}]
                otherwise: [{queue: sales}]
            - hangup: normal
          nobody:
            - play: nobody-available
            - hangup: normal
        """

    static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "700", do: [{queue: sales}]}
          - {match: "*45", do: [{agent: toggle-login}]}
          - {match: "*46", do: [{agent: toggle-pause, reason: break}]}
          - {match: "+.", do: [{dial: {trunk: carrier, number: "{called}", timeout: 60s}}]}
        """

    static func tenant(_ queue: String = "") -> String {
        """
        queues:
          - name: sales
            extension: "700"
            strategy: longest-idle
            ring_timeout: 5s
            wrap_up: 2s
            max_wait: 60s
            no_answer_delay: 1s
            decline_delay: 1s
            music: default
            record: true
            agents:
              - {user: "1001", penalty: 0, skill: 5}
              - {user: "1002", penalty: 0, skill: 3}
            on_timeout: {dialplan: incoming, flow: nobody}
            \(queue)
        pause_reasons: [break, lunch]
        """
    }

    static func centre(_ queue: String = "") throws -> RunningSwitch {
        try RunningSwitch(tenant: tenant(queue), incoming: incoming, internalPlan: internalPlan)
    }

    @Test func `a caller hears a prompt, presses a key, waits with music, and the operator's phone rings`() throws {
        let running = try Self.centre()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try anna.register().startWord == "200")
        #expect(try running.state(of: "1001") == "logged-out")
        #expect(try running.gudok("agent", "login", "1001").code == 0)
        #expect(try running.state(of: "1001") == "available")

        let media = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        let prompt = try #require(media.receive())
        #expect(prompt.bytes.count == 172 && prompt.bytes[1] & 0x7F == 8)
        media.press(1, to: port, at: 1)

        let invite = try #require(anna.expect("INVITE"))
        #expect(invite.header("From")?.contains("+74951112233") == true)
        #expect(try running.state(of: "1001") == "ringing")
        let queue = try #require(try running.rows("queues").first)
        #expect(queue["waiting"] as? Int == 1)
        let annaMedia = try WirePeer()
        anna.respond("180 Ringing", to: invite, toTag: "anna")
        anna.respond("200 OK", to: invite, toTag: "anna", sdp: Phone.sdp(port: annaMedia.port))
        _ = try #require(anna.expect("ACK"))
        #expect(try running.state(of: "1001") == "on-call")
        let call = try #require(try running.rows("calls").first)
        #expect(call["state"] as? String == "talking" && call["agent"] as? String == "1001")

        // Voice crosses; whatever music was on its way before is passed over.
        let voice: [UInt8] = [0x80, 8, 9, 1, 0, 0, 9, 160, 1, 2, 3, 4] + [UInt8](repeating: 0x55, count: 160)
        media.send(voice, to: port)
        #expect(annaMedia.receive()?.bytes == voice)

        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        let bye = try #require(anna.expect("BYE"))
        anna.respond("200 OK", to: bye)
        #expect(try running.state(of: "1001") == "wrap-up")
        #expect(try eventually(within: 6) { try running.state(of: "1001") == "available" })
        var record: [String: Any] = [:]
        _ = try eventually {
            record = try running.rows("cdr").first ?? [:]
            return record["ended_at"] is String
        }
        #expect(record["disposition"] as? String == "answered")
        #expect(record["hangup_by"] as? String == "caller")
        #expect(record["queue"] as? String == "sales" && record["agent"] as? String == "1001")
        #expect((record["queue_wait_s"] as? Double ?? 0) > 0)
    }

    /// A caller has come into the queue by its key, and Anna, who is logged in, is about to be rung.
    static func arrival(
        _ rules: String = ""
    ) throws -> (RunningSwitch, carrier: Phone, tag: String, anna: Phone, media: WirePeer) {
        let running = try centre(rules)
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        let media = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        return (running, carrier, tag, anna, media)
    }

    @Test func `a caller who goes while a phone rings leaves no ghost, and is abandoned`() throws {
        let (running, carrier, tag, anna, _) = try Self.arrival()
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: invite, toTag: "anna")
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        let cancel = try #require(anna.expect("CANCEL"))
        anna.respond("200 OK", to: cancel, toTag: "anna")
        anna.respond("487 Request Terminated", to: invite, toTag: "anna")
        #expect(try eventually { try running.state(of: "1001") == "available" })
        var record: [String: Any] = [:]
        _ = try eventually {
            record = try running.rows("cdr").first ?? [:]
            return record["ended_at"] is String
        }
        #expect(record["disposition"] as? String == "abandoned")
        #expect(record["queue"] as? String == "sales")
    }

    @Test func `B119, B120: ring-all: of two who answer at once one has the caller, the other's phone is told why not`()
        throws
    {
        let tenant = Self.tenant().replacingOccurrences(of: "longest-idle", with: "ring-all")
            .replacingOccurrences(of: "skill: 3}", with: "skill: 3}\n      - {user: \"1003\"}")
        let running = try RunningSwitch(tenant: tenant, incoming: Self.incoming, internalPlan: Self.internalPlan)
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let agents = try ["anna-demo-1", "boris-demo-2", "vera-demo-3"].enumerated().map { index, password in
            let phone = try Phone("100\(index + 1)", password: password, server: running.sipPort)
            _ = try phone.register()
            _ = try running.gudok("agent", "login", phone.user)
            return phone
        }
        let media = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let invites = try agents.map { try #require($0.expect("INVITE")) }
        agents[2].respond("180 Ringing", to: invites[2], toTag: "3")
        for place in 0..<2 {
            agents[place].respond("200 OK", to: invites[place], toTag: "\(place)", sdp: Phone.sdp(port: 4_002))
        }
        let cancel = try #require(agents[2].expect("CANCEL"))
        #expect(cancel.header("Reason") == "SIP;cause=200;text=\"Call completed elsewhere\"")
        agents[2].respond("200 OK", to: cancel)
        agents[2].respond("487 Request Terminated", to: invites[2], toTag: "3")
        #expect(agents[0].expect("ACK") != nil && agents[1].expect("ACK") != nil)
        let bye = try #require(agents[1].expect("BYE"))
        #expect(bye.header("Reason")?.hasPrefix("SIP;cause=200") == true)
        agents[1].respond("200 OK", to: bye)
        let isOne = try eventually {
            let states = try agents.map { try running.state(of: $0.user) }
            return states == ["on-call", "available", "available"]
        }
        #expect(isOne)
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try agents[0].expectBye()
    }

    @Test func `an agent who declines at one of his phones has declined, and the next agent is rung`() throws {
        let running = try Self.centre()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let desk = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let mobile = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [desk, mobile, boris] { _ = try phone.register() }
        for agent in ["1001", "1002"] { _ = try running.gudok("agent", "login", agent) }
        let media = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let atMobile = try #require(mobile.expect("INVITE"))
        mobile.respond("180 Ringing", to: atMobile, toTag: "m")
        desk.respond("603 Decline", to: try #require(desk.expect("INVITE")), toTag: "d")
        // Within the five seconds that his phones ring.
        let cancel = try #require(mobile.expect("CANCEL", within: 4))
        mobile.respond("200 OK", to: cancel)
        mobile.respond("487 Request Terminated", to: atMobile, toTag: "m")
        boris.respond("200 OK", to: try #require(boris.expect("INVITE")), toTag: "b", sdp: Phone.sdp(port: 4_002))
        #expect(boris.expect("ACK") != nil)
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        #expect(try running.gudok("why", call).text.contains("declined"))
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
    }

    /// Records prompts that are tones, and lets the queue say them.
    static func speak(
        _ prompts: [(path: String, hertz: Double, seconds: Double)],
        _ keys: String,
        in running: RunningSwitch
    ) throws {
        for prompt in prompts {
            let place = running.folder.appending(path: "dialplans/prompts/\(prompt.path).wav")
            let folder = place.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try wave(prompt.hertz, seconds: prompt.seconds).write(to: place)
        }
        let file = running.folder.appending(path: "tenants/demo.yaml")
        try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "record: true", with: "record: true\n    " + keys)
            .write(to: file, atomically: true, encoding: .utf8)
        #expect(try running.gudok("apply", file.path).code == 0)
    }

    @Test func `announcements that fall due together are heard one after the other`() throws {
        let running = try Self.centre()
        try Self.speak(
            [("en/low", 500, 0.5), ("en/high", 1_300, 0.5)],
            "messages: [{prompt: low, every: 2s}, {prompt: high, every: 2s}]",
            in: running
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let media = try WirePeer()
        let (_, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let call = try #require(try running.rows("calls").first?["call_id"] as? String)
        var why = ""
        let isSaid = try eventually(within: 15) {
            why = try running.gudok("why", call).text
            return why.contains("prompt high")
        }
        #expect(isSaid, "\(why)")
        var heard: [Double] = []
        _ = eventually(within: 2) {
            heard += media.samples()
            return false
        }
        // Half a second each, of some seconds with music: in one of the fifths of a second each is alone.
        let shares = [500.0, 1_300].map { Self.greatestShare(of: $0, in: heard) }
        #expect(shares.allSatisfy { $0 > 0.5 }, "\(shares)")
    }

    /// In a fifth of a second.
    private static func greatestShare(of hertz: Double, in heard: [Double]) -> Double {
        stride(from: 0, to: max(0, heard.count - 1_600), by: 800).map { start in
            let window = heard[start..<start + 1_600]
            return Tone.share(of: hertz, in: (0..<10).flatMap { _ in window })
        }
        .max() ?? 0
    }

    @Test func `a caller hears announcements in his language, and the agent the whisper in the queue's`() throws {
        let running = try RunningSwitch(
            tenant: Self.tenant(),
            incoming: """
                routes: [{match: ".", do: [{set: {language: ru}}, {queue: sales}]}]
                flows: {nobody: [{hangup: normal}]}
                """,
            internalPlan: Self.internalPlan
        )
        try Self.speak(
            [("en/own", 500, 1), ("ru/own", 1_300, 1)],
            "language: en\n    whisper: own\n    messages: [{prompt: own, every: 1s}]",
            in: running
        )
        /// What is heard there until this tone was.
        func heard(_ hertz: Double, by media: WirePeer) -> [Double] {
            var heard: [Double] = []
            let isHeard = eventually(within: 8) {
                heard += media.samples()
                return Self.greatestShare(of: hertz, in: heard) > 0.5
            }
            #expect(isHeard)
            return heard
        }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let (callers, annas) = (try WirePeer(), try WirePeer())
        _ = try carrier.arrive(media: callers)
        #expect(Self.greatestShare(of: 500, in: heard(1_300, by: callers)) < 0.5)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try anna.pickUp(media: annas)
        #expect(Self.greatestShare(of: 1_300, in: heard(500, by: annas)) < 0.5)
    }

    /// A file of one tone, 16 bits at 8 kHz.
    private static func wave(_ hertz: Double, seconds: Double) -> Data {
        let samples = (0..<Int(seconds * 8_000)).map { Int16(16_000 * sin(Double($0) * 2 * .pi * hertz / 8_000)) }
        func little(_ value: Int, _ octets: Int) -> Data { Data((0..<octets).map { UInt8(value >> ($0 * 8) & 0xFF) }) }
        let size = samples.count * 2
        return Data("RIFF".utf8) + little(36 + size, 4) + Data("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
            + little(1, 2)
            + little(8_000, 4) + little(16_000, 4) + little(2, 2) + little(16, 2) + Data("data".utf8) + little(size, 4)
            + samples.reduce(into: Data()) { $0 += little(Int(UInt16(bitPattern: $1)), 2) }
    }

    @Test func `ring-progressively: a second phone begins to ring beside the first, which stops when it answers`()
        throws
    {
        let tenant = Self.tenant().replacingOccurrences(
            of: "longest-idle",
            with: "ring-progressively\n    ring_step: 1s"
        )
        let running = try RunningSwitch(tenant: tenant, incoming: Self.incoming, internalPlan: Self.internalPlan)
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [boris, anna] {
            _ = try phone.register()
            _ = try running.gudok("agent", "login", phone.user)
        }
        let media = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let first = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: first, toTag: "anna")
        #expect(boris.expect("INVITE", within: 0.5) == nil)
        boris.respond("200 OK", to: try #require(boris.expect("INVITE")), toTag: "boris", sdp: Phone.sdp(port: 4_002))
        let cancel = try #require(anna.expect("CANCEL"))
        #expect(cancel.header("Reason") == "SIP;cause=200;text=\"Call completed elsewhere\"")
        anna.respond("200 OK", to: cancel)
        anna.respond("487 Request Terminated", to: first, toTag: "anna")
        #expect(boris.expect("ACK") != nil)
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        try boris.expectBye()
    }

    @Test func `whoever does not answer is passed over, and the next phone rings at once`() throws {
        let running = try Self.centre()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] { _ = try phone.register() }
        // Feature code: the phone itself logs its operator in.
        let coded = try anna.call("*45")
        #expect(coded.startWord == "200")
        let toTag = String(coded.header("To")?.components(separatedBy: ";tag=").last ?? "")
        anna.send(anna.request("ACK", to: "*45", toTag: toTag, sequence: anna.sequence))
        #expect(try eventually { try running.state(of: "1001") == "on-call" })
        let farewell = try #require(anna.expect("BYE", within: 8))
        anna.respond("200 OK", to: farewell)
        #expect(try eventually { try running.state(of: "1001") == "available" })
        _ = try running.gudok("agent", "login", "1002")
        let media = try WirePeer()
        let (_, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let first = try #require(anna.expect("INVITE"))
        anna.respond("180 Ringing", to: first, toTag: "anna")
        let cancel = try #require(anna.expect("CANCEL", within: 12))
        anna.respond("200 OK", to: cancel, toTag: "anna")
        anna.respond("487 Request Terminated", to: first, toTag: "anna")
        let second = try #require(boris.expect("INVITE"))
        boris.respond("486 Busy Here", to: second, toTag: "boris")
        // Boris rests now, and Anna is asked again.
        _ = try #require(anna.expect("INVITE", within: 6))
    }

    @Test func `a pause asked for during a call begins after it, and needs one of the tenant's reasons`() throws {
        let running = try Self.centre()
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "lunch").code == 1)
        _ = try running.gudok("agent", "login", "1001")
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "fishing").code == 1)
        #expect(try running.gudok("agent", "pause", "1001", "--reason", "lunch").text.contains("paused (lunch)"))
        #expect(try running.gudok("agent", "unpause", "1001").text.contains("available"))
        #expect(try running.gudok("agent", "logout", "1001").text.contains("logged-out"))
        #expect(try running.gudok("agent", "login", "9999").code == 1)
    }

    @Test func `the talk is recorded: the caller on the left, the operator on the right`() throws {
        let running = try Self.centre()
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        let media = try WirePeer()
        let annaMedia = try WirePeer()
        let (tag, port) = try carrier.arrive(media: media)
        media.press(1, to: port, at: 1)
        let invite = try #require(anna.expect("INVITE"))
        anna.respond("200 OK", to: invite, toTag: "anna", sdp: Phone.sdp(port: annaMedia.port))
        _ = try #require(anna.expect("ACK"))
        let toAnna = try #require(invite.audioPort)
        Speaker.speak([(media, port, 440), (annaMedia, toAnna, 1_000)], seconds: 3)
        carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag))
        let bye = try #require(anna.expect("BYE"))
        anna.respond("200 OK", to: bye)
        let folder = running.folder.appending(path: "data/tenants/demo/recordings")
        var file: URL?
        _ = eventually {
            file = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
                .compactMap { $0 as? URL }.first { $0.pathExtension == "wav" }
            return file != nil
        }
        let path = try #require(file)
        var samples: [Int16] = []
        // The recorder closes the file shortly after the call.
        _ = try eventually {
            samples = try Data(contentsOf: path).dropFirst(44).withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
            return samples.count > 2 * 8_000 * 5 / 2
        }
        let left = stride(from: 0, to: samples.count - 1, by: 2).map { Double(samples[$0]) }
        let right = stride(from: 1, to: samples.count, by: 2).map { Double(samples[$0]) }
        // A machine under load speaks with gaps; what is heard is still the right voice.
        #expect(Tone.share(of: 440, in: left) > 5 * Tone.share(of: 1_000, in: left))
        #expect(Tone.share(of: 1_000, in: right) > 5 * Tone.share(of: 440, in: right))
    }
}

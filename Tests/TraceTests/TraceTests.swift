import Events
import Testing
import Timebase

@testable import Trace

@Suite struct TraceTests {
    private static let start = Moment(
        instant: Instant(nanoseconds: 1_000_000_000),
        wall: WallTime(milliseconds: 1_800_000_000_000)
    )

    private static func envelope(_ event: Event, after milliseconds: Int64 = 0) -> EventEnvelope {
        let passed: Duration = .milliseconds(milliseconds)
        let moment = Moment(instant: start.instant + passed, wall: start.wall.advanced(by: passed))
        return EventEnvelope(sequence: 1, node: "n", at: moment, tenant: "demo", call: "CALL", event: event)
    }

    private static let started = Event.callStarted(
        CallStarted(
            direction: .inbound,
            from: "+7",
            fromName: nil,
            to: "600",
            trunk: "carrier",
            user: nil,
            source: "s",
            sipCallID: "c"
        )
    )
    private static let ended = Event.callEnded(
        CallEnded(disposition: .answered, hangupBy: .caller, sipCode: 200, q850Cause: 16, reason: "normal")
    )

    private static func message(_ text: String, incoming: Bool = true, leg: Int = 0, v6: Bool = false) -> Event {
        .sip(
            SIPMessageSeen(
                leg: leg,
                isIncoming: incoming,
                transport: "udp",
                local: v6 ? "[::1]:5060" : "127.0.0.1:5060",
                remote: v6 ? "[::1]:5080" : "127.0.0.1:5080",
                bytes: Array(text.utf8)
            )
        )
    }

    private func trace(_ events: [(Event, Int64)], limits: TraceLimits = TraceLimits()) -> CallTrace? {
        var collector = TraceCollector(limits: limits)
        var trace: CallTrace?
        for (event, milliseconds) in events {
            trace = collector.apply(Self.envelope(event, after: milliseconds)) ?? trace
        }
        return trace
    }

    @Test func `answers to challenges and keys of media never reach a trace, in whatever form they are written`() throws
    {
        let secret = "6629fae49393a05397450978507c4ef1"
        let text =
            "REGISTER sip:x SIP/2.0\r\nauthorization : Digest username=\"1001\", realm=\"r\",\r\n response=\"\(secret)\", cnonce=\"abc\"\r\n"
            + "Proxy-Authorization: Digest response=\(secret), username=\"1001\"\r\nX-Other: response=\"kept\"\r\n\r\n"
            + "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRETKEY\r\nk=clear:SECRETKEY\r\n"
        for text in [
            text, text.replacing("\r\n", with: "\n"), text.replacing("authorization :", with: "AUTHORIZATION\t:"),
        ] {
            let masked = traceText(of: Array(text.utf8))
            #expect(!masked.contains(secret) && !masked.contains("SECRETKEY") && !masked.contains("\"abc\""))
            #expect(masked.contains("username=\"1001\"") && masked.contains("response=\"kept\""))
            #expect(masked.utf8.count { $0 == 13 } == text.utf8.count { $0 == 13 })
        }
        let plain = "OPTIONS sip:x SIP/2.0\r\nSubject: response=\"kept\"\r\n\r\n"
        #expect(traceText(of: Array(plain.utf8)) == plain)
    }

    @Test func `other credentials and passwords in URIs reach none either`() throws {
        let secret = "dTpwYXNzd29yZA=="
        let text =
            "INVITE sip:1001:\(secret)@t.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9\r\n"
            + "Referred-By: \"x\" <sip:boss:\(secret)@t.test;x=y>\r\nContact: <SIPS:1002:\(secret)@[::1]:5061>\r\n"
            + "To: <sip:1001@t.test:5060>\r\nCall-ID: a:b:c@t.test\r\nf:sip:1003:\(secret)@t.test\r\n"
        let headers = [
            "Authorization: Basic \(secret)\r\n", "proxy-authorization:\r\n Bearer \(secret)\r\n",
            "Authorization: Custom\r\n x=\(secret)\r\n", "\r\nv=0\r\na=ice-ufrag:F7gI\r\na=ice-pwd:\(secret)\r\n",
        ]
        for message in [text] + headers.map({ "INVITE sip:x SIP/2.0\r\n" + $0 }) + [text + headers.joined()] {
            let masked = traceText(of: Array(message.utf8))
            #expect(!masked.contains(secret), "\(masked)")
            #expect(masked.utf8.count { $0 == 10 } == message.utf8.count { $0 == 10 })
        }
        let masked = traceText(of: Array(text.utf8))
        #expect(masked == text.replacing(secret, with: String(repeating: "*", count: secret.utf8.count)))
    }

    @Test func `ordinary messages have nothing to mask, which one look tells`() {
        let headers =
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9\r\nFrom:sip:+74951112233@t.test:5060;tag=1\r\nTo: <sip:600@t.test>\r\n"
            + "Call-ID: 7:1:2@192.0.2.1:5060\r\nContact: <sip:a@192.0.2.1:5060>,<sip:b@192.0.2.1:5061;x=y>\r\nPrivacy: none\r\n"
            + "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\nAuthentication-Info: nextnonce=\"n\"\r\nAuthorization-X: y\r\n"
            + "P-Asserted-Identity: <sip:1@t.test>\r\nProxy-Require: x\r\nAllow: INVITE\r\nk: 100rel\r\nk : 100rel\r\n\r\n"
        let description =
            "v=0\r\na=inactive\r\na=ice-ufrag:F7gI\r\na=candidate:1 1 UDP 1 192.0.2.1 4000 typ host\r\na=control:x\r\na=key-x"
        for start in ["INVITE sip:600@t.test:5060;transport=udp SIP/2.0\r\n", "SIP/2.0 407 x\r\n"] {
            let message = start + headers + description
            #expect(!holdsSecrets(Array(message.utf8)))
            #expect(traceText(of: Array(message.utf8)) == message)
        }
        for secret in ["a=ICE-PWD:x", "K=clear:x", "proxy-authorization :x", "\n\nf:sips:a:b@t"] {
            #expect(holdsSecrets(Array("\(headers)\(secret)".utf8)), "\(secret)")
        }
        #expect(!holdsSecrets([]) && !holdsSecrets(Array("@".utf8)) && !holdsSecrets(Array("sip:a:".utf8)))
    }

    @Test func `a living call's trace is put out piece by piece, each once`() {
        var collector = TraceCollector()
        let events: [(Event, Int64)] = [(Self.started, 0), (.step("answer"), 1), (.step("echo"), 4_000)]
        var parts: [TracePart] = []
        for (event, milliseconds) in events {
            _ = collector.apply(Self.envelope(event, after: milliseconds))
            for late in [500, 2_500, 3_000] as [Int64] {
                let now = Self.start.instant + .milliseconds(milliseconds + late)
                parts += collector.unkept(for: .seconds(2), at: now)
            }
        }
        #expect(parts.map(\.first) == [0, 1, 2])
        let whole = collector.apply(Self.envelope(Self.ended, after: 9_000))
        #expect(parts.flatMap(\.trace.entries) == (whole?.entries.dropLast()).map { Array($0) })
    }

    @Test func `what is stored comes back, and damage ends it there`() throws {
        let events: [(Event, Int64)] = [
            (Self.started, 0), (Self.message("INVITE sip:600 SIP/2.0\r\n\r\nbody\n@ 1 * 3\n"), 1),
            (.step("dial user 1002 Ж"), 2), (Self.message("SIP/2.0 200 OK\r\n\r\n", incoming: false), 3),
            (Self.ended, 4),
        ]
        let whole = try #require(trace(events))
        var copy = CallTrace(callID: "CALL", tenant: "demo", started: Self.start, from: "+7", to: "600")
        copy.restore(whole.stored)
        #expect(copy.entries == whole.entries && copy.entries.count == 5)
        for length in stride(from: 0, to: whole.stored.count, by: 7) {
            var damaged = CallTrace(callID: "CALL", tenant: "demo", started: Self.start, from: "", to: "")
            damaged.restore(Array(whole.stored.prefix(length)))
            #expect(damaged.entries.count <= 5)
        }
        var nonsense = copy
        nonsense.restore(Array("@ 1 < 0 udp a b 99999999999999999999\n@ x * 1\n".utf8))
        #expect(nonsense.entries.count == 5)
    }

    @Test func `a call takes no more room than it is granted, and says how much found none`() throws {
        var limits = TraceLimits()
        limits.entries = 3
        let middle: [(Event, Int64)] = (0..<10).map { (Self.message("OPTIONS"), Int64($0)) }
        let bounded = try #require(trace([(Self.started, 0)] + middle + [(Self.ended, 20)], limits: limits))
        #expect(bounded.entries.count == 3 && bounded.omitted == 9)
        #expect(Ladder(bounded).text.contains("… and 9 more"))
    }

    @Test func `why a call went as it did has who rang and who answered, each once`() throws {
        func response(_ line: String, _ method: String = "INVITE", incoming: Bool = true, leg: Int = 1) -> Event {
            Self.message("SIP/2.0 \(line)\r\nCSeq: 1 \(method)\r\n\r\n", incoming: incoming, leg: leg)
        }
        let events: [(Event, Int64)] = [
            (Self.started, 0), (response("100 Trying"), 1), (response("180 Ringing"), 2), (response("180 Ringing"), 3),
            (response("180 Ringing", incoming: false, leg: 0), 3), (response("200 OK", "OPTIONS"), 4),
            (response("183 Session Progress", leg: 2), 5), (response("200 OK", leg: 2), 6),
            (response("486 Busy Here"), 7), (response("200 OK", leg: 2), 8), (Self.ended, 9),
        ]
        let told = try #require(trace(events)).decisions.map { "\($0.offset / 1_000) \($0.text)" }
        #expect(told.dropFirst().dropLast() == ["2 leg 1 rings (180)", "5 leg 2 rings (183)", "6 leg 2 answers (200)"])
    }

    @Test func `the ladder has the caller left, whoever was called right, and the time of each`() throws {
        let events: [(Event, Int64)] = [
            (Self.started, 0), (Self.message("INVITE sip:600 SIP/2.0\r\n\r\nm=audio 4000 RTP/AVP 8\r\n"), 0),
            (Self.message("INVITE sip:1002 SIP/2.0\r\n\r\n", incoming: false, leg: 1), 2),
            (Self.message("SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n", leg: 1), 1_250), (Self.ended, 2_000),
        ]
        let drawn = try #require(trace(events))
        let lines = Ladder(drawn, width: 100).lines
        #expect(lines[1].contains("127.0.0.1:5080") && lines[1].contains("Gudok"))
        #expect(lines[3].hasPrefix("      0.000  │─INVITE ♪4000──") && lines[3].contains("▶│"))
        #expect(lines[4].contains("│─INVITE──") && lines[4].hasSuffix("▶│"))
        #expect(lines[5].hasPrefix("      1.250  │") && lines[5].contains("│◀─180 Ringing──"))
    }

    @Test func `a server that took over an attempt responds, which need be no answer`() throws {
        let moved = Event.legReached(leg: 1, address: "192.0.2.1:5060")
        let events: [(Event, Int64)] = [(Self.started, 0), (moved, 5), (Self.ended, 9)]
        let lines = Ladder(try #require(trace(events)), width: 100).lines
        #expect(lines.contains { $0.contains("leg 1: 192.0.2.1:5060 responds") })
    }

    @Test func `the ladder goes by time, also where something was told late`() throws {
        let events: [(Event, Int64)] = [
            (Self.started, 0), (.note("late"), 2_099), (.note("early"), 2_017), (Self.ended, 2_017),
        ]
        let lines = Ladder(try #require(trace(events)), width: 100).lines
        let early = try #require(lines.firstIndex { $0.contains("early") })
        let late = try #require(lines.firstIndex { $0.contains("late") })
        #expect(early < late && late == lines.count - 1)
    }

    @Test(arguments: [false, true])
    func `the capture holds one IP packet a message, its lengths and checksum right`(v6: Bool) throws {
        let events: [(Event, Int64)] = [
            (Self.started, 0), (Self.message("OPTIONS sip:x SIP/2.0\r\n\r\n", v6: v6), 1), (Self.ended, 2),
        ]
        let captured = try #require(trace(events))
        let bytes = PacketCapture(captured).bytes
        #expect(Array(bytes.prefix(4)) == [0xD4, 0xC3, 0xB2, 0xA1])
        let packet = Array(bytes.dropFirst(24 + 16))
        let header = v6 ? 40 : 20
        #expect(packet.count == header + 8 + 25)
        #expect(packet[0] >> 4 == (v6 ? 6 : 4))
        #expect(Int(packet[header + 4]) << 8 | Int(packet[header + 5]) == 33)
        guard !v6 else { return }
        var sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + (Int(packet[$1]) << 8 | Int(packet[$1 + 1])) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        #expect(sum == 0xFFFF)
    }
}

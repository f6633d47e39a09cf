import SIPMessage
import Testing

@Suite("RFC 3261 §7 and §8.1.1 messages")
struct MessageTests {
    @Test func `§7.1 a request and its mandatory values`() throws {
        let sample = Sample().with("Contact", "<sip:1001@192.0.2.101>;q=0.7, <sip:1001@198.51.100.1>").with(
            body: "v=0\r\n"
        )
        let request = try #require(sample.outcome.request)
        #expect(request.method == .invite && request.uri == SIPURI(user: "1002", host: "example.com"))
        #expect(try request.topVia().branch == "z9hG4bK74bf9")
        #expect(try request.from().displayName == "Alice")
        #expect(request.fromTag == "9fxced76sl" && request.toTag == nil)
        #expect(try request.callID() == "3848276298220188511@client.example.com")
        #expect(try request.cSeq() == CSeq(number: 1, method: .invite))
        #expect(try request.contacts().count == 2 && !request.isStarContact)
        #expect(request.contentType() == "application/sdp")
        #expect(request.sdpBody() == Array("v=0\r\n".utf8))
    }

    @Test func `§7.2 a response`() throws {
        guard case .message(.response(let response)) = Sample.response.starting("SIP/2.0 180 Идёт вызов").outcome else {
            Issue.record("no response")
            return
        }
        #expect(response.status == 180 && response.reason == "Идёт вызов")
        #expect(Sample.response.starting("sip/2.0 200").verdict == .response)
    }

    @Test(
        "§7.1 start lines and what they earn",
        arguments: [
            ("INVITE sip:a@b SIP/2.0", Verdict.request), ("INVITE sip:a@b sip/2.0", .request),
            ("INVITE sip:a@b SIP/3.0", .refused(505)), ("INVITE sip:a@b SIP/2.1", .refused(505)),
            ("INVITE sip:a@b  SIP/2.0", .refused(400)), ("INVITE  sip:a@b SIP/2.0", .refused(400)),
            ("INVITE sip:a@b SIP/2.0 ", .refused(400)), ("INVITE\tsip:a@b SIP/2.0", .refused(400)),
            ("INVITE SIP/2.0", .refused(400)), ("INVITE  SIP/2.0", .refused(400)),
            ("INVITE sip:a b@c SIP/2.0", .refused(400)), ("INVITE <sip:a@b> SIP/2.0", .refused(400)),
            ("INVITE sip:a@b?x=y SIP/2.0", .refused(400)), ("INVITE 1002 SIP/2.0", .refused(400)),
            ("INVITE nobody:knows SIP/2.0", .request), ("INVITE tel:+112 SIP/2.0", .request),
            ("invite sip:a@b SIP/2.0", .refused(400)), ("GET / HTTP/1.1", .dropped), ("INVITE sip:a@b", .dropped),
            (" INVITE sip:a@b SIP/2.0", .dropped), ("SIP/2.0 99 x", .dropped), ("SIP/2.0 700 x", .dropped),
            ("SIP/2.0 2000 x", .dropped), ("SIP/2.0 20 x", .dropped), ("SIP/2.0  200 x", .dropped),
            ("SIP/3.0 200 OK", .dropped), ("SIP/2.0 4294967301 x", .dropped), ("SIP/2.0 200OK", .dropped),
            ("SIP/2.0", .dropped), ("SIP/2.0 200 ", .response), ("\u{0}", .dropped),
        ]
    )
    func startLines(line: String, expected: Verdict) {
        #expect(Sample().starting(line).verdict == expected, "\(line)")
    }

    @Test(
        "§8.1.1 what must be there, once, and sound",
        arguments: [
            ("From", nil), ("To", nil), ("Call-ID", nil), ("CSeq", nil), ("From", ""), ("To", "<sip:a@b"),
            ("From", "x"),
            ("Call-ID", ""), ("Call-ID", "a b"), ("CSeq", "1 BYE"), ("CSeq", "4294967296 INVITE"), ("CSeq", "INVITE"),
            ("Max-Forwards", "-1"), ("Max-Forwards", "256"), ("Max-Forwards", "x"), ("Max-Forwards", ""),
            ("Max-Forwards", "99999999999999999999999"), ("Content-Length", "-999"), ("Content-Length", "1 2"),
            ("Content-Length", ""), ("Content-Length", "5"), ("Content-Length", "99999999999999999999"),
            ("Content-Length", "0x0"), ("To", "<sip:a@b>;tag=1, <sip:c@d>"), ("From", "\"a <sip:a@b>"),
        ] as [(String, String?)]
    )
    func mandatory(name: String, value: String?) {
        #expect(Sample().with(name, value).verdict == .refused(400), "\(name): \(value ?? "absent")")
        #expect(name == "Max-Forwards" || Sample.response.with(name, value).verdict == .dropped || name == "CSeq")
    }

    @Test func `§18.2.2 without a Via there is no way back`() {
        #expect(Sample().with("Via", nil).verdict == .dropped)
        #expect(Sample().with("Via", "SIP/2.0/UDP").verdict == .dropped)
        #expect(Sample().with("Via", nil).outcome.fault?.status == nil)
    }

    @Test(
        "RFC 4475 §3.3.8 twice is a guess too many",
        arguments: [
            "From: <sip:x@y>;tag=1", "To: <sip:x@y>", "Call-ID: z", "CSeq: 2 INVITE", "Max-Forwards: 5", "i: z",
        ]
    )
    func duplicates(line: String) {
        let outcome = Sample().adding(line).outcome
        #expect(outcome.verdict == .refused(400) && outcome.fault?.kind == .duplicateHeader)
    }

    @Test func `two lengths that differ are refused, the same twice is not`() {
        #expect(Sample().adding("Content-Length: 0").adding("l: 0").verdict == .request)
        #expect(Sample().adding("Content-Length: 0").adding("l: 1").verdict == .refused(400))
    }

    @Test func `a request without Max-Forwards is an old one, not a wrong one`() throws {
        let request = try #require(Sample().with("Max-Forwards", nil).outcome.request)
        #expect(try request.maxForwards() == nil)
    }

    @Test func `§18.3 octets behind the body are discarded, a short body is refused`() throws {
        let sample = Sample().with(body: "v=0\r\n")
        let longer = parseDatagram(sample.bytes + Array("trailing".utf8))
        #expect(longer.request?.body == Array("v=0\r\n".utf8))
        #expect(parseDatagram(Array(sample.bytes.dropLast())).verdict == .refused(400))
        let unsaid = Sample().adding("Content-Type: text/plain")
        #expect(parseDatagram(unsaid.bytes + Array("all".utf8)).request?.body == Array("all".utf8))
    }

    @Test func `§7.5 empty lines before the start line, and nothing but them`() {
        #expect(parseDatagram(Array("\r\n\r\n".utf8) + Sample().bytes).verdict == .request)
        for octets in [[], [13, 10], [13, 10, 13, 10], [0, 0, 0, 0], [32], [10]] as [[UInt8]] {
            #expect(parseDatagram(octets).verdict == .keepAlive)
        }
        #expect(parseDatagram([0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42]).fault?.kind == .notSIP)
    }

    @Test(
        "§7.3.1 lines that are no headers",
        arguments: ["no colon here", ": no name", "Bad Name: x", "X\u{1}: y", "é: x", "X: a\rb"]
    )
    func notHeaders(line: String) {
        #expect(Sample().adding(line).verdict == .refused(400))
    }

    @Test func `line ends may be LF alone, but the empty line must be there`() throws {
        let text = String(decoding: Sample().bytes, as: UTF8.self).replacing("\r\n", with: "\n")
        #expect(parseDatagram(Array(text.utf8)).verdict == .request)
        let cut = Array(Sample().bytes.dropLast(2))
        #expect(parseDatagram(cut).fault?.kind == .incompleteMessage)
    }

    @Test func `unknown headers, methods and octets that are no UTF-8 come out as they went in`() throws {
        var bytes = Array("FROBNICATE sip:a@b SIP/2.0\r\n".utf8)
        for line in Sample().with("CSeq", "1 FROBNICATE").lines { bytes += Array((line + "\r\n").utf8) }
        bytes += Array("X-Raw: ".utf8) + [0xFF, 0xFE, 0x80] + Array("\r\nContent-Length: 0\r\n\r\n".utf8)
        let outcome = parseDatagram(bytes)
        #expect(outcome.verdict == .request && outcome.request?.write() == bytes)
    }

    @Test func `§20.10 and §10.2.2 the star stands alone`() throws {
        let star = try #require(Sample().with("Contact", "*").outcome.request)
        #expect(star.isStarContact)
        #expect(try star.contacts().isEmpty)
        let both = try #require(Sample().with("Contact", "*, <sip:a@b>").outcome.request)
        #expect(!both.isStarContact)
        #expect(throws: SIPFault.self) { try both.contacts() }
    }

    @Test(
        "§20.19 Expires",
        arguments: [("60", 60), ("0", 0), ("4294967296", UInt32.max), ("99999999999999999999999", .max), ("30 ", 30)]
    )
    func expires(text: String, expected: UInt32) throws {
        #expect(try Sample().with("Expires", text).outcome.request?.expires() == expected)
    }

    @Test func `malformed optional values are thrown when asked for`() throws {
        let request = try #require(
            Sample().with("Expires", "soon").with("Route", "<sip:a").with("Contact", "<<")
                .outcome.request
        )
        #expect(throws: SIPFault.self) { try request.expires() }
        #expect(throws: SIPFault.self) { try request.routes() }
        #expect(throws: SIPFault.self) { try request.contacts() }
        #expect(try request.recordRoutes().isEmpty)
    }

    @Test func `ES2018-01 dozens of Accept headers are just headers`() throws {
        var sample = Sample()
        for index in 0..<60 { sample = sample.adding("Accept: application/x-\(index), text/plain") }
        let request = try #require(sample.outcome.request)
        #expect(request.verdictOfAccepts == 120)
    }
}

extension SIPRequest {
    fileprivate var verdictOfAccepts: Int { headers.list(.accept).count }
}

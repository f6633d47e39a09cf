import SIPMessage
import Testing

@Suite("RFC 3261 §21.4 and §21.5: what a peer may make grow")
struct LimitTests {
    @Test func `§21.4.12 a Request-URI over the limit is 414, one under it is taken whole`() throws {
        let long = String(repeating: "a", count: 8000)
        let request = try #require(Sample().starting("INVITE sip:\(long)@example.com SIP/2.0").outcome.request)
        #expect(request.uri.user == long)
        let tooLong = Sample().starting("INVITE sip:\(long)\(long)@example.com SIP/2.0").outcome
        #expect(tooLong.verdict == .refused(414) && tooLong.request?.method == .invite)
        #expect(tooLong.fault?.kind == .uriTooLong)
    }

    @Test func `§21.5.7 a header line over the limit is 513, one under it is taken whole`() throws {
        let long = String(repeating: "a", count: 8000)
        #expect(try #require(Sample().adding("X: \(long)").outcome.request).headers[HeaderName("X")] == long)
        #expect(Sample().adding("X: \(long)\r\n \(long)").verdict == .refused(513))
    }

    @Test(
        "§21.5.7 too many lines or hops",
        arguments: [
            ("X: y", 250, Verdict.request), ("X: y", 257, .refused(513)), ("Via: SIP/2.0/UDP h", 69, .request),
            ("Via: SIP/2.0/UDP h", 70, .refused(513)),
        ]
    )
    func many(line: String, count: Int, expected: Verdict) {
        var sample = Sample()
        for _ in 0..<count { sample = sample.adding(line) }
        #expect(sample.verdict == expected)
    }

    @Test func `hops in one line count as well`() {
        let line = "Via: " + (0..<70).map { "SIP/2.0/UDP h\($0)" }.joined(separator: ",")
        #expect(Sample().adding(line).verdict == .refused(513))
    }

    @Test func `AST-2017-002 a method without end`() {
        let long = String(repeating: "A", count: 4000)
        let outcome = Sample().starting("\(long) sip:a@b SIP/2.0").with("CSeq", "1 \(long)").outcome
        #expect(outcome.verdict == .refused(400))
        #expect((outcome.request?.method.name.utf8.count ?? 0) <= 128)
        #expect(Sample().with("CSeq", "1 \(long)").verdict == .refused(400))
        #expect(Sample.response.with("CSeq", "1 \(long)").verdict == .dropped)
    }

    @Test func `parameters without end`() {
        let many = String(repeating: ";p=1", count: 200)
        #expect(Sample().with("From", "<sip:a@b>\(many)").verdict == .refused(400))
        #expect(Sample().with("Via", "SIP/2.0/UDP h\(many)").verdict == .dropped)
        #expect(Sample().starting("INVITE sip:a@b\(many) SIP/2.0").verdict == .refused(400))
    }

    @Test func `limits can be set`() {
        var limits = MessageLimits()
        limits.maxMessage = 100
        #expect(parseDatagram(Sample().bytes, limits: limits).verdict == .refused(513))
        limits = MessageLimits()
        limits.maxHeaders = 3
        #expect(parseDatagram(Sample().bytes, limits: limits).verdict == .refused(513))
        limits = MessageLimits()
        limits.maxStartLine = 10
        #expect(parseDatagram(Sample().bytes, limits: limits).verdict == .refused(414))
    }
}

import SIPMessage
import Testing

@Suite("RFC 3261 §18.3 and RFC 5626 §3.5.1: messages of a stream")
struct StreamFramerTests {
    /// What a framer says, in words.
    private func events(_ framer: inout StreamFramer) -> [String] {
        var found: [String] = []
        while let framed = framer.next() {
            switch framed {
            case .message(let outcome): found.append("\(outcome.verdict)")
            case .ping: found.append("ping")
            case .failed(let fault): found.append("failed \(fault.kind.rawValue)")
            }
        }
        return found
    }

    private func events(_ chunks: [[UInt8]], limits: MessageLimits = .standard) -> [String] {
        var framer = StreamFramer(limits: limits)
        return chunks.flatMap { chunk in
            framer.append(chunk)
            return events(&framer)
        }
    }

    private let message = Sample().with(body: "v=0\r\n").bytes

    @Test func `octet by octet, glued and split anywhere`() {
        #expect(events(message.map { [$0] }) == ["request"])
        #expect(events([message + message + message]) == ["request", "request", "request"])
        let two = message + Sample.response.adding("l: 0").bytes
        for cut in 0...two.count {
            #expect(events([Array(two[..<cut]), Array(two[cut...])]) == ["request", "response"], "cut at \(cut)")
        }
    }

    @Test func `the body is what Content-Length says`() throws {
        var framer = StreamFramer()
        framer.append(message)
        guard case .message(.message(.request(let request)))? = framer.next() else {
            Issue.record("no request")
            return
        }
        #expect(request.body == Array("v=0\r\n".utf8) && framer.pending == 0)
    }

    @Test(
        "RFC 5626 §3.5.1 line ends between messages",
        arguments: [
            (["\r\n\r\n"], ["ping"]), (["\r\n"], []), (["\r\n", "\r\n"], ["ping"]), (["\r", "\n\r", "\n"], ["ping"]),
            (["\r\n\r\n\r\n\r\n"], ["ping", "ping"]), (["\r\rx"], ["failed not-sip"]),
        ] as [([String], [String])]
    )
    func lineEnds(chunks: [String], expected: [String]) {
        #expect(events(chunks.map { Array($0.utf8) }) == expected)
    }

    @Test func `line ends around messages do not disturb them`() {
        let pong = Array("\r\n".utf8)
        #expect(events([pong + message + pong + message + pong + pong]) == ["request", "request", "ping"])
    }

    @Test func `what is not SIP closes the connection`() {
        #expect(events([[0x16, 3, 1, 0, 0xA5]]) == ["failed not-sip"])
        #expect(events([Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)]) == ["failed not-sip"])
        #expect(events([[0x16], message]) == ["failed not-sip"])
    }

    @Test func `RFC 4475 §3.1.2.3 a length that cannot be read is answered, then the stream is lost`() {
        let negative = Sample().adding("Content-Length: -999").bytes
        #expect(events([negative + message]) == ["refused with 400", "failed malformed-content-length"])
        let two = Sample().adding("Content-Length: 0").adding("Content-Length: 4").bytes
        #expect(events([two + message]) == ["refused with 400", "failed malformed-content-length"])
        let none = Sample().adding("Content-Type: application/sdp").bytes
        #expect(events([none]) == ["refused with 400", "failed malformed-content-length"])
    }

    @Test func `without length and type there is no body`() {
        #expect(events([Sample().bytes + message]) == ["request", "request"])
    }

    @Test func `a faulty request with a sound length leaves the stream sound`() {
        let faulty = Sample().with("CSeq", "1 BYE").with(body: "12345").bytes
        #expect(events([faulty + message]) == ["refused with 400", "request"])
    }

    @Test func `a body over the limit is refused and passed over`() {
        var limits = MessageLimits()
        limits.maxStreamBody = 10
        let big = Sample().with(body: String(repeating: "x", count: 11)).bytes
        #expect(events([big + Sample().bytes], limits: limits) == ["refused with 413", "request"])
        #expect(events(big.map { [$0] } + [Sample().bytes], limits: limits) == ["refused with 413", "request"])
    }

    @Test func `headers without end are refused and the connection given up`() {
        var sample = Sample()
        for index in 0..<200 { sample = sample.adding("X-\(index): " + String(repeating: "y", count: 500)) }
        let endless = Array(sample.bytes.dropLast(4))
        #expect(events([endless]) == ["refused with 513", "failed too-large"])
        var framer = StreamFramer()
        for chunk in 0..<200 {
            framer.append([UInt8](repeating: UInt8(ascii: "a"), count: 1000))
            _ = events(&framer)
            #expect(framer.pending <= 70_000, "chunk \(chunk)")
        }
    }

    @Test func `B003 a message of many kB is taken whole`() throws {
        var sample = Sample()
        for index in 0..<100 { sample = sample.adding("X-\(index): " + String(repeating: "y", count: 500)) }
        let body = String(repeating: "a=x\r\n", count: 40_000)
        let bytes = sample.with(body: body).bytes
        var framer = StreamFramer()
        framer.append(bytes)
        guard case .message(.message(.request(let request)))? = framer.next() else {
            Issue.record("not taken")
            return
        }
        #expect(request.headers[HeaderName("X-99")]?.utf8.count == 500 && request.body.count == body.utf8.count)
        #expect(parseDatagram(request.write()).fault?.status == 513)
        framer.append(request.write())
        guard case .message(.message)? = framer.next() else {
            Issue.record("not taken twice")
            return
        }
    }
}

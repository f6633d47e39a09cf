/// Cuts a stream into messages (RFC 3261 §18.3): feed it what the socket gave, then take until nil.
///
/// Holds at most one message of the size that the limits allow, and what came behind it in the same read.
public struct StreamFramer: Sendable {
    public enum Framed: Sendable {
        case message(ParseOutcome)
        /// A double CRLF: the peer waits for one CRLF back (RFC 5626 §3.5.1).
        case ping
        /// Where the next message begins is lost: close the connection. Nothing comes after it.
        case failed(SIPFault)
    }

    private enum State: Sendable {
        /// Between messages or in the headers of one.
        case head
        case body(MessageHead, length: Int)
        /// Passing over a body that was refused.
        case discarding(Int)
        case failing(SIPFault)
        case failed
    }

    private let limits: MessageLimits
    private var state = State.head
    private var buffer: [UInt8] = []
    /// Octets of `buffer` that are done with.
    private var start = 0
    /// Octets of `buffer` that hold no end of headers.
    private var searched = 0
    /// One CRLF between messages was read: another makes it a ping.
    private var hasLineEnd = false

    public init(limits: MessageLimits = .standard) { self.limits = limits }

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if case .failed = state { return }
        if start > 0 {
            buffer.removeFirst(start)
            searched = max(0, searched - start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Octets that wait for the rest of their message.
    public var pending: Int { buffer.count - start }

    /// The next thing that is complete; nil until more octets come.
    public mutating func next() -> Framed? {
        while true {
            switch state {
            case .failed: return nil
            case .failing(let fault):
                state = .failed
                buffer = []
                (start, searched) = (0, 0)
                return .failed(fault)
            case .discarding(let count):
                let dropped = min(count, pending)
                consume(dropped)
                guard dropped == count else {
                    state = .discarding(count - dropped)
                    return nil
                }
                state = .head
            case .body(let head, let length):
                guard pending >= length else { return nil }
                let body = Array(buffer[start..<(start + length)])
                consume(length)
                state = .head
                return .message(head.outcome(body: body))
            case .head:
                if let framed = nextHead() { return framed }
                if case .head = state { return nil }
            }
        }
    }

    private mutating func consume(_ count: Int) {
        start = min(start + count, buffer.count)
        searched = max(searched, start)
    }

    /// Goes past line ends and reads headers when they are complete. Nil: more octets are needed, or the state says what comes.
    private mutating func nextHead() -> Framed? {
        while pending > 0, buffer[start] == .cr || buffer[start] == .lf {
            if buffer[start] == .cr {
                guard pending > 1 else { return nil }
                guard buffer[start + 1] == .lf else { return fail("a CR without its LF") }
                consume(1)
            }
            consume(1)
            hasLineEnd.toggle()
            if !hasLineEnd { return .ping }
        }
        guard pending > 0 else { return nil }
        guard OctetSet.token.contains(buffer[start]) else { return fail("begins with octet \(buffer[start])") }
        guard let end = endOfHead() else {
            return pending > limits.maxStreamHeader ? refuseEndlessHead() : nil
        }
        hasLineEnd = false
        let octets = Array(buffer[start..<end])
        consume(octets.count)
        return begin(octets)
    }

    /// Index after the empty line that ends the headers.
    private mutating func endOfHead() -> Int? {
        var at = max(start, searched)
        while at < buffer.count {
            if buffer[at] == .lf {
                if at + 1 < buffer.count, buffer[at + 1] == .lf { return at + 2 }
                if at + 2 < buffer.count, buffer[at + 1] == .cr, buffer[at + 2] == .lf { return at + 3 }
            }
            at += 1
        }
        searched = max(start, buffer.count - 2)
        return nil
    }

    private mutating func begin(_ octets: [UInt8]) -> Framed? {
        var parser = MessageParser(bytes: octets, start: 0, limits: limits)
        var head = parser.parseHead()
        if case .neither = head.startLine, head.fault?.kind == .notSIP { return fail("not SIP") }
        if octets.count > limits.maxStreamHeader { head.note(endlessHead) }
        // §18.3 wants Content-Length on streams; without one and without a Content-Type there is nothing to lose.
        if head.contentLength == nil, head.fault?.kind != .malformedContentLength,
            !head.headers.contains(.contentLength),
            !head.headers.contains(.contentType)
        {
            head.contentLength = 0
        }
        let isAmbiguous = head.fault.map { $0.kind == .duplicateHeader && $0.where == "Content-Length" } ?? false
        guard let length = head.contentLength, !isAmbiguous else {
            let fault = SIPFault(
                kind: .malformedContentLength,
                where: "Content-Length",
                what: "missing or malformed on a stream"
            )
            head.note(fault)
            state = .failing(fault)
            return .message(head.outcome(body: []))
        }
        guard length <= limits.maxStreamBody else {
            head.note(SIPFault(kind: .tooLarge, where: "Content-Length", what: "\(length) octets", status: 413))
            state = .discarding(length)
            return .message(head.outcome(body: []))
        }
        state = .body(head, length: length)
        return nil
    }

    /// Answers what can be read of a message whose headers do not end, then gives the stream up.
    private mutating func refuseEndlessHead() -> Framed {
        var parser = MessageParser(
            bytes: Array(buffer[start..<(start + limits.maxStreamHeader)]),
            start: 0,
            limits: limits
        )
        var head = parser.parseHead()
        if head.fault?.kind != .uriTooLong { head.fault = endlessHead }
        state = .failing(endlessHead)
        return .message(head.outcome(body: []))
    }

    private var endlessHead: SIPFault {
        SIPFault(kind: .tooLarge, where: "headers", what: "longer than \(limits.maxStreamHeader) octets", status: 513)
    }

    private mutating func fail(_ what: String) -> Framed? {
        state = .failing(SIPFault(kind: .notSIP, where: "stream", what: what, status: nil))
        return nil
    }
}

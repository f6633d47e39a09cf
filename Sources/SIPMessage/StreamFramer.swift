/// Cuts a stream into messages (RFC 3261 §18.3): split and glued ones, CRLF keep-alives between them.
public struct StreamFramer: Sendable {
    public enum Framed: Sendable {
        case message([UInt8], ParseOutcome)
        /// A double CRLF: a CRLF is the answer (RFC 5626 §3.5.1).
        case ping
        /// Where the next message begins cannot be known any more: the connection is to be closed.
        case failed(SIPFault)
    }

    private var buffer: [UInt8] = []
    private var start = 0
    /// How far the end of the headers was looked for.
    private var scanned = 0
    private let limits: MessageLimits

    public init(limits: MessageLimits = MessageLimits()) { self.limits = limits }

    public mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

    /// The next whole message; nil when more octets are needed.
    public mutating func next() -> Framed? {
        var lineEnds = 0
        while start < buffer.count, buffer[start] == 13 || buffer[start] == 10 {
            if buffer[start] == 10 { lineEnds += 1 }
            start += 1
            if lineEnds == 2 {
                compact()
                return .ping
            }
        }
        if start == buffer.count { compact() }
        guard start < buffer.count else { return nil }
        scanned = max(scanned, start)
        guard let bodyStart = findBody() else {
            guard buffer.count - start <= limits.message else {
                return .failed(
                    SIPFault(
                        kind: .tooLarge,
                        where: "headers",
                        what: "no end after \(limits.message) octets",
                        status: nil
                    )
                )
            }
            return nil
        }
        guard let length = contentLength(upTo: bodyStart) else {
            return .failed(
                SIPFault(
                    kind: .contentLength,
                    where: "Content-Length",
                    what: "missing or no number on a stream",
                    status: nil
                )
            )
        }
        guard bodyStart - start + length <= limits.message else {
            return .failed(
                SIPFault(kind: .tooLarge, where: "message", what: "more than \(limits.message) octets", status: nil)
            )
        }
        guard buffer.count - bodyStart >= length else { return nil }
        let bytes = Array(buffer[start..<(bodyStart + length)])
        start = bodyStart + length
        scanned = start
        compact()
        return .message(bytes, parseDatagram(bytes, limits: limits))
    }

    private mutating func findBody() -> Int? {
        var index = scanned
        while let feed = buffer[index...].firstIndex(of: 10) {
            let line = buffer[(feed + 1)...]
            if line.first == 10 { return feed + 2 }
            if line.count >= 2, line[feed + 1] == 13, line[feed + 2] == 10 { return feed + 3 }
            if line.count < 2 { break }
            index = feed + 1
        }
        scanned = max(start, min(index, buffer.count))
        return nil
    }

    /// A missing Content-Length on a stream is refused (§18.3: it MUST be there).
    private func contentLength(upTo end: Int) -> Int? {
        var found: Int?
        for line in buffer[start..<end].split(separator: 10) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                HeaderName(line[..<colon].trimmed) == .contentLength
            else { continue }
            guard let number = line[(colon + 1)...].trimmed.number(upTo: UInt64(UInt32.max)) else { return nil }
            found = Int(number)
        }
        return found
    }

    private mutating func compact() {
        guard start == buffer.count || start > 65_536 else { return }
        buffer.removeFirst(start)
        scanned = max(0, scanned - start)
        start = 0
    }
}

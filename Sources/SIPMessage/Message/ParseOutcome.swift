/// What became of received octets.
public enum ParseOutcome: Sendable {
    case message(SIPMessage)
    /// A request that must be refused: as much of it as its answer needs, and the fault with that answer's status.
    case faulty(SIPRequest, SIPFault)
    /// Nothing that can be answered: drop and count.
    case unusable(SIPFault)
    /// Line ends or zero octets that keep a NAT binding alive.
    case keepAlive
}

/// Reads one datagram (RFC 3261 §18.3): octets beyond Content-Length are left out, a body shorter than it is a fault.
public func parseDatagram(_ bytes: [UInt8], limits: MessageLimits = .standard) -> ParseOutcome {
    guard let start = bytes.firstIndex(where: { $0 != .cr && $0 != .lf && $0 != 0 && $0 != 32 }) else {
        return .keepAlive
    }
    // Empty lines before the start line are ignored (§7.5); a leading NUL or space is something else than SIP.
    if let odd = bytes[..<start].first(where: { $0 == 0 || $0 == 32 }) {
        return .unusable(
            SIPFault(kind: .notSIP, where: "start line", what: "begins with octet \(odd)", status: nil)
        )
    }
    var parser = MessageParser(bytes: bytes, start: start, limits: limits)
    var head = parser.parseHead()
    if bytes.count > limits.maxMessage {
        head.note(SIPFault(kind: .tooLarge, where: "message", what: "\(bytes.count) octets", status: 513))
    }
    let available = bytes.count - head.bodyStart
    guard let length = head.contentLength else { return head.outcome(body: Array(bytes[head.bodyStart...])) }
    if length > available {
        head.note(
            SIPFault(
                kind: .incompleteMessage,
                where: "Content-Length",
                what: "the body has \(available) octets of \(length)"
            )
        )
    }
    return head.outcome(body: Array(bytes[head.bodyStart..<(head.bodyStart + min(length, available))]))
}

/// Reads a message's start line and headers in one pass over its octets, and checks what RFC 3261 §8.1.1 makes mandatory.
///
/// Goes on after a fault, since the answer to a faulty request needs its Via, From, To, Call-ID and CSeq.
struct MessageParser {
    let bytes: [UInt8]
    let limits: MessageLimits
    private var at: Int
    private var head = MessageHead()
    /// One bit a known header that was seen.
    private var seen: (UInt64, UInt64) = (0, 0)
    private var vias = 0
    private var firstVia: Headers.Entry?
    private var from: Headers.Entry?
    private var to: Headers.Entry?
    private var callID: Headers.Entry?
    private var cSeq: Headers.Entry?
    private var maxForwards: Headers.Entry?

    init(bytes: [UInt8], start: Int, limits: MessageLimits) {
        (self.bytes, self.limits, at) = (bytes, limits, max(0, min(start, bytes.count)))
    }

    mutating func parseHead() -> MessageHead {
        head.headers.bytes = bytes
        head.headers.entries.reserveCapacity(20)
        let line = takeLine()
        head.parseStartLine(line, limits: limits)
        if case .neither = head.startLine {
            head.bodyStart = bytes.count
            return head
        }
        parseHeaders()
        head.bodyStart = at
        checkMandatory()
        return head
    }

    /// The line under the cursor without its end, the cursor moved behind that.
    private mutating func takeLine() -> Range<Int> {
        let start = at
        while at < bytes.count, bytes[at] != .lf { at &+= 1 }
        var end = at
        if end > start, bytes[end &- 1] == .cr { end &-= 1 }
        at = min(at &+ 1, bytes.count)
        return start..<end
    }

    private mutating func parseHeaders() {
        while at < bytes.count {
            if bytes[at] == .lf {
                at &+= 1
                return
            }
            if bytes[at] == .cr, at &+ 1 < bytes.count, bytes[at &+ 1] == .lf {
                at &+= 2
                return
            }
            parseHeader()
        }
        head.note(
            SIPFault(
                kind: .incompleteMessage,
                where: "headers",
                what: "the message ends before the headers' empty line"
            )
        )
    }

    private mutating func parseHeader() {
        let start = at
        while at < bytes.count, OctetSet.token.contains(bytes[at]) { at &+= 1 }
        let name = start..<at
        while at < bytes.count, bytes[at] == 32 || bytes[at] == 9 { at &+= 1 }
        let hasColon = at < bytes.count && bytes[at] == UInt8(ascii: ":")
        if hasColon { at &+= 1 }
        var entry = takeValue()
        guard hasColon, !name.isEmpty else {
            head.note(
                SIPFault(
                    kind: .malformedHeader,
                    where: "header line \(head.headers.count + 1)",
                    what: "expected a name and a colon"
                )
            )
            return
        }
        entry.code = HeaderTable.shared.code(bytes, name)
        entry.nameStart = UInt32(clamping: name.lowerBound)
        entry.nameEnd = UInt32(clamping: name.upperBound)
        if at &- start > limits.maxHeaderLine {
            let place = head.headers.name(entry).name.prefix(64)
            head.note(
                SIPFault(
                    kind: .tooLarge,
                    where: String(place),
                    what: "the header is longer than \(limits.maxHeaderLine) octets",
                    status: 513
                )
            )
        }
        guard head.headers.count < limits.maxHeaders else {
            head.note(
                SIPFault(kind: .tooLarge, where: "headers", what: "more than \(limits.maxHeaders) headers", status: 513)
            )
            return
        }
        head.headers.entries.append(entry)
        if let known = KnownHeader(rawValue: entry.code) { remember(known, entry) }
    }

    /// The rest of a header with its folded lines, trimmed (§7.3.1).
    private mutating func takeValue() -> Headers.Entry {
        var start = at
        var end = at
        var isFolded = false
        var hasLineEnd = false
        while at < bytes.count {
            let octet = bytes[at]
            at &+= 1
            if octet >= 14 || (octet != .lf && octet != .cr) { continue }
            if octet == .cr {
                if at < bytes.count, bytes[at] == .lf { continue }
                head.note(
                    SIPFault(
                        kind: .malformedHeader,
                        where: "header line \(head.headers.count + 1)",
                        what: "a CR without its LF"
                    )
                )
                isFolded = true
                continue
            }
            hasLineEnd = true
            if at < bytes.count, bytes[at] == 32 || bytes[at] == 9 {
                isFolded = true
                continue
            }
            break
        }
        end = hasLineEnd ? at : bytes.count
        while end > start, bytes[end &- 1].isLWS { end &-= 1 }
        while start < end, bytes[start].isLWS { start &+= 1 }
        return head.headers.entry(code: 0, name: 0..<0, value: start..<end, isFolded: isFolded)
    }

    private mutating func remember(_ known: KnownHeader, _ entry: Headers.Entry) {
        switch known {
        case .via:
            if firstVia == nil { firstVia = entry }
            vias &+= bytes[entry.value].contains(UInt8(ascii: ",")) ? head.headers.elements(of: entry).count : 1
        case .from: if isFirst(known, place: "From") { from = entry }
        case .to: if isFirst(known, place: "To") { to = entry }
        case .callID: if isFirst(known, place: "Call-ID") { callID = entry }
        case .cSeq: if isFirst(known, place: "CSeq") { cSeq = entry }
        case .maxForwards: if isFirst(known, place: "Max-Forwards") { maxForwards = entry }
        case .contentType: _ = isFirst(known, place: "Content-Type")
        case .contentLength: parseContentLength(entry)
        default: break
        }
    }

    /// Headers that may stand once only make the message ambiguous when they stand twice (RFC 4475 §3.3.8).
    private mutating func isFirst(_ known: KnownHeader, place: String) -> Bool {
        let bit = UInt64(1) &<< UInt64(known.rawValue & 63)
        let isSecond = known.rawValue < 64 ? seen.0 & bit != 0 : seen.1 & bit != 0
        if isSecond {
            head.note(SIPFault(kind: .duplicateHeader, where: place, what: "the header stands more than once"))
        } else if known.rawValue < 64 {
            seen.0 |= bit
        } else {
            seen.1 |= bit
        }
        return !isSecond
    }

    private mutating func parseContentLength(_ entry: Headers.Entry) {
        var scanner = Scanner(bytes, entry.value)
        let length = try? scanner.number(upTo: UInt64(UInt32.max), "a number")
        guard let length, scanner.isAtEnd else {
            head.note(
                SIPFault(
                    kind: .malformedContentLength,
                    where: "Content-Length",
                    what: "not a number of octets below 2^32"
                )
            )
            return
        }
        // The same length twice is harmless; two lengths are two messages (request smuggling).
        if let other = head.contentLength, other != Int(clamping: length) {
            head.note(
                SIPFault(kind: .duplicateHeader, where: "Content-Length", what: "the header stands twice and differs")
            )
        }
        head.contentLength = Int(clamping: length)
    }

    private mutating func checkMandatory() {
        do throws(SIPFault) {
            let via = try present(firstVia, .via)
            let from = try present(from, .from)
            let to = try present(to, .to)
            let callID = try present(callID, .callID)
            let cSeq = try present(cSeq, .cSeq)
            let headers = head.headers
            try headers.parse(via) { scanner throws(SyntaxFault) in
                _ = try scanner.viaSentBy()
                try scanner.skipHeaderParameters()
                try scanner.expectElementEnd()
            }
            for entry in [from, to] {
                try headers.parse(entry) { scanner throws(SyntaxFault) in
                    _ = try scanner.nameAddress()
                    try scanner.skipHeaderParameters()
                    try scanner.expectEnd()
                }
            }
            try headers.checkCallID(callID)
            let number = try headers.parse(cSeq) { scanner throws(SyntaxFault) in try CSeq(&scanner) }
            guard vias <= limits.maxVias else {
                throw SIPFault(kind: .tooLarge, where: "Via", what: "\(vias) hops", status: 513)
            }
            guard case .request(let method, _) = head.startLine else { return }
            guard number.method == method else {
                throw SIPFault(kind: .methodMismatch, where: "CSeq", what: "names another method than the request line")
            }
            guard let maxForwards else { return }
            try headers.parse(maxForwards) { scanner throws(SyntaxFault) in
                guard try scanner.number(upTo: 255, "a number") != nil else {
                    throw SyntaxFault(scanner.at, "the number is above 255")
                }
                try scanner.expectEnd()
            }
        } catch {
            head.note(error)
        }
    }

    private func present(_ entry: Headers.Entry?, _ name: KnownHeader) throws(SIPFault) -> Headers.Entry {
        guard let entry else {
            throw SIPFault(kind: .missingHeader, where: name.canonicalName, what: "the header is missing")
        }
        return entry
    }
}

extension MessageHead {
    /// Reads the request line or status line in `line`, an index range of the headers' octets (RFC 3261 §7.1, §7.2).
    mutating func parseStartLine(_ line: Range<Int>, limits: MessageLimits) {
        let bytes = headers.bytes
        if bytes.hasVersionPrefix(line.lowerBound, before: line.upperBound) {
            parseStatusLine(line, of: bytes)
        } else {
            parseRequestLine(line, of: bytes, limits: limits)
        }
    }

    private mutating func parseStatusLine(_ line: Range<Int>, of bytes: [UInt8]) {
        var scanner = Scanner(bytes, line)
        while let octet = scanner.current, octet != 32 { scanner.at &+= 1 }
        guard bytes.equals(line.lowerBound..<scanner.at, lowercase: "sip/2.0") else {
            return note(.startLine(.unsupportedVersion, "a response of another version than SIP/2.0", nil))
        }
        _ = scanner.take(32)
        let digits = scanner.at
        guard let status = try? scanner.number(upTo: 699, "a status code"), status >= 100, scanner.at &- digits == 3,
            scanner.isAtEnd || scanner.current == 32
        else { return note(.startLine(.malformedStartLine, "no status code from 100 to 699", nil)) }
        startLine = .response(
            status: Int(truncatingIfNeeded: status),
            reason: bytes.text(min(scanner.at &+ 1, scanner.end)..<scanner.end)
        )
    }

    private mutating func parseRequestLine(_ line: Range<Int>, of bytes: [UInt8], limits: MessageLimits) {
        var end = line.upperBound
        while end > line.lowerBound, bytes[end &- 1].isLWS { end &-= 1 }
        var version = end
        while version > line.lowerBound, bytes[version &- 1] != 32 { version &-= 1 }
        var scanner = Scanner(bytes, line.lowerBound..<end)
        let method = scanner.run(of: .token)
        guard !method.isEmpty, bytes.hasVersionPrefix(version, before: end), version > method.upperBound else {
            return note(.startLine(.notSIP, "neither a request line nor a status line", nil))
        }
        // Kept for the answer whatever its faults; the URI is filled in when it can be read.
        startLine = .request(Method(bytes, method), SIPURI(opaque: "", scheme: ""))
        guard line.count <= limits.maxStartLine else {
            return note(.startLine(.uriTooLong, "the request line is longer than \(limits.maxStartLine) octets", 414))
        }
        guard method.count <= limits.maxMethod else {
            startLine = .request(Method(bytes, method.prefix(limits.maxMethod)), SIPURI(opaque: "", scheme: ""))
            return note(.startLine(.malformedStartLine, "the method is longer than \(limits.maxMethod) octets", 400))
        }
        guard bytes.equals(version..<end, lowercase: "sip/2.0") else {
            return note(.startLine(.unsupportedVersion, "another version than SIP/2.0", 505))
        }
        let uri = min(method.upperBound &+ 1, version)..<max(method.upperBound &+ 1, version &- 1)
        // One SP between the parts and none at the end (§7.1): what else could be meant is anyone's guess (RFC 4475 §3.1.2.9).
        guard bytes[method.upperBound] == 32, uri.lowerBound < version, end == line.upperBound,
            !bytes[bytes.clamped(uri)].contains(where: \.isLWS)
        else { return note(.startLine(.malformedStartLine, "not METHOD SP URI SP SIP/2.0", 400)) }
        do throws(SIPFault) {
            let target = try SIPURI(bytes: bytes, in: uri, place: "Request-URI")
            startLine = .request(Method(bytes, method), target)
            // §19.1.1's table: no headers in a Request-URI; they could smuggle a Route in (RFC 4475 §3.1.2.11).
            if !target.headers.isEmpty { note(.startLine(.malformedURI, "the Request-URI has headers", 400)) }
        } catch {
            note(error)
        }
    }
}

extension SIPFault {
    fileprivate static func startLine(_ kind: Kind, _ what: String, _ status: Int?) -> SIPFault {
        SIPFault(kind: kind, where: "start line", what: what, status: status)
    }
}

extension Range<Int> {
    fileprivate func prefix(_ count: Int) -> Range<Int> {
        lowerBound..<Swift.min(upperBound, lowerBound &+ Swift.max(0, count))
    }
}

extension [UInt8] {
    /// "SIP/" in any case, and a digit after it.
    fileprivate func hasVersionPrefix(_ start: Int, before end: Int) -> Bool {
        start >= 0 && end <= count && end &- start >= 5 && equals(start..<start &+ 4, lowercase: "sip/")
            && self[start &+ 4].isDigit
    }
}

/// What a datagram, or a message cut out of a stream, turned out to be.
public enum ParseOutcome: Sendable {
    case message(SIPMessage)
    /// Not to be processed, but enough of Via, From, To, Call-ID and CSeq is there to answer it.
    case faulty(SIPRequest, SIPFault)
    /// Nobody can be answered: to be dropped and counted.
    case unusable(SIPFault)
    /// CRLFs that keep a NAT binding open (RFC 5626 §3.5.1).
    case keepAlive
}

/// Parses one datagram (RFC 3261 §18.3): a body shorter than Content-Length is a 400, octets behind it are discarded.
public func parseDatagram(_ bytes: [UInt8], limits: MessageLimits = MessageLimits()) -> ParseOutcome {
    if bytes.allSatisfy({ $0 == 13 || $0 == 10 }) { return .keepAlive }
    return Parser(bytes: bytes, limits: limits).parse()
}

struct Parser {
    let bytes: [UInt8]
    let limits: MessageLimits

    func parse() -> ParseOutcome {
        // Line ends before the start line are forgiven (§7.5).
        var position = 0
        while position < bytes.count, bytes[position] == 13 || bytes[position] == 10 { position += 1 }
        guard let lineEnd = endOfLine(from: position) else {
            return .unusable(SIPFault(kind: .notSIP, where: "start line", what: "no line end", status: nil))
        }
        let startLine = bytes[position..<lineEnd.text]
        let (headers, bodyStart, headerFault) = parseHeaders(from: lineEnd.next)
        if startLine.starts(with: "SIP/".utf8) {
            return parseResponse(startLine, headers: headers, bodyStart: bodyStart, fault: headerFault)
        }
        return parseRequest(startLine, headers: headers, bodyStart: bodyStart, fault: headerFault)
    }

    /// Where the line ends (without CR) and where the next one begins.
    private func endOfLine(from start: Int) -> (text: Int, next: Int)? {
        guard start <= bytes.count, let feed = bytes[start...].firstIndex(of: 10) else { return nil }
        let text = feed > start && bytes[feed - 1] == 13 ? feed - 1 : feed
        return (text, feed + 1)
    }

    private func parseHeaders(from start: Int) -> (Headers, body: Int?, SIPFault?) {
        var fields: [Headers.Field] = []
        fields.reserveCapacity(20)
        var fault: SIPFault?
        func note(_ kind: SIPFault.Kind, _ place: String, _ what: String, _ status: Int = 400) {
            if fault == nil { fault = SIPFault(kind: kind, where: place, what: what, status: status) }
        }
        var position = start
        while let line = endOfLine(from: position) {
            if line.text == position { return (Headers(source: bytes, fields: fields), line.next, fault) }
            var end = line.text
            var next = line.next
            var isFolded = false
            while next < bytes.count, bytes[next].isWhitespace, let more = endOfLine(from: next) {
                isFolded = true
                (end, next) = (more.text, more.next)
            }
            defer { position = next }
            guard fields.count < limits.headers else {
                note(.tooLarge, "headers", "more than \(limits.headers) header lines", 513)
                continue
            }
            guard end - position <= limits.headerLine else {
                note(.tooLarge, "headers", "a header line of \(end - position) octets", 513)
                continue
            }
            guard let colon = bytes[position..<end].firstIndex(of: UInt8(ascii: ":")) else {
                note(.header, "headers", "a line without ':'")
                continue
            }
            let name = bytes[position..<colon].trimmed
            guard !name.isEmpty, name.allSatisfy(\.isToken) else {
                note(.header, "headers", "a header name that is no token")
                continue
            }
            let value = bytes[(colon + 1)..<end].trimmed
            let fieldName = HeaderName(name)
            fields.append(
                Headers.Field(
                    name: fieldName,
                    value: .received(
                        start: Int32(truncatingIfNeeded: value.startIndex),
                        end: Int32(truncatingIfNeeded: value.endIndex),
                        isFolded: isFolded && value.contains { $0 == 10 || $0 == 13 }
                    )
                )
            )
        }
        return (Headers(source: bytes, fields: fields), nil, fault)
    }

    private func parseRequest(
        _ line: ArraySlice<UInt8>,
        headers: Headers,
        bodyStart: Int?,
        fault headerFault: SIPFault?
    ) -> ParseOutcome {
        guard line.count <= limits.startLine else {
            return answerable(
                headers,
                method: method(of: headers),
                SIPFault(
                    kind: .tooLarge,
                    where: "start line",
                    what: "a start line of \(line.count) octets",
                    status: 414
                )
            )
        }
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count >= 3, let last = words.last, isVersion(last) else {
            return answerable(headers, method: method(of: headers), startLineFault(line, words: words))
        }
        let method = Method(String(words[0]))
        guard !words[0].isEmpty, words[0].count <= 64, words[0].allSatisfy(\.isToken) else {
            return answerable(
                headers,
                method: method,
                SIPFault(
                    kind: .method,
                    where: "start line",
                    what: "a method that is no token",
                    status: 400
                )
            )
        }
        guard last.dropFirst(4).elementsEqual("2.0".utf8) else {
            return answerable(
                headers,
                method: method,
                SIPFault(
                    kind: .version,
                    where: "start line",
                    what: "a SIP version that is not 2.0",
                    status: 505
                )
            )
        }
        guard words.count == 3 else {
            return answerable(
                headers,
                method: method,
                SIPFault(
                    kind: .startLine,
                    where: "start line",
                    what: "white space inside the Request-URI or around it",
                    status: 400
                )
            )
        }
        let uri: SIPURI
        do throws(SIPFault) {
            uri = try SIPURI(words[1], in: "Request-URI")
        } catch {
            return answerable(headers, method: method, error)
        }
        var request = SIPRequest(method: method, uri: uri)
        request.headers = headers
        if let headerFault { return answerable(headers, method: method, headerFault, uri: uri) }
        do throws(SIPFault) {
            try validate(headers, method: method)
            request.body = try body(headers, from: bodyStart)
        } catch {
            return answerable(headers, method: method, error, uri: uri)
        }
        return .message(.request(request))
    }

    private func parseResponse(
        _ line: ArraySlice<UInt8>,
        headers: Headers,
        bodyStart: Int?,
        fault headerFault: SIPFault?
    ) -> ParseOutcome {
        func unusable(_ what: String) -> ParseOutcome {
            .unusable(SIPFault(kind: .startLine, where: "start line", what: what, status: nil))
        }
        let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].elementsEqual("SIP/2.0".utf8) else {
            return unusable("a version that is not SIP/2.0")
        }
        guard words[1].count == 3, let status = words[1].number(upTo: 699), status >= 100 else {
            return unusable("a status that is not 100 to 699")
        }
        if let headerFault { return .unusable(headerFault) }
        var response = SIPResponse(status: Int(status), reason: words.count == 3 ? String(words[2]) : "")
        response.headers = headers
        do throws(SIPFault) {
            try validate(headers, method: nil)
            response.body = try body(headers, from: bodyStart)
        } catch {
            return .unusable(error)
        }
        return .message(.response(response))
    }

    private func isVersion(_ word: ArraySlice<UInt8>) -> Bool {
        guard word.count >= 7, String(word.prefix(4)).equalsIgnoringCase("SIP/") else { return false }
        return word.dropFirst(4).allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
    }

    private func startLineFault(_ line: ArraySlice<UInt8>, words: [ArraySlice<UInt8>]) -> SIPFault {
        SIPFault(kind: .startLine, where: "start line", what: "no 'METHOD URI SIP/2.0'", status: 400)
    }

    private func method(of headers: Headers) -> Method? {
        headers.firstBytes(.cSeq).flatMap { try? CSeq($0) }?.method
    }

    /// A faulty request that names who sent it can be told so; anything else is dropped (§16.3, RFC 4475 §3.1.2).
    private func answerable(_ headers: Headers, method: Method?, _ fault: SIPFault, uri: SIPURI? = nil) -> ParseOutcome
    {
        guard let method, method != .ack, headers.contains(.via), headers.contains(.from), headers.contains(.to),
            headers.contains(.callID), headers.contains(.cSeq)
        else { return .unusable(fault) }
        var request = SIPRequest(method: method, uri: uri ?? SIPURI(host: "invalid"))
        request.headers = headers
        guard (try? request.topVia()) != nil else { return .unusable(fault) }
        return .faulty(request, fault)
    }

    /// What every message must have, once, and readable (§8.1.1).
    private func validate(_ headers: Headers, method: Method?) throws(SIPFault) {
        var seen: (from: Int, to: Int, callID: Int, cSeq: Int, length: Int, forwards: Int) = (0, 0, 0, 0, 0, 0)
        for field in headers.fields {
            switch field.name {
            case .from: seen.from += 1
            case .to: seen.to += 1
            case .callID: seen.callID += 1
            case .cSeq: seen.cSeq += 1
            case .contentLength: seen.length += 1
            case .maxForwards: seen.forwards += 1
            default: break
            }
        }
        for (count, name) in [(seen.from, "From"), (seen.to, "To"), (seen.callID, "Call-ID"), (seen.cSeq, "CSeq")] {
            guard count > 0 else {
                throw SIPFault(kind: .missingHeader, where: name, what: "the header is missing", status: 400)
            }
            guard count == 1 else {
                throw SIPFault(kind: .duplicateHeader, where: name, what: "more than one", status: 400)
            }
        }
        guard seen.length <= 1, seen.forwards <= 1 else {
            let name = seen.length > 1 ? "Content-Length" : "Max-Forwards"
            throw SIPFault(kind: .duplicateHeader, where: name, what: "more than one", status: 400)
        }
        let content = HeaderView(headers: headers)
        _ = try content.topVia()
        _ = try content.from()
        _ = try content.to()
        _ = try content.callID()
        let cSeq = try content.cSeq()
        if let method, cSeq.method != method {
            throw SIPFault(kind: .header, where: "CSeq", what: "names another method than the start line", status: 400)
        }
        _ = try content.maxForwards()
    }

    private func body(_ headers: Headers, from start: Int?) throws(SIPFault) -> [UInt8] {
        guard let start else {
            throw SIPFault(kind: .header, where: "headers", what: "no empty line ends them", status: 400)
        }
        let available = bytes.count - start
        guard let value = headers.firstBytes(.contentLength)?.trimmed else { return Array(bytes[start...]) }
        guard let length = value.number(upTo: UInt64(UInt32.max)) else {
            throw SIPFault(kind: .contentLength, where: "Content-Length", what: "no number", status: 400)
        }
        guard length <= UInt64(available) else {
            throw SIPFault(
                kind: .contentLength,
                where: "Content-Length",
                what: "\(length) octets announced, \(available) came",
                status: 400
            )
        }
        guard length > 0 else { return [] }
        return Array(bytes[start..<(start + Int(length))])
    }
}

private struct HeaderView: SIPMessageContent {
    let headers: Headers
    let body: [UInt8] = []
}

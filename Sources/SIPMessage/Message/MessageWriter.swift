extension SIPRequest {
    public func write() -> [UInt8] {
        var out: [UInt8] = []
        write(into: &out)
        return out
    }

    /// Appends the message: every Via, the other headers in their order, a right Content-Length, the body.
    public func write(into out: inout [UInt8]) {
        out.reserveCapacity(out.count + headers.bytes.count + body.count + 256)
        out.append(method.name)
        out.append(32)
        uri.write(into: &out)
        out.append(contentsOf: " SIP/2.0\r\n".utf8)
        headers.write(into: &out, body: body)
    }
}

extension SIPResponse {
    public func write() -> [UInt8] {
        var out: [UInt8] = []
        write(into: &out)
        return out
    }

    /// Appends the message: every Via, the other headers in their order, a right Content-Length, the body.
    public func write(into out: inout [UInt8]) {
        out.reserveCapacity(out.count + headers.bytes.count + body.count + 256)
        out.append(contentsOf: "SIP/2.0 ".utf8)
        out.append(String(status))
        out.append(32)
        out.appendLine(reason)
        out.append(contentsOf: "\r\n".utf8)
        headers.write(into: &out, body: body)
    }
}

extension SIPMessage {
    public func write() -> [UInt8] {
        switch self {
        case .request(let request): request.write()
        case .response(let response): response.write()
        }
    }

    public func write(into out: inout [UInt8]) {
        switch self {
        case .request(let request): request.write(into: &out)
        case .response(let response): response.write(into: &out)
        }
    }
}

extension Headers {
    fileprivate func write(into out: inout [UInt8], body: [UInt8]) {
        let via = HeaderName.via.code
        // Via first, whatever the order they were set in: proxies read no further to route a response (RFC 3261 §7.3.1).
        for entry in entries where entry.code == via { write(entry, into: &out) }
        for entry in entries where entry.code != via && entry.code != HeaderName.contentLength.code {
            write(entry, into: &out)
        }
        out.append(contentsOf: HeaderTable.shared.prefix(HeaderName.contentLength.code))
        out.append(String(body.count))
        out.append(contentsOf: "\r\n\r\n".utf8)
        out.append(contentsOf: body)
    }

    private func write(_ entry: Entry, into out: inout [UInt8]) {
        if entry.code == 0 {
            let name = bytes.clamped(entry.name)
            guard !name.isEmpty else { return }
            out.append(contentsOf: bytes[name])
            out.append(UInt8(ascii: ":"))
            out.append(32)
        } else {
            out.append(contentsOf: HeaderTable.shared.prefix(entry.code))
        }
        if entry.isFolded {
            bytes.appendUnfolded(entry.value, to: &out)
        } else {
            out.append(contentsOf: bytes[bytes.clamped(entry.value)])
        }
        out.append(.cr)
        out.append(.lf)
    }
}

/// Messages as octets (RFC 3261 §7): headers in their order, a Content-Length that is right.
extension SIPRequest {
    public func write() -> [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }

    public func write(into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + 512 + body.count)
        bytes += method.name.utf8
        bytes.append(0x20)
        bytes += uri.description.utf8
        bytes += " SIP/2.0\r\n".utf8
        headers.write(into: &bytes, body: body)
    }
}

extension SIPResponse {
    public func write() -> [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }

    public func write(into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + 512 + body.count)
        bytes += "SIP/2.0 ".utf8
        bytes += String(status).utf8
        bytes.append(0x20)
        bytes += Headers.safe(reason).utf8
        bytes += [13, 10]
        headers.write(into: &bytes, body: body)
    }
}

extension SIPMessage {
    public func write() -> [UInt8] {
        switch self {
        case .request(let request): request.write()
        case .response(let response): response.write()
        }
    }
}

extension Headers {
    func write(into bytes: inout [UInt8], body: [UInt8]) {
        for field in fields where field.name != .contentLength {
            bytes += field.name.name.utf8
            bytes += [0x3A, 0x20]
            switch field.value {
            case .text(let text): bytes += text.utf8
            case .received(_, _, isFolded: true): bytes += self.bytes(field)
            case .received(let start, let end, isFolded: false): bytes += source[Int(start)..<Int(end)]
            }
            bytes += [13, 10]
        }
        bytes += "Content-Length: ".utf8
        bytes += String(body.count).utf8
        bytes += [13, 10, 13, 10]
        bytes += body
    }
}

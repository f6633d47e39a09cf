extension SessionDescription {
    /// The description as octets, lines in the order of RFC 8866 §5, ended by CRLF.
    public func write() -> [UInt8] {
        var text =
            "v=0\r\no=\(origin.username) \(origin.sessionID) \(origin.version) \(origin.address)\r\ns=\(sessionName)\r\n"
        for line in otherLines where "iuep".contains(line.type) { text += "\(line.type)=\(line.value)\r\n" }
        if let connection { text += "c=\(connection.text)\r\n" }
        for line in otherLines where line.type == "b" { text += "b=\(line.value)\r\n" }
        for timing in timing { text += "t=\(timing)\r\n" }
        for line in otherLines where !"iuepb".contains(line.type) { text += "\(line.type)=\(line.value)\r\n" }
        for attribute in attributes { text += attribute.text }
        for section in media {
            let count = section.portCount == 1 ? "" : "/\(section.portCount)"
            let port = section.isPutAside ? 0 : section.port
            text +=
                "m=\(section.kind) \(port)\(count) \(section.proto) \(section.formats.joined(separator: " "))\r\n"
            for line in section.otherLines where line.type == "i" { text += "i=\(line.value)\r\n" }
            if let connection = section.connection { text += "c=\(connection.text)\r\n" }
            for line in section.otherLines where line.type != "i" { text += "\(line.type)=\(line.value)\r\n" }
            for attribute in section.attributes { text += attribute.text }
        }
        return Array(text.utf8)
    }
}

extension Attribute {
    fileprivate var text: String { value.map { "a=\(name):\($0)\r\n" } ?? "a=\(name)\r\n" }
}

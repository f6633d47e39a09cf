/// The text of a message, its secrets masked. Most messages have none, which one look at the octets tells.
func traceText(of bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    return mayHoldSecrets(bytes) ? maskingSecrets(in: text) : text
}

/// Whether the octets hold `uthorization`, `crypto:`, `key-mgmt:` or a line `k=`, in any case.
private func mayHoldSecrets(_ bytes: [UInt8]) -> Bool {
    let needles: [StaticString] = ["uthorization", "a=crypto", "a=key-mgmt", "\nk="]
    return bytes.withUnsafeBufferPointer { octets in
        needles.contains { needle in
            needle.withUTF8Buffer { sought in
                guard octets.count >= sought.count else { return false }
                for start in 0...(octets.count - sought.count) {
                    var place = 0
                    while place < sought.count, octets[start + place] | 0x20 == sought[place] | 0x20 { place += 1 }
                    if place == sought.count { return true }
                }
                return false
            }
        }
    }
}

/// A SIP message with everything masked that opens something: the answers to challenges (RFC 7616 §3.4), and the keys of media
/// in its description (RFC 4568, RFC 4567, RFC 8866 §5.12).
func maskingSecrets(in message: String) -> String {
    let lines = message.split(separator: "\r\n", omittingEmptySubsequences: false)
    var isCredentials = false
    return lines.map { line -> String in
        if line.first != " ", line.first != "\t" {
            let name = line.prefix { $0 != ":" && $0 != "=" }.lowercased().filter { $0 != " " }
            isCredentials = name == "authorization" || name == "proxy-authorization"
        }
        if isCredentials { return masked(String(line), parameters: ["response", "cnonce"]) }
        for prefix in ["a=crypto:", "a=key-mgmt:", "k="] where line.lowercased().hasPrefix(prefix) {
            return prefix + "(masked)"
        }
        return String(line)
    }.joined(separator: "\r\n")
}

/// Replaces the values of some parameters by stars of the same length, so that lengths stay true.
private func masked(_ line: String, parameters: Set<String>) -> String {
    var out = ""
    var rest = Substring(line)
    while let equals = rest.firstIndex(of: "=") {
        let name = rest[..<equals].reversed().prefix { $0.isLetter || $0 == "-" }.reversed()
        out += rest[...equals]
        rest = rest[rest.index(after: equals)...]
        let isQuoted = rest.first == "\""
        let body = isQuoted ? rest.dropFirst() : rest
        let value = body.prefix { isQuoted ? $0 != "\"" : $0 != "," && $0 != " " }
        if isQuoted { out += "\"" }
        out +=
            parameters.contains(String(name).lowercased()) ? String(repeating: "*", count: value.count) : String(value)
        rest = body[value.endIndex...]
        if isQuoted, rest.first == "\"" {
            out += "\""
            rest = rest.dropFirst()
        }
    }
    return out + rest
}

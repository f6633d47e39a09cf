import Glibc

/// The text of a message, its secrets masked. Most messages have none, which one look at the octets tells.
func traceText(of bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    return mayHoldSecrets(bytes) ? maskingSecrets(in: text) : text
}

/// Whether a line begins like one that `maskingSecrets` looks at: `au`, `pr`, `k=`, `a=c`, `a=k`, in any case.
///
/// Every message of every call is looked at: the C library finds the ends of lines faster than a loop over octets.
private func mayHoldSecrets(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { octets in
        guard let start = octets.baseAddress else { return false }
        var line = 0
        while line + 2 < octets.count {
            if beginsSecrets(octets[line], octets[line + 1], octets[line + 2]) { return true }
            guard let end = memchr(start + line, 10, octets.count - line) else { return false }
            line = start.distance(to: end) + 1
        }
        return false
    }
}

private func beginsSecrets(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    switch (first | 0x20, second, third | 0x20) {
    case (UInt8(ascii: "a"), UInt8(ascii: "u"), _), (UInt8(ascii: "a"), UInt8(ascii: "U"), _),
        (UInt8(ascii: "p"), UInt8(ascii: "r"), _), (UInt8(ascii: "p"), UInt8(ascii: "R"), _),
        (UInt8(ascii: "k"), UInt8(ascii: "="), _), (UInt8(ascii: "a"), UInt8(ascii: "="), UInt8(ascii: "c")),
        (UInt8(ascii: "a"), UInt8(ascii: "="), UInt8(ascii: "k")):
        true
    default: false
    }
}

/// A SIP message with everything masked that opens something: the answers to challenges (RFC 7616 §3.4), and the keys of media
/// in its description (RFC 4568, RFC 4567, RFC 8866 §5.12).
func maskingSecrets(in message: String) -> String {
    // Lines end with LF: peers that leave the CR out are understood, and must not be traced in the clear.
    let lines = message.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var isCredentials = false
    return lines.map { octets -> String in
        let end = octets.last == UInt8(ascii: "\r") ? "\r" : ""
        let line = String(decoding: octets.dropLast(end.utf8.count), as: UTF8.self)
        if line.first != " ", line.first != "\t" {
            let name = line.prefix { $0 != ":" && $0 != "=" }.lowercased().filter { $0 != " " && $0 != "\t" }
            isCredentials = name == "authorization" || name == "proxy-authorization"
        }
        if isCredentials { return masked(line, parameters: ["response", "cnonce"]) + end }
        for prefix in ["a=crypto:", "a=key-mgmt:", "k="] where line.lowercased().hasPrefix(prefix) {
            return prefix + "(masked)" + end
        }
        return line + end
    }.joined(separator: "\n")
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

import Glibc

/// The text of a message, its secrets masked. Most messages have none, which one look at the octets tells.
func traceText(of bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    return mayHoldSecrets(bytes) ? maskingSecrets(in: text) : text
}

/// Whether a line begins like one that `maskingSecrets` looks at: `au`, `pr`, `k=`, `a=c`, `a=i`, `a=k`, in any case; or a URI may hold a
/// password.
///
/// Every message of every call is looked at: the C library finds the ends of lines faster than a loop over octets.
private func mayHoldSecrets(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { octets in
        guard let start = octets.baseAddress else { return false }
        var line = 0
        while line + 2 < octets.count {
            if beginsSecrets(octets[line], octets[line + 1], octets[line + 2]) { return true }
            guard let end = memchr(start + line, 10, octets.count - line) else { break }
            line = start.distance(to: end) + 1
        }
        var place = 0
        while let at = memchr(start + place, 64, octets.count - place) {
            let end = start.distance(to: at)
            if octets[place..<end].reversed().prefix(while: isOfURI).count(where: { $0 == 58 }) > 1 { return true }
            place = end + 1
        }
        return false
    }
}

/// Nothing that stands before or around a URI.
private func isOfURI(_ octet: UInt8) -> Bool { octet > 32 && !"<>\",".utf8.contains(octet) }

private func beginsSecrets(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    switch (first | 0x20, second, third | 0x20) {
    case (UInt8(ascii: "a"), UInt8(ascii: "u"), _), (UInt8(ascii: "a"), UInt8(ascii: "U"), _),
        (UInt8(ascii: "p"), UInt8(ascii: "r"), _), (UInt8(ascii: "p"), UInt8(ascii: "R"), _),
        (UInt8(ascii: "k"), UInt8(ascii: "="), _), (UInt8(ascii: "a"), UInt8(ascii: "="), UInt8(ascii: "c")),
        (UInt8(ascii: "a"), UInt8(ascii: "="), UInt8(ascii: "i")),
        (UInt8(ascii: "a"), UInt8(ascii: "="), UInt8(ascii: "k")):
        true
    default: false
    }
}

/// A SIP message with everything masked that opens something: the answers to challenges (RFC 7616 §3.4) and other credentials (RFC 9110
/// §11.4), passwords in URIs (RFC 3261 §19.1.1), and the keys of media in its description (RFC 4568, RFC 4567, RFC 8839 §5.4, RFC 8866
/// §5.12).
func maskingSecrets(in message: String) -> String {
    // Lines end with LF: peers that leave the CR out are understood, and must not be traced in the clear.
    let lines = message.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var credentials: Credentials?
    return lines.map { octets -> String in
        let end = octets.last == UInt8(ascii: "\r") ? "\r" : ""
        let line = String(decoding: octets.dropLast(end.utf8.count), as: UTF8.self)
        var content = line[...]
        if line.first != " ", line.first != "\t" {
            let name = line.prefix { $0 != ":" && $0 != "=" }
            let isCredentials = ["authorization", "proxy-authorization"].contains(
                name.lowercased().filter { !$0.isWhitespace }
            )
            credentials = isCredentials ? Credentials() : nil
            if isCredentials { content = line[name.endIndex...].dropFirst() }
        }
        if credentials != nil {
            let masked = credentials?.masked(content) ?? ""
            return line[..<content.startIndex] + masked + end
        }
        for prefix in ["a=crypto:", "a=key-mgmt:", "a=ice-pwd:", "k="] where line.lowercased().hasPrefix(prefix) {
            return prefix + "(masked)" + end
        }
        return maskingPasswords(in: line) + end
    }.joined(separator: "\n")
}

/// The value of an Authorization, line by line: of Digest what it is all about stays to be read.
private struct Credentials {
    /// nil: the scheme is not read yet, which may stand in a line of its own.
    private var isDigest: Bool?

    mutating func masked(_ content: Substring) -> String {
        if let isDigest { return rest(content, isDigest) }
        let scheme = content.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
        guard !scheme.isEmpty else { return String(content) }
        let isDigest = scheme.lowercased() == "digest"
        self.isDigest = isDigest
        return content[..<scheme.endIndex] + rest(content[scheme.endIndex...], isDigest)
    }

    private func rest(_ text: Substring, _ isDigest: Bool) -> String {
        isDigest
            ? masking(String(text), parameters: ["response", "cnonce"])
            : String(text.map { $0.isWhitespace ? $0 : "*" })
    }
}

/// Stars for the password of each `sip:user:password@host`.
private func maskingPasswords(in line: String) -> String {
    var out = ""
    var rest = line[...]
    while let at = rest.firstIndex(of: "@") {
        let start =
            rest[..<at].lastIndex { !($0.utf8.first.map(isOfURI) ?? false) }.map(rest.index(after:)) ?? rest.startIndex
        let parts = rest[start..<at].split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count == 3, ["sip", "sips"].contains(parts[0].lowercased()) {
            out += rest[..<parts[2].startIndex] + String(repeating: "*", count: parts[2].utf8.count)
        } else {
            out += rest[..<at]
        }
        out += "@"
        rest = rest[at...].dropFirst()
    }
    return out + rest
}

/// Replaces the values of some parameters by stars of the same length, so that lengths stay true.
private func masking(_ line: String, parameters: Set<String>) -> String {
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

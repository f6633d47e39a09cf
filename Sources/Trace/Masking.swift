import Glibc

/// The text of a message, its secrets masked. Most messages have none, which one look at the octets tells.
func traceText(of bytes: [UInt8]) -> String {
    holdsSecrets(bytes) ? maskingSecrets(in: bytes) : String(decoding: bytes, as: UTF8.self)
}

/// Whether there is anything to mask.
///
/// Every message of every call is looked at: the C library finds the ends of lines faster than a loop over octets.
func holdsSecrets(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { octets in
        guard let start = octets.baseAddress else { return false }
        func place(of octet: UInt8, from index: Int) -> Int? {
            index < octets.count
                ? memchr(start + index, Int32(octet), octets.count - index).map { start.distance(to: $0) } : nil
        }
        var line: Int? = 0
        while let first = line {
            if SecretLine(octets[first...]) != nil { return true }
            line = place(of: UInt8(ascii: "\n"), from: first).map { $0 + 1 }
        }
        var next = place(of: UInt8(ascii: "@"), from: 0)
        while let at = next {
            if password(in: octets[...], before: at) != nil { return true }
            next = place(of: UInt8(ascii: "@"), from: at + 1)
        }
        return false
    }
}

/// The message with everything masked that opens something: the answers to challenges (RFC 7616 §3.4) and other credentials (RFC 9110
/// §11.4), passwords in URIs (RFC 3261 §19.1.1), and the keys of media in its description (RFC 4568, RFC 4567, RFC 8839 §5.4, RFC 8866
/// §5.12).
private func maskingSecrets(in message: [UInt8]) -> String {
    // Lines end with LF: peers that leave the CR out are understood, and must not be traced in the clear.
    let lines = message.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var credentials: Credentials?
    return lines.map { octets -> String in
        let end = octets.last == UInt8(ascii: "\r") ? "\r" : ""
        let octets = octets.dropLast(end.utf8.count)
        var content = octets
        if octets.first != space, octets.first != tab {
            credentials = nil
            switch SecretLine(octets) {
            case .key(let name): return String(decoding: octets.prefix(name), as: UTF8.self) + "(masked)" + end
            case .credentials(let name):
                credentials = Credentials()
                content = octets.dropFirst(name)
            case nil: break
            }
        }
        guard credentials != nil else { return maskingPasswords(in: octets) + end }
        let masked = credentials?.masked(String(decoding: content, as: UTF8.self)[...]) ?? ""
        return String(decoding: octets[..<content.startIndex], as: UTF8.self) + masked + end
    }.joined(separator: "\n")
}

/// A line whose beginning says that a secret follows, and how many octets say so.
private enum SecretLine {
    case credentials(Int)
    case key(Int)

    private static let keys = ["a=crypto:", "a=key-mgmt:", "a=ice-pwd:", "k="].map { Array($0.utf8) }
    private static let credentials = ["authorization", "proxy-authorization"].map { Array($0.utf8) }

    /// What stands behind the line's end is not looked at: no name has an end of a line in it.
    init?(_ line: some BidirectionalCollection<UInt8>) {
        switch line.first.map(lowercase) {
        case UInt8(ascii: "a"), UInt8(ascii: "p"), UInt8(ascii: "k"): break
        default: return nil
        }
        for name in Self.keys where line.lazy.map(lowercase).starts(with: name) {
            self = .key(name.count)
            return
        }
        for name in Self.credentials where line.lazy.map(lowercase).starts(with: name) {
            let blanks = line.dropFirst(name.count).prefix { $0 == space || $0 == tab }.count
            guard line.dropFirst(name.count + blanks).first == colon else { continue }
            self = .credentials(name.count + blanks + 1)
            return
        }
        return nil
    }
}

private let tab = UInt8(ascii: "\t")
private let space = UInt8(ascii: " ")
private let colon = UInt8(ascii: ":")

/// Of letters; `-`, `:` and `=` stay what they are.
private func lowercase(_ octet: UInt8) -> UInt8 { octet | 0x20 }

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

/// Where the password of `sip:user:password@host` stands, if the `@` here is that of one.
private func password<Line: BidirectionalCollection<UInt8>>(
    in line: Line,
    before at: Line.Index
) -> Range<Line.Index>? {
    let start = line[..<at].lastIndex(where: endsURI).map(line.index(after:))
    var rest = line[(start ?? line.startIndex)..<at]
    // The header's name may stand right before the URI.
    var isInURI = false
    while let end = rest.firstIndex(of: colon) {
        if isInURI { return line.index(after: end)..<at }
        let scheme = rest[..<end].suffix(4).lazy.map(lowercase)
        isInURI = scheme.suffix(3).elementsEqual(sip) || scheme.elementsEqual(sips)
        rest = rest[line.index(after: end)...]
    }
    return nil
}

private let (sip, sips) = (Array("sip".utf8), Array("sips".utf8))

/// Whether the octet stands in no URI's user part, and between URIs.
private func endsURI(_ octet: UInt8) -> Bool {
    switch octet {
    case ...space, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "@"): true
    default: false
    }
}

/// Stars for the password of each `sip:user:password@host`.
private func maskingPasswords(in line: ArraySlice<UInt8>) -> String {
    var line = line
    for at in line.indices where line[at] == UInt8(ascii: "@") {
        for place in password(in: line, before: at) ?? at..<at { line[place] = UInt8(ascii: "*") }
    }
    return String(decoding: line, as: UTF8.self)
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

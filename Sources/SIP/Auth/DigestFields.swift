/// The parameters of an Authorization or WWW-Authenticate header (RFC 7616 §3.3, §3.4), by name in lower case.
struct DigestFields: Sendable {
    private let values: [String: String]

    subscript(name: String) -> String? { values[name] }

    /// nil for another scheme than Digest, and for what is malformed.
    init?(_ header: String) {
        guard header.utf8.count <= 4096 else { return nil }
        var rest = Substring(header).drop { $0 == " " || $0 == "\t" }
        guard rest.prefix(6).lowercased() == "digest", rest.dropFirst(6).first?.isWhitespace == true else { return nil }
        rest = rest.dropFirst(6)
        var values: [String: String] = [:]
        while true {
            rest = rest.drop { $0.isWhitespace || $0 == "," }
            guard !rest.isEmpty else { break }
            let name = rest.prefix { $0 != "=" && $0 != "," && !$0.isWhitespace }
            rest = rest[name.endIndex...].drop { $0.isWhitespace }
            guard !name.isEmpty, rest.first == "=" else { return nil }
            rest = rest.dropFirst().drop { $0.isWhitespace }
            guard let value = Self.value(&rest) else { return nil }
            // Said twice, a parameter could be read in two ways (RFC 7616 §3.4).
            guard values.updateValue(value, forKey: name.lowercased()) == nil else { return nil }
        }
        self.values = values
    }

    private static func value(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else {
            let token = rest.prefix { $0 != "," && !$0.isWhitespace }
            rest = rest[token.endIndex...]
            return String(token)
        }
        rest = rest.dropFirst()
        var text = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return text
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                text.append(escaped)
            default: text.append(character)
            }
        }
        return nil
    }
}

/// RFC 7616 §3.4.1, with the hash of the user's secret already made. `body` counts with `qop=auth-int` (§3.4.3).
func digestResponse(
    _ algorithm: DigestAlgorithm,
    ha1: String,
    nonce: String,
    quality: (count: String, cnonce: String, qop: String)?,
    method: String,
    uri: String,
    body: [UInt8] = []
) -> String {
    let protected = quality?.qop == "auth-int" ? ":\(algorithm.hash(body))" : ""
    let ha2 = algorithm.hash("\(method):\(uri)\(protected)")
    guard let quality else { return algorithm.hash("\(ha1):\(nonce):\(ha2)") }
    return algorithm.hash("\(ha1):\(nonce):\(quality.count):\(quality.cnonce):\(quality.qop):\(ha2)")
}

public import SIPMessage

/// Why a challenge cannot be answered.
public enum DigestFault: Error, Equatable, Sendable {
    /// The challenge is for somebody else's realm: answering would show our secret to whoever asks.
    case foreignRealm
    /// No challenge has an algorithm and a quality that we know.
    case unsupported
}

/// Answers the challenges of one peer, and counts the uses of its nonces (RFC 7616 §3.4).
public struct DigestClient: Sendable {
    private var nonce = ""
    private var count: UInt32 = 0

    public init() {}

    /// The value of an Authorization header: the strongest challenge that we can answer, answered.
    public mutating func answer(
        challenges: [String],
        credentials: Credentials,
        method: Method,
        uri: String,
        cnonce: String
    ) throws(DigestFault) -> String {
        let read = challenges.prefix(8).compactMap { DigestFields($0) }
        let ours = read.filter { $0["realm"] == credentials.realm }
        guard !ours.isEmpty else { throw read.isEmpty ? .unsupported : .foreignRealm }
        for algorithm in DigestAlgorithm.allCases {
            let fitting = ours.first { fields in
                DigestAlgorithm(token: fields["algorithm"] ?? "MD5") == algorithm && Self.quality(fields) != nil
            }
            guard let challenge = fitting, let ha1 = credentials.ha1[algorithm], let nonce = challenge["nonce"] else {
                continue
            }
            return answer(challenge, algorithm, ha1, nonce, credentials, method, uri, cnonce)
        }
        throw .unsupported
    }

    /// Whether a challenge says that the nonce was too old and not the password wrong (RFC 7616 §3.3).
    static func isStale(_ challenges: [String]) -> Bool {
        challenges.contains { DigestFields($0)?["stale"]?.lowercased() == "true" }
    }

    /// Whether to use `qop=auth`; nil when only others are offered.
    private static func quality(_ fields: DigestFields) -> Bool? {
        guard let qop = fields["qop"], !qop.isEmpty else { return false }
        let offered = qop.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        return offered.contains("auth") ? true : nil
    }

    private mutating func answer(
        _ challenge: DigestFields,
        _ algorithm: DigestAlgorithm,
        _ ha1: String,
        _ nonce: String,
        _ credentials: Credentials,
        _ method: Method,
        _ uri: String,
        _ cnonce: String
    ) -> String {
        if nonce != self.nonce { (self.nonce, count) = (nonce, 0) }
        count &+= 1
        let digits = String(count, radix: 16)
        let text = String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
        let usesQuality = Self.quality(challenge) == true
        let response = digestResponse(
            algorithm,
            ha1: ha1,
            nonce: nonce,
            quality: usesQuality ? (text, cnonce, "auth") : nil,
            method: method.name,
            uri: uri
        )
        var parts = [
            "username=\(quoted(credentials.username))", "realm=\(quoted(credentials.realm))", "nonce=\(quoted(nonce))",
            "uri=\(quoted(uri))", "response=\"\(response)\"", "algorithm=\(algorithm.rawValue)",
        ]
        if usesQuality { parts += ["qop=auth", "nc=\(text)", "cnonce=\(quoted(cnonce))"] }
        if let opaque = challenge["opaque"] { parts.append("opaque=\(quoted(opaque))") }
        return "Digest " + parts.joined(separator: ", ")
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) } + "\""
    }
}

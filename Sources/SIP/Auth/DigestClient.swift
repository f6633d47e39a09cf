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
    /// That of the nonce's first use, which a session's key is made of.
    private var cnonce = ""
    private var count: UInt32 = 0

    /// How a challenge is to be answered.
    private struct Manner {
        var algorithm: DigestAlgorithm
        /// Of the kind `-sess`: the secret is hashed with the nonce and ours (RFC 7616 §3.4.2).
        var isSession: Bool
        /// nil: as before there was `qop` (RFC 2069).
        var qop: String?

        /// nil: not in any that we know.
        init?(_ challenge: DigestFields) {
            let token = challenge["algorithm"] ?? "MD5"
            isSession = token.lowercased().hasSuffix("-sess")
            guard let algorithm = DigestAlgorithm(token: isSession ? String(token.dropLast(5)) : token) else {
                return nil
            }
            self.algorithm = algorithm
            guard let qop = challenge["qop"], !qop.isEmpty else { return }
            let offered = qop.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
            // Without the body where we may: some network elements change it on the way.
            guard let known = ["auth", "auth-int"].first(where: offered.contains) else { return nil }
            self.qop = known
        }
    }

    public init() {}

    /// The value of an Authorization header: the strongest challenge that we can answer, answered.
    public mutating func answer(
        challenges: [String],
        credentials: Credentials,
        method: Method,
        uri: String,
        body: [UInt8] = [],
        cnonce: String
    ) throws(DigestFault) -> String {
        let read = challenges.prefix(8).compactMap { DigestFields($0) }
        let ours = read.filter { $0["realm"] == credentials.realm }
        guard !ours.isEmpty else { throw read.isEmpty ? .unsupported : .foreignRealm }
        for algorithm in DigestAlgorithm.allCases {
            for challenge in ours {
                guard let manner = Manner(challenge), manner.algorithm == algorithm,
                    let ha1 = credentials.ha1[algorithm], let nonce = challenge["nonce"]
                else { continue }
                if nonce != self.nonce { (self.nonce, self.cnonce, count) = (nonce, cnonce, 0) }
                return answer(challenge, manner, ha1, credentials, method, uri, body)
            }
        }
        throw .unsupported
    }

    /// Whether a challenge says that the nonce was too old and not the password wrong (RFC 7616 §3.3).
    static func isStale(_ challenges: [String]) -> Bool {
        challenges.contains { DigestFields($0)?["stale"]?.lowercased() == "true" }
    }

    private mutating func answer(
        _ challenge: DigestFields,
        _ manner: Manner,
        _ secret: String,
        _ credentials: Credentials,
        _ method: Method,
        _ uri: String,
        _ body: [UInt8]
    ) -> String {
        count &+= 1
        let digits = String(count, radix: 16)
        let text = String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
        let response = digestResponse(
            manner.algorithm,
            ha1: manner.isSession ? manner.algorithm.hash("\(secret):\(nonce):\(cnonce)") : secret,
            nonce: nonce,
            quality: manner.qop.map { (text, cnonce, $0) },
            method: method.name,
            uri: uri,
            body: body
        )
        let algorithm = manner.algorithm.rawValue + (manner.isSession ? "-sess" : "")
        var parts = [
            "username=\(quoted(credentials.username))", "realm=\(quoted(credentials.realm))", "nonce=\(quoted(nonce))",
            "uri=\(quoted(uri))", "response=\"\(response)\"", "algorithm=\(algorithm)",
        ]
        if let qop = manner.qop { parts += ["qop=\(qop)", "nc=\(text)"] }
        if manner.qop != nil || manner.isSession { parts.append("cnonce=\(quoted(cnonce))") }
        if let opaque = challenge["opaque"] { parts.append("opaque=\(quoted(opaque))") }
        return "Digest " + parts.joined(separator: ", ")
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) } + "\""
    }
}

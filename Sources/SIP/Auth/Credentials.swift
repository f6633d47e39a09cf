import Hashes

/// RFC 7616 §3.3 and RFC 8760, the stronger first.
public enum DigestAlgorithm: String, CaseIterable, Codable, Sendable {
    case sha256 = "SHA-256"
    case md5 = "MD5"

    /// The names of algorithms are tokens: case does not matter.
    init?(token: String) {
        guard let known = Self.allCases.first(where: { $0.rawValue.lowercased() == token.lowercased() }) else {
            return nil
        }
        self = known
    }

    func hash(_ text: String) -> String { hash(Array(text.utf8)) }

    func hash(_ octets: [UInt8]) -> String {
        switch self {
        case .sha256: hex(Hashes.sha256(octets))
        case .md5: hex(Hashes.md5(octets))
        }
    }
}

/// What a password is kept as: H(username:realm:password) for each algorithm. The password itself is not kept.
public struct Credentials: Hashable, Codable, Sendable, CustomStringConvertible {
    public var username: String
    public var realm: String
    /// Lower-case hexadecimal.
    public var ha1: [DigestAlgorithm: String]

    public init(username: String, realm: String, ha1: [DigestAlgorithm: String]) {
        (self.username, self.realm, self.ha1) = (username, realm, ha1)
    }

    public init(username: String, realm: String, password: String) {
        self.init(username: username, realm: realm, ha1: [:])
        for algorithm in DigestAlgorithm.allCases {
            ha1[algorithm] = algorithm.hash("\(username):\(realm):\(password)")
        }
    }

    /// Without the hashes: they are as good as the password.
    public var description: String { "\(username)@\(realm)" }
}

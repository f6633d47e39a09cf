import Hashes

/// The links of a chain: each holds the hash of the one before, so that whoever changes, removes or inserts one breaks every hash from
/// there on.
enum ChainHash {
    /// What stands before the first link.
    static let first = String(repeating: "0", count: 64)

    /// SHA-256 in hexadecimal of the texts in their order: each with its length in octets and a colon before it and a comma behind it
    /// (netstrings, so that no text can pass for two), `-,` where there is none.
    static func of(_ texts: [String?]) -> String {
        let written = texts.map { text in text.map { "\($0.utf8.count):\($0)," } ?? "-," }.joined()
        return hex(sha256(Array(written.utf8)))
    }
}

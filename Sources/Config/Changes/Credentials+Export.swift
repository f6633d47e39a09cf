import SIP

extension Credentials {
    /// The hashes under the keys that the YAML has for them.
    var exportedPairs: [(String, String)] {
        [("md5", ha1[.md5]), ("sha256", ha1[.sha256])].compactMap { key, hash in hash.map { (key, $0) } }
    }
}

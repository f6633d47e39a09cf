extension String {
    /// The value of a Warning header that says why in words (RFC 3261 §20.43, code 399). What a peer wrote may be in them: the quoted
    /// string is short, and holds neither quotes nor backslashes nor anything that is not printed.
    public static func warning(_ text: String) -> String {
        let words = text.utf8.prefix(200).filter { $0 >= 32 && $0 < 127 && $0 != 34 && $0 != 92 }
        return "399 gudok \"\(String(decoding: words, as: UTF8.self))\""
    }

    /// We have no address of the family that a description names (RFC 3261 §20.43).
    public static let incompatibleAddress = "301 gudok \"Incompatible network address formats\""
}

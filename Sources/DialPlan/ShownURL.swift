extension String {
    /// A URL without the user and the password in it (RFC 3986 §3.2.1), for logs, traces and listings.
    public var withoutUserInfo: String {
        guard let start = firstRange(of: "://")?.upperBound else { return self }
        let authority = self[start...].prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { return self }
        return String(self[..<start]) + String(self[index(after: at)...])
    }
}

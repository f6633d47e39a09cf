extension String {
    /// On a terminal, a text from outside must not move the cursor or turn what stands beside it: what would is a question mark.
    public var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? "?" : $0 }))
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1; the line and paragraph separators; and the marks that turn the direction of writing.
    fileprivate var isControl: Bool {
        switch value {
        case 0..<32, 127..<160, 0x2028...0x202E, 0x2066...0x2069, 0x200E, 0x200F: true
        default: false
        }
    }
}

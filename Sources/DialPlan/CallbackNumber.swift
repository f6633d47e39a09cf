/// What a caller names to be called back at is dialled only if it looks like a number.
public enum CallbackNumber {
    /// 3 to 32 digits, `+`, `*` and `#`, a digit among them.
    public static func isOne(_ text: String) -> Bool {
        (3...32).contains(text.utf8.count) && text.utf8.contains { (48...57).contains($0) }
            && text.utf8.allSatisfy { (48...57).contains($0) || "+*#".utf8.contains($0) }
    }
}

extension String {
    /// Something that a phone could have dialled: 1 to 128 octets without blanks and control characters.
    public var isDialable: Bool {
        (1...128).contains(utf8.count)
            && unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
    }
}

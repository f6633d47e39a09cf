extension SIPURI {
    /// What was dialled, or who calls: the user without what is no part of its number.
    ///
    /// Parameters of the subscriber inside of the user part (`sip:+7495;phone-context=x@host`, RFC 3261 §19.1.6) do not
    /// belong to a number, and visual separators do not count in one (RFC 3966 §5.1.1); a rule for it or a list that holds it would
    /// else be passed by. A user that is no number stays as it is; one with control characters (`%00`) is nobody's, as it would be read as
    /// another's wherever they are dropped.
    public var number: String? {
        guard let user, !user.unicodeScalars.contains(where: { $0.value < 32 || (127...159).contains($0.value) }) else {
            return nil
        }
        let subscriber = user.prefix { $0 != ";" }
        guard !subscriber.isEmpty, subscriber.utf8.allSatisfy(Self.isOfNumber) else { return user }
        let isGlobal = subscriber.first == "+"
        guard isGlobal || scheme == .tel || parameters["user"]?.lowercased() == "phone" else {
            return String(subscriber)
        }
        let digits = subscriber.filter { !"-.()".contains($0) }
        return digits.isEmpty || digits == "+" ? String(subscriber) : digits
    }

    /// The number as a record has it: what is none for its control characters, as it was received, escapes and all.
    public var dialled: String { number ?? userSpelling ?? "" }

    /// Digits with the marks that RFC 3966 allows between them, and "*" and "#" of feature codes.
    private static func isOfNumber(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "*"), UInt8(ascii: "#"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"):
            true
        default: false
        }
    }
}

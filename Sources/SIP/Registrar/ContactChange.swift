import SIPMessage

/// One Contact of a REGISTER, read and checked.
struct ContactChange {
    var contact: NameAddress
    /// 0 removes.
    var seconds: Int
    var q: Int
    var instance: String?

    init(_ contact: NameAddress, expires: UInt32?, limits: RegistrarLimits) throws(Registrar.Refusal) {
        self.contact = contact
        guard contact.uri.scheme == .sip || contact.uri.scheme == .sips, !contact.uri.host.isEmpty else {
            throw Registrar.Refusal(400, "a Contact must be a sip URI")
        }
        // Calls there may go by TLS only (RFC 3261 §26.2.2), which is not spoken here; to take it away is fine.
        guard contact.uri.scheme == .sip || expires == 0 || contact.parameters["expires"] == "0" else {
            throw Registrar.Refusal(400, "a sips Contact needs TLS")
        }
        var wanted = expires
        if let own = contact.parameters["expires"] {
            // Malformed counts as one hour, as a Contact without would (RFC 3261 §10.2.1.1, §20.10).
            let digits = own.utf8.allSatisfy { (48...57).contains($0) } && !own.isEmpty
            wanted = digits ? UInt32(own) ?? .max : 3600
        }
        let asked = wanted.map { Int($0) } ?? limits.defaultExpires
        if asked > 0, asked < limits.minExpires {
            throw Registrar.Refusal(423, "the registration is too short", [(.minExpires, "\(limits.minExpires)")])
        }
        seconds = min(asked, limits.maxExpires)
        q = Self.thousandths(contact.parameters["q"])
        if let instance = contact.parameters["+sip.instance"], !instance.isEmpty {
            self.instance = "\(instance) \(contact.parameters["reg-id"] ?? "")"
        }
    }

    /// `0.7` is 700; absent or malformed is 1 (RFC 3261 §16.6).
    private static func thousandths(_ text: String?) -> Int {
        guard let text, text.utf8.count <= 5, let value = Double(text), (0...1).contains(value) else { return 1000 }
        return Int(value * 1000)
    }
}

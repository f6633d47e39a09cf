import SIP

/// What a tenant's file says of agents.
extension TenantReader {
    /// Names, or mappings with a name and what holds of such pauses.
    func readPauseReasons(_ value: YAMLValue) -> [PauseReason] {
        var reasons: [PauseReason] = []
        for item in value.sequence("pause_reasons") {
            guard let reason = readPauseReason(item) else { continue }
            guard !reasons.contains(where: { $0.name == reason.name }) else {
                item.fault(.duplicate, "the pause reason '\(reason.name)' is given twice", mend: "remove one")
                continue
            }
            reasons.append(reason)
        }
        return reasons
    }

    private func readPauseReason(_ item: YAMLValue) -> PauseReason? {
        if item.asScalar != nil { return item.string("a pause reason").map { PauseReason($0) } }
        guard var mapping = item.mapping("a pause reason") else { return nil }
        defer { mapping.finish("a pause reason") }
        let name = mapping.require("name", of: "a pause reason")?.string("name")
        let isPaid = mapping.take("paid")?.boolean("paid") ?? true
        let limit = mapping.take("limit")?.duration("limit")
        let shift = mapping.take("shift_limit")
        let shiftLimit = shift?.duration("shift_limit")
        if let limit, let shiftLimit, limit > shiftLimit {
            shift?.fault(.badValue, "a shift's pauses may last less than one of them", mend: "write at least limit")
        }
        let grantedBy = mapping.take("by")?.choice("by", PauseReason.Grantor.self) ?? .operator
        return name.map {
            PauseReason($0, isPaid: isPaid, limit: limit, shiftLimit: shiftLimit, grantedBy: grantedBy)
        }
    }

    static let pinLength = 4...16

    /// Digits, for keys are all that a phone has.
    func readPIN(_ user: inout YAMLMapping, username: String, realm: String) -> Credentials? {
        let pin = user.take("pin")
        if let text = pin?.asScalar {
            let isPIN = Self.pinLength.contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
            if !isPIN { pin?.fault(.badValue, "the pin is none", mend: "write 4 to 16 digits, in quotes") }
        }
        let hashes = user.take("pin_ha1")
        return credentials(of: "the user", pin, hashes, ("pin", "pin_ha1"), username: username, realm: realm)
    }
}

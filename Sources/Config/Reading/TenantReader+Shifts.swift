import DialPlan

/// A tenant's shift plans.
extension TenantReader {
    func readShifts(_ value: YAMLValue, into reading: inout Reading) {
        for item in value.sequence("shifts") {
            guard let plan = readShift(item, reading.tenant) else { continue }
            guard !reading.tenant.shifts.contains(where: { $0.name == plan.name }) else {
                item.fault(.duplicate, "the shift '\(plan.name)' is given twice", mend: "choose another name")
                continue
            }
            reading.tenant.shifts.append(plan)
        }
    }

    private func readShift(_ item: YAMLValue, _ tenant: Tenant) -> ShiftPlan? {
        guard var mapping = item.mapping("a shift") else { return nil }
        defer { mapping.finish("a shift") }
        let name = mapping.require("name", of: "a shift")?.string("name")
        let work = mapping.require("work", of: "a shift").map { readShiftHours($0, "work") }
        let pauses = mapping.take("pauses")
        var plan = ShiftPlan(
            name: name ?? "",
            work: work ?? [],
            pauses: pauses.map { readShiftHours($0, "pauses") } ?? []
        )
        if let stray = plan.stray {
            pauses?.fault(
                .badValue,
                "the pause \(stray) is not within the work",
                mend: "write pauses that are part of the work"
            )
        }
        for user in mapping.take("users")?.sequence("users") ?? [] {
            guard let number = user.string("a user") else { continue }
            if tenant.users[number] == nil {
                user.fault(
                    .deadReference,
                    "there is no user \(number)",
                    mend: "write the extension, in quotes, of one of the tenant's users"
                )
            } else if tenant.shifts.contains(where: { $0.users.contains(number) }) {
                user.fault(
                    .duplicate,
                    "user \(number) is in another shift already",
                    mend: "name each user in one shift"
                )
            }
            plan.users.insert(number)
        }
        let roles = mapping.take("roles")?.sequence("roles").compactMap { $0.choice("a role", User.Role.self) } ?? []
        plan.roles = Set(roles)
        if plan.users.isEmpty, plan.roles.isEmpty {
            item.fault(.badValue, "the shift is nobody's", mend: "add users or roles")
        }
        return name == nil || work == nil ? nil : plan
    }

    private func readShiftHours(_ value: YAMLValue, _ what: String) -> [OpeningHours] {
        value.sequence(what).flatMap { item -> [OpeningHours] in
            guard let text = item.string(what) else { return [] }
            if let hours = OpeningHours.read(text) { return hours }
            item.fault(.badValue, "'\(text)' are no hours", mend: "write them as Mon-Fri 09:00-18:00")
            return []
        }
    }
}

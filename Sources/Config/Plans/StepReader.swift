import DialPlan

/// Reads steps: a bare word, or a mapping whose first known key is the step's name.
struct StepReader {
    func readList(_ value: YAMLValue) -> [Step] {
        let steps = value.sequence("the steps").compactMap { item in read(item).map { (item, $0) } }
        for (index, (_, step)) in steps.enumerated() where index + 1 < steps.count && step.action.isLast {
            steps[index + 1].0.fault(
                .unreachableStep,
                "no call comes here: '\(step.name)' before it does not come back",
                mend: "remove the step, or move it before '\(step.name)'"
            )
        }
        // A supervisor's port is opened beside the talk's, and whoever comes into another call is answered by that one.
        if let answer = steps.firstIndex(where: { $0.1.action.answers }) {
            for (item, step) in steps[answer...] where step.action.wantsUnanswered {
                let who = step.action.name == .supervise ? "supervisor" : "caller"
                item.fault(
                    .badValue,
                    "'\(steps[answer].1.name)' answers the \(who) before '\(step.name)', which then refuses him",
                    mend: "let '\(step.name)' come first"
                )
            }
        }
        return steps.map(\.1)
    }

    private func read(_ value: YAMLValue) -> Step? {
        if let word = value.asScalar {
            switch Step.Name(rawValue: word) {
            case .answer: return Step(.answer, position: value.position)
            case .ringing: return Step(.ringing, position: value.position)
            case .echo: return Step(.echo, position: value.position)
            case .some(let name):
                value.fault(
                    .missingKey,
                    "the step '\(name.rawValue)' needs a value",
                    mend: "write {\(name.rawValue): …}"
                )
            case nil:
                value.fault(
                    .unknownKey,
                    "there is no step '\(word)'",
                    mend: suggestion(for: word, among: Step.Name.allCases.map(\.rawValue))
                )
            }
            return nil
        }
        guard var mapping = value.mapping("a step") else { return nil }
        let names = mapping.names.compactMap { Step.Name(rawValue: $0) }
        guard let name = names.first else {
            let first = mapping.names.first ?? ""
            (mapping.key(first) ?? value).fault(
                .unknownKey,
                "there is no step '\(first)'",
                mend: suggestion(for: first, among: Step.Name.allCases.map(\.rawValue))
            )
            return nil
        }
        guard let argument = mapping.take(name.rawValue) else {
            if name.isBare {
                refuseValue(name, at: value)
            } else {
                let mend = "write {\(name.rawValue): …}"
                value.fault(.missingKey, "the step '\(name.rawValue)' needs a value", mend: mend)
            }
            separate(names.dropFirst(), in: &mapping)
            return nil
        }
        let action = read(name, argument, &mapping)
        separate(names.dropFirst(), in: &mapping)
        mapping.finish("the step '\(name.rawValue)'")
        return action.map { Step($0, position: value.position, places: value.places(besides: Self.branches)) }
    }

    /// Keys of a step under which other steps are.
    private static let branches: Set = ["then", "otherwise", "keys", "fallback"]

    /// Steps in the item of another one that are no keys of that.
    private func separate(_ names: some Sequence<Step.Name>, in mapping: inout YAMLMapping) {
        for name in names where !mapping.isAsked(name.rawValue) {
            mapping.key(name.rawValue)?
                .fault(
                    .unknownKey,
                    "'\(name.rawValue)' is a step of its own",
                    mend: "write it as the next item of the list, with a `-` before it"
                )
            _ = mapping.take(name.rawValue)
        }
    }

    private func refuseValue(_ name: Step.Name, at value: YAMLValue) {
        value.fault(.wrongType, "the step '\(name.rawValue)' takes no value", mend: "write `- \(name.rawValue)`")
    }

    private func read(_ name: Step.Name, _ value: YAMLValue, _ step: inout YAMLMapping) -> Step.Action? {
        switch name {
        case .answer, .ringing, .echo:
            refuseValue(name, at: value)
            return nil
        case .hangup: return value.template("hangup").map { .hangup($0) }
        case .goto: return value.string("goto").map { .goto($0) }
        case .record: return value.boolean("record").map { .record($0) }
        case .play: return readPlay(value).map { .play($0) }
        case .dial: return readDial(value)
        case .when: return readWhen(value, &step)
        case .set: return readSet(value)
        case .queue: return readQueue(value)
        case .say: return readSay(value)
        case .menu: return readMenu(value)
        case .collect: return readCollect(value)
        case .agent: return readAgent(value, &step)
        case .hours: return readHours(value, &step)
        case .http: return readHTTP(value)
        case .callback: return readCallback(value)
        case .supervise: return readSupervise(value)
        case .pickup: return readPickUp(value)
        case .park: return readPark(value)
        case .transfer:
            guard var mapping = value.mapping("transfer") else { return nil }
            defer { mapping.finish("transfer") }
            return readTarget(&mapping, of: "transfer").map { .transfer($0) }
        }
    }

    // MARK: dialling

    private func readDial(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("dial") else { return nil }
        defer { mapping.finish("dial") }
        let target = readTarget(&mapping, of: "dial")
        let timeout = mapping.take("timeout").map { $0.positiveDuration("timeout") }
        let callerID = mapping.take("caller_id")
        guard let target, let timeout = timeout ?? Step.Dial.defaultTimeout else { return nil }
        guard case .trunks = target else {
            callerID?.fault(.unknownKey, "only trunks are shown a 'caller_id'", mend: "remove it")
            return .dial(Step.Dial(target: target, timeout: timeout))
        }
        return .dial(Step.Dial(target: target, timeout: timeout, callerID: callerID?.template("caller_id")))
    }

    private func readTarget(_ mapping: inout YAMLMapping, of what: String) -> Step.Target? {
        let named = ["user", "trunk", "group"].compactMap { name in mapping.take(name).map { (name, $0) } }
        let number = mapping.take("number")
        guard let (kind, value) = named.first else {
            mapping.place.fault(
                .missingKey,
                "\(what) names nobody",
                mend: "add `user:`, `group:`, or `trunk:` and `number:`"
            )
            return nil
        }
        if named.count > 1 {
            named[1].1.fault(.duplicate, "\(what) names a \(kind) and a \(named[1].0)", mend: "keep one of them")
            return nil
        }
        guard kind == "trunk" else {
            number?.fault(.unknownKey, "a \(kind) is dialled without 'number'", mend: "remove it")
            if kind == "user" { return value.template("user").map { .user($0) } }
            let items = value.sequence("group")
            if items.isEmpty, value.asSequence != nil {
                value.fault(.badValue, "the group is nobody", mend: "write extensions, in quotes")
            }
            let members = items.compactMap { $0.template("a user") }
            return members.isEmpty ? nil : .group(members)
        }
        if value.asSequence?.isEmpty == true {
            value.fault(
                .badValue,
                "there is no trunk in the list",
                mend: "write a trunk's name, or several in their order"
            )
        }
        let trunks = (value.asSequence ?? [value]).compactMap { $0.string("trunk") }
        guard !trunks.isEmpty else { return nil }
        guard let number else {
            value.fault(.missingKey, "\(what) names no number for the trunk", mend: "add `number: \"{called}\"`")
            return nil
        }
        return number.template("number").map { .trunks(trunks, number: $0) }
    }

    private func readPickUp(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("pickup") else { return nil }
        defer { mapping.finish("pickup") }
        guard let target = readTarget(&mapping, of: "pickup") else { return nil }
        if case .trunks = target {
            value.fault(.badValue, "what rings at a trunk cannot be picked up", mend: "name a user or a group")
            return nil
        }
        return .pickup(target)
    }

    private func readPark(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("park") else { return nil }
        defer { mapping.finish("park") }
        let slot = mapping.require("slot", of: "park")?.template("slot")
        let timeout = mapping.take("timeout").map { $0.positiveDuration("timeout") } ?? Step.Park.defaultTimeout
        guard let slot, let timeout else { return nil }
        return .park(Step.Park(slot: slot, timeout: timeout))
    }

    // MARK: branches

    private func readWhen(_ value: YAMLValue, _ step: inout YAMLMapping) -> Step.Action? {
        let then = step.require("then", of: "the step 'when'").map { readList($0) }
        let otherwise = step.take("otherwise").map { readList($0) } ?? []
        guard var mapping = value.mapping("when"), let then else { return nil }
        var conditions: [Step.Condition] = []
        for entry in mapping.all() {
            let items = entry.value.asSequence ?? [entry.value]
            if items.isEmpty {
                entry.value.fault(.badValue, "\(entry.name) is never one of nothing", mend: "write a value, or several")
            }
            conditions.append(Step.Condition(entry.name, items.compactMap(readConditionValue)))
        }
        if conditions.isEmpty {
            value.fault(.badValue, "the step 'when' has no condition", mend: "write {variable: value}")
        }
        return .when(Step.When(conditions, then: then, otherwise: otherwise))
    }

    private func readConditionValue(_ value: YAMLValue) -> Step.Value? {
        guard let text = value.asScalar else {
            guard var mapping = value.mapping("a condition") else { return nil }
            defer { mapping.finish("a condition") }
            return mapping.require("list", of: "a condition")?.string("list").map { .list($0) }
        }
        guard text.hasPrefix("/"), text.hasSuffix("/"), text.utf8.count > 1 else { return .text(text) }
        do throws(Pattern.Fault) {
            return .expression(try RegularExpression(String(text.dropFirst().dropLast())))
        } catch {
            value.fault(.badValue, error.problem, mend: error.mend)
            return nil
        }
    }

    private func readHours(_ value: YAMLValue, _ step: inout YAMLMapping) -> Step.Action? {
        let then = step.require("then", of: "the step 'hours'").map { readList($0) }
        let otherwise = step.take("otherwise").map { readList($0) } ?? []
        guard var mapping = value.mapping("hours"), let then else { return nil }
        defer { mapping.finish("hours") }
        let opening = mapping.require("open", of: "hours")
        let open = opening?.sequence("open").flatMap { item -> [OpeningHours] in
            guard let text = item.string("opening hours") else { return [] }
            if let hours = OpeningHours.read(text) { return hours }
            item.fault(.badValue, "'\(text)' are no opening hours", mend: "write them as Mon-Fri 09:00-18:00")
            return []
        }
        if opening?.asSequence?.isEmpty == true {
            value.fault(.badValue, "hours are never open", mend: "write open: [Mon-Fri 09:00-18:00]")
        }
        let holidays = mapping.take("holidays")?.sequence("holidays").compactMap(readHoliday) ?? []
        let zone = mapping.take("timezone")?.timeZone()
        guard let open else { return nil }
        return .hours(Step.Hours(open: open, holidays: holidays, timeZone: zone, then: then, otherwise: otherwise))
    }

    /// Anything else would be a day that never comes.
    private func readHoliday(_ value: YAMLValue) -> String? {
        guard let text = value.string("a holiday") else { return nil }
        if LocalTime(written: text + "T00:00")?.date == text { return text }
        value.fault(.badValue, "'\(text)' is no day", mend: "write holidays as 2027-01-07")
        return nil
    }

    private func readSet(_ value: YAMLValue) -> Step.Action? {
        guard var mapping = value.mapping("set") else { return nil }
        var assignments: [Step.Assignment] = []
        let entries = mapping.all()
        for entry in entries {
            guard PlanVariable.isName(entry.name) else {
                entry.key.fault(.badValue, "'\(entry.name)' is no variable's name", mend: "use letters, digits and '_'")
                continue
            }
            if entry.value.asScalar == "", entry.value.isQuoted {
                // What was there is cleared.
                assignments.append(Step.Assignment(entry.name, Template(literal: "")))
            } else if let template = entry.value.template(entry.name) {
                assignments.append(Step.Assignment(entry.name, template))
            }
        }
        if entries.isEmpty {
            value.fault(.badValue, "the step 'set' sets nothing", mend: "write {name: text}")
        }
        return .set(assignments)
    }
}

extension Step.Action {
    /// The caller is connected by it, if he was not.
    fileprivate var answers: Bool {
        switch self {
        case .answer, .echo, .play, .say, .menu, .collect, .queue, .agent: true
        case .ringing, .hangup, .dial, .when, .goto, .set, .record, .hours, .http, .callback, .transfer, .supervise,
            .pickup, .park:
            false
        }
    }

    fileprivate var wantsUnanswered: Bool {
        switch self {
        case .supervise, .pickup, .park: true
        default: false
        }
    }

    /// Nothing in the list comes after it.
    fileprivate var isLast: Bool {
        switch self {
        case .hangup, .goto, .echo, .transfer: true
        // Whichever way it goes, the call does not come back.
        case .when, .hours: branches.allSatisfy { $0.last?.action.isLast == true }
        case .answer, .ringing, .dial, .set, .record, .queue, .play, .say, .menu, .collect, .agent, .http, .callback,
            .supervise, .pickup, .park:
            false
        }
    }
}

extension Step.Name {
    /// Written as a word alone.
    fileprivate var isBare: Bool { self == .answer || self == .ringing || self == .echo }
}

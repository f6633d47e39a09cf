import DialPlan
import Yams

/// A mapping that is being read: knows which keys were asked for, so that those nobody asked for are faults.
struct YAMLMapping {
    private let pairs: [(key: YAMLValue, name: String, value: YAMLValue)]
    let place: YAMLValue
    private var asked: Set<String> = []

    init(_ mapping: Node.Mapping, of place: YAMLValue) {
        self.place = place
        var seen: Set<String> = []
        pairs = mapping.map { key, value in
            let keyValue = YAMLValue(node: key, file: place.file, faults: place.faults)
            // To the reader of YAML `1` and `"1"` are two, and to us one.
            if let name = keyValue.asScalar, !seen.insert(name).inserted {
                keyValue.fault(.duplicate, "the key '\(name)' is given twice", mend: "remove one of them")
            }
            return (keyValue, keyValue.asScalar ?? "", YAMLValue(node: value, file: place.file, faults: place.faults))
        }
    }

    /// Every pair, for mappings whose keys are names.
    mutating func all() -> [(key: YAMLValue, name: String, value: YAMLValue)] {
        asked = Set(pairs.map(\.name))
        return pairs
    }

    var names: [String] { pairs.map(\.name) }
    /// The key's own place, for faults about the key.
    func key(_ name: String) -> YAMLValue? { pairs.first { $0.name == name }?.key }

    /// The value of a key; nil when it is absent or says nothing.
    mutating func take(_ name: String) -> YAMLValue? {
        asked.insert(name)
        guard let value = pairs.first(where: { $0.name == name })?.value else { return nil }
        if case .scalar(let scalar) = value.node, scalar.style == .plain, ["", "~", "null"].contains(scalar.string) {
            return nil
        }
        return value
    }

    func isAsked(_ name: String) -> Bool { asked.contains(name) }

    /// The value of a key that must be there.
    mutating func require(_ name: String, of what: String) -> YAMLValue? {
        if let value = take(name) { return value }
        place.fault(.missingKey, "\(what) has no '\(name)'", mend: "add `\(name):`")
        return nil
    }

    /// Notes every key that was not asked for.
    func finish(_ what: String) {
        for pair in pairs where !asked.contains(pair.name) {
            pair.key.fault(
                .unknownKey,
                "\(what) has no key '\(pair.name)'",
                mend: suggestion(for: pair.name, among: asked)
            )
        }
    }
}

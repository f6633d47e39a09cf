import DialPlan
import Foundation
import NetAddress
import Yams

/// A value of a YAML file, with its place in it. Each way to read it notes the fault when it is not that.
struct YAMLValue {
    let node: Node
    let file: String
    let faults: FaultList

    /// The root of a file; nil when it is no YAML, which is noted. `aliases`: how many values they may stand for.
    static func parse(
        _ text: String,
        file: String,
        faults: FaultList,
        aliases: Int = YAMLAliases.most
    ) -> YAMLValue? {
        do {
            if let standIn = YAMLAliases.standIn(for: text) {
                guard isBounded(standIn, aliases: aliases, file: file, faults: faults) else { return nil }
            }
            guard let node = try compose(yaml: text) else {
                faults.add(file, SourcePosition(line: 1, column: 1), .yaml, "the file is empty", mend: "fill it in")
                return nil
            }
            return YAMLValue(node: node, file: file, faults: faults)
        } catch {
            note(error, text: text, file: file, faults: faults)
        }
        return nil
    }

    /// Whether a text can be composed and walked in reasonable time; notes why not.
    private static func isBounded(_ standIn: String, aliases: Int, file: String, faults: FaultList) -> Bool {
        do {
            try YAMLAliases.measure(standIn, allowance: aliases)
            return true
        } catch let fault as YAMLAliases.Fault {
            faults.add(file, fault.position, .yaml, fault.problem, mend: fault.mend)
        } catch {
            note(error, text: standIn, file: file, faults: faults)
        }
        return false
    }

    private static func note(_ error: any Error, text: String, file: String, faults: FaultList) {
        if let error = error as? YamlError { return note(error, text: text, file: file, faults: faults) }
        let position = SourcePosition(line: 1, column: 1)
        faults.add(file, position, .yaml, "the file cannot be read as YAML", mend: "save the file as UTF-8 text")
    }

    private static func note(_ error: YamlError, text: String, file: String, faults: FaultList) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let position = SourcePosition(line: mark.line, column: mark.column)
            guard !isIndentedByTab(at: mark, in: text) else {
                return faults.add(file, position, .yaml, "a tab indents the line", mend: "indent it with blanks")
            }
            // libyaml's word for it is half a sentence.
            guard !problem.hasSuffix("found another document") else {
                let mend = "remove the line `---` before it, or make it a file of its own"
                return faults.add(file, position, .yaml, "a second document begins here", mend: mend)
            }
            faults.add(file, position, .yaml, problem, mend: "check the indentation, quotes and brackets there")
        case .duplicatedKeysInMapping(let keys, let context):
            for key in keys {
                let position = secondPlace(of: key, in: text, from: context.mark)
                let name = YAMLAliases.written(key)
                faults.add(file, position, .duplicate, "the key '\(name)' is given twice", mend: "remove one of them")
            }
        case .reader(let problem, let offset, let value, _):
            // Its description quotes the line, which may hold a password.
            let character = value > 0 ? String(format: " (U+%04X)", value) : ""
            let mend = "remove the character, or save the file as UTF-8 text"
            faults.add(file, place(after: offset ?? 0, in: text), .yaml, problem + character, mend: mend)
        case .dataCouldNotBeDecoded, .memory, .no, .writer, .emitter, .representer:
            let position = SourcePosition(line: 1, column: 1)
            faults.add(file, position, .yaml, "the file cannot be read as YAML", mend: "save the file as UTF-8 text")
        }
    }

    /// Whether what the scanner stumbles at is the tab before a line's first word (YAML 1.2 §6.1 has blanks alone there).
    private static func isIndentedByTab(at mark: Mark, in text: String) -> Bool {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(mark.line - 1) else { return false }
        let indentation = lines[mark.line - 1].prefix { $0 == " " || $0 == "\t" }
        return indentation.contains("\t") && mark.column <= indentation.count + 1
    }

    /// Where so many characters of the text are over.
    private static func place(after characters: Int, in text: String) -> SourcePosition {
        let lines = text.prefix(characters).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return SourcePosition(line: max(lines.count, 1), column: (lines.last?.unicodeScalars.count ?? 0) + 1)
    }

    /// Yams tells where the mapping begins: the key's second place is looked up in the text.
    private static func secondPlace(of key: String, in text: String, from mark: Mark) -> SourcePosition {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var seen = 0
        for (index, line) in lines.enumerated() where index + 1 >= mark.line {
            for range in line.ranges(of: key) {
                let rest = line[range.upperBound...].drop { $0 == "\"" || $0 == "'" || $0 == " " }
                let before = line[..<range.lowerBound].last
                let isStart = before == nil || before.map { " {,\"'-".contains($0) } == true
                guard rest.first == ":", isStart else { continue }
                seen += 1
                if seen == 2 {
                    let column = line[..<range.lowerBound].unicodeScalars.count + 1
                    return SourcePosition(line: index + 1, column: column)
                }
            }
        }
        return SourcePosition(line: mark.line, column: mark.column)
    }

    var position: SourcePosition {
        node.mark.map { SourcePosition(line: $0.line, column: $0.column) } ?? SourcePosition(line: 1, column: 1)
    }

    /// Where each text in it stands, the first time: as a value, and else as a key. What is under the keys `besides` does not count.
    func places(besides: Set<String>) -> [String: SourcePosition] {
        var (values, keys): ([String: SourcePosition], [String: SourcePosition]) = ([:], [:])
        var pending = [self]
        while let value = pending.popLast() {
            if let text = value.asScalar, values[text] == nil { values[text] = value.position }
            if let items = value.asSequence { pending += items.reversed() }
            guard case .mapping(let pairs) = value.node else { continue }
            for pair in pairs.reversed() {
                let key = at(pair.key)
                guard let name = key.asScalar, !besides.contains(name) else { continue }
                keys[name] = key.position
                pending.append(at(pair.value))
            }
        }
        return values.merging(keys) { value, _ in value }
    }

    func fault(_ code: ConfigFault.Code, _ problem: String, mend: String) {
        faults.add(file, position, code, problem, mend: mend)
    }

    /// What works and is hardly meant, as faults are written.
    func warning(_ problem: String, mend: String) -> String {
        "\(file):\(position.line):\(position.column): warning: \(problem); \(mend)"
    }

    private func at(_ node: Node) -> YAMLValue { YAMLValue(node: node, file: file, faults: faults) }

    /// nil without a fault: it is no mapping.
    var asMapping: YAMLMapping? { if case .mapping(let mapping) = node { YAMLMapping(mapping, of: self) } else { nil } }
    var asScalar: String? { if case .scalar(let scalar) = node { scalar.string } else { nil } }
    var asSequence: [YAMLValue]? { if case .sequence(let items) = node { items.map { at($0) } } else { nil } }

    /// Whether it is a text in quotes: an empty one is meant to be.
    var isQuoted: Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .doubleQuoted || scalar.style == .singleQuoted
    }

    // MARK: what it should be

    func mapping(_ what: String) -> YAMLMapping? {
        if let mapping = asMapping { return mapping }
        fault(.wrongType, "\(what) must be a mapping", mend: "write it as `key: value` lines")
        return nil
    }

    func sequence(_ what: String) -> [YAMLValue] {
        if let items = asSequence { return items }
        fault(.wrongType, "\(what) must be a list", mend: "write it as [a, b] or as lines that begin with `- `")
        return []
    }

    func string(_ what: String) -> String? {
        if let text = asScalar {
            if !text.isEmpty { return text }
            fault(.badValue, "\(what) is empty", mend: "fill it in or leave it out")
            return nil
        }
        fault(.wrongType, "\(what) must be a text", mend: "write one value")
        return nil
    }

    func integer(_ what: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = string(what) else { return nil }
        if let value = Int(text), range.contains(value) { return value }
        fault(
            .badValue,
            "\(what) is '\(text)'",
            mend: "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
        return nil
    }

    func boolean(_ what: String) -> Bool? {
        guard let text = string(what) else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default:
            fault(.badValue, "\(what) is '\(text)'", mend: "write true or false")
            return nil
        }
    }

    /// The name of a time zone that this machine knows.
    func timeZone() -> String? {
        guard let name = string("timezone") else { return nil }
        if TimeZone(identifier: name) != nil, !Self.isOffset(name), Self.isInDatabase(name) { return name }
        fault(.badValue, "the time zone '\(name)' is unknown", mend: "write one such as Europe/Moscow")
        return nil
    }

    /// `GMT+3`: Foundation takes it, the time zone database has no such name, and its `Etc/GMT+3` is three hours in the west.
    private static func isOffset(_ name: String) -> Bool {
        ["GMT+", "GMT-", "UTC+", "UTC-"].contains(String(name.prefix(4))) && !["GMT+0", "GMT-0"].contains(name)
    }

    /// `BST`, `IST`: Foundation takes them, for another country's as likely as not, and the database, by which reports reckon, has no such
    /// name. Without a database Foundation's word counts.
    private static func isInDatabase(_ name: String) -> Bool {
        let (files, folder) = (FileManager.default, "/usr/share/zoneinfo")
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: folder) else { return true }
        return files.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue
    }

    /// A duration that is one.
    func positiveDuration(_ what: String) -> Duration? {
        guard let duration = duration(what) else { return nil }
        if duration > .zero { return duration }
        fault(.badValue, "\(what) is no time at all", mend: "write at least 1s")
        return nil
    }

    /// `500ms`, `15s`, `2m`, `4h`.
    func duration(_ what: String) -> Duration? {
        guard let text = string(what) else { return nil }
        if let duration = Duration(written: text) { return duration }
        fault(.badValue, "\(what) is '\(text)'", mend: "write a duration with its unit: 500ms, 15s, 2m or 4h")
        return nil
    }

    func choice<T: RawRepresentable & CaseIterable>(_ what: String, _ type: T.Type) -> T?
    where T.RawValue == String {
        guard let text = string(what) else { return nil }
        if let value = T(rawValue: text) { return value }
        fault(
            .badValue,
            "\(what) is '\(text)'",
            mend: suggestion(for: text, among: T.allCases.map(\.rawValue))
        )
        return nil
    }

    /// A host name or an address (RFC 3261 §25.1, `host`), in lower case.
    func hostName(_ what: String) -> String? {
        guard let name = string(what)?.lowercased() else { return nil }
        if isHost(name) { return name }
        let mend = HostAndPort(name).map { "write it without the port: \($0.host)" } ?? "write one such as example.com"
        fault(.badValue, "'\(name)' is no host name", mend: mend)
        return nil
    }

    func port(_ what: String) -> UInt16? {
        integer(what, in: 1...65_535).map { UInt16(truncatingIfNeeded: $0) }
    }

    func template(_ what: String) -> Template? {
        guard let text = string(what) else { return nil }
        do throws(Template.Fault) {
            return try Template(text)
        } catch {
            fault(.badValue, "\(what): \(error.problem)", mend: error.mend)
            return nil
        }
    }

    func pattern(_ what: String) -> Pattern? {
        guard let text = string(what) else { return nil }
        do throws(Pattern.Fault) {
            return try Pattern(text)
        } catch {
            fault(.badValue, "\(what): \(error.problem)", mend: error.mend)
            return nil
        }
    }
}

extension Duration {
    /// nil when the text is no duration, or longer than ten years.
    public init?(written text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count <= 315_360_000 else { return nil }
        switch text[digits.endIndex...] {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m" where count <= 5_256_000: self = .seconds(count * 60)
        case "h" where count <= 87_600: self = .seconds(count * 3600)
        default: return nil
        }
    }

    /// As a configuration writes it.
    var written: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        if seconds > 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds > 60 && seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}

/// Text with variables: `+7{called}`, `{called:1}` without its first character, `{called:1:3}` three characters from there.
/// `{{` and `}}` stand for braces.
public struct Template: Hashable, Sendable, CustomStringConvertible {
    enum Part: Hashable, Sendable {
        case text(String)
        case variable(String, dropping: Int, keeping: Int?)
    }

    /// As it was written.
    public let source: String
    let parts: [Part]

    /// An expansion is cut here: `set` in a loop must not make a variable grow without end.
    public static let longestExpansion = 1_024

    public struct Fault: Error, Equatable {
        public var problem: String
        public var mend: String
    }

    /// - Throws: `Fault` when a brace has no partner or holds no variable.
    public init(_ source: String) throws(Fault) {
        self.source = source
        var parts: [Part] = []
        var text = ""
        var rest = Substring(source)
        while let character = rest.popFirst() {
            guard character == "{" || character == "}" else {
                text.append(character)
                continue
            }
            if rest.first == character {
                rest.removeFirst()
                text.append(character)
                continue
            }
            guard character == "{", let close = rest.firstIndex(of: "}") else {
                throw Fault(
                    problem: "'\(character)' without its partner",
                    mend: "write {called}, or \(character)\(character) for the brace itself"
                )
            }
            if !text.isEmpty { parts.append(.text(text)) }
            text = ""
            parts.append(try Self.variable(String(rest[..<close])))
            rest = rest[rest.index(after: close)...]
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    /// Text in which nothing is filled in.
    public init(literal text: String) {
        parts = text.isEmpty ? [] : [.text(text)]
        source = text.reduce(into: "") { $0 += $1 == "{" ? "{{" : $1 == "}" ? "}}" : String($1) }
    }

    private static func variable(_ text: String) throws(Fault) -> Part {
        let fields = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        let name = String(fields[0])
        let numbers = fields.dropFirst().map { UInt16($0) }
        guard PlanVariable.isName(name), !numbers.contains(nil) else {
            throw Fault(problem: "'{\(text)}' names no variable", mend: "write {called}, {called:1} or {called:1:3}")
        }
        let values = numbers.compactMap { $0 }.map(Int.init)
        return .variable(name, dropping: values.first ?? 0, keeping: values.count > 1 ? values[1] : nil)
    }

    /// The variables it names, in order.
    public var variables: [String] {
        parts.compactMap { if case .variable(let name, _, _) = $0 { name } else { nil } }
    }

    /// What it always says; nil when that depends on a variable.
    public var constant: String? { variables.isEmpty ? expanded(with: [:]) : nil }

    /// Fills the variables in; one that is not set is empty.
    public func expanded(with values: [String: String]) -> String { Self.cut(filled(with: values) { String($0) }) }

    /// Fills the variables into a URL, percent-encoded but for unreserved characters (RFC 3986 §2.1, §2.3): what a caller says of himself
    /// is data there, and never a part of the URL's own.
    public func expandedInURL(with values: [String: String]) -> String {
        let cut = Self.cut(filled(with: values) { $0.percentEncoded })
        // No half of an escape at the end.
        guard cut.unicodeScalars.count == Self.longestExpansion, let last = cut.suffix(2).lastIndex(of: "%") else {
            return cut
        }
        return String(cut[..<last])
    }

    private static func cut(_ text: String) -> String {
        text.unicodeScalars.count <= longestExpansion ? text : String(text.unicodeScalars.prefix(longestExpansion))
    }

    private func filled(with values: [String: String], _ write: (Substring) -> String) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .variable(let name, let dropping, let keeping):
                let value = (values[name] ?? "").dropFirst(dropping)
                result += write(keeping.map { value.prefix($0) } ?? value)
            }
        }
        return result
    }

    public var description: String { source }

    public static func == (lhs: Template, rhs: Template) -> Bool { lhs.parts == rhs.parts }
    public func hash(into hasher: inout Hasher) { hasher.combine(parts) }
}

extension Substring {
    /// Each octet of its UTF-8 that is no unreserved character (RFC 3986 §2.3) as `%` and two digits.
    fileprivate var percentEncoded: String {
        utf8.reduce(into: "") { text, octet in
            switch octet {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                text.unicodeScalars.append(Unicode.Scalar(octet))
            default:
                text += "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
            }
        }
    }
}

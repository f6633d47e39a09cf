/// The `;name=value` parameters of a URI or of a header's value, in their order.
///
/// Names are found whatever their case; unknown ones are kept. Values are plain text: quotes and URI escapes are taken off
/// when read and put on when written. What was read is written with the spelling it came in, until it is set.
public struct Parameters: Sendable {
    struct Entry: Sendable {
        var name: String
        var value: String?
        /// The value as it was received, when it is more than the plain text: quoted, or with escapes.
        var spelling: String?
    }

    var entries: [Entry] = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// The value of the first parameter of that name; "" for one without a value; nil when there is none.
    public subscript(name: String) -> String? {
        get { entries.first { isSameName($0.name, name) }.map { $0.value ?? "" } }
        set {
            if let newValue { set(name, newValue.isEmpty ? nil : newValue) } else { remove(name) }
        }
    }

    public func contains(_ name: String) -> Bool { entries.contains { isSameName($0.name, name) } }

    /// Gives the parameter this value, or none, in its place or at the end.
    public mutating func set(_ name: String, _ value: String?) {
        guard let index = entries.firstIndex(where: { isSameName($0.name, name) }) else {
            entries.append(Entry(name: name, value: value))
            return
        }
        entries[index].value = value
        entries[index].spelling = nil
    }

    public mutating func remove(_ name: String) { entries.removeAll { isSameName($0.name, name) } }
}

extension Parameters: Hashable {
    /// Same names in the same order with the same values; spelling does not count.
    public static func == (a: Parameters, b: Parameters) -> Bool {
        a.entries.count == b.entries.count
            && zip(a.entries, b.entries).allSatisfy { isSameName($0.name, $1.name) && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        for entry in entries {
            for octet in entry.name.utf8 { hasher.combine(octet.lowercased) }
            hasher.combine(entry.value)
        }
    }
}

extension Parameters: Sequence {
    public func makeIterator() -> some IteratorProtocol<(name: String, value: String?)> {
        entries.lazy.map { (name: $0.name, value: $0.value) }.makeIterator()
    }
}

extension Parameters {
    /// Where they stand decides how a value is protected.
    enum Place { case header, uri }

    func write(into out: inout [UInt8], in place: Place) {
        for entry in entries {
            out.append(UInt8(ascii: ";"))
            switch place {
            case .header: for octet in entry.name.utf8 where OctetSet.token.contains(octet) { out.append(octet) }
            case .uri: out.appendEscaped(entry.name, allowed: .uriName)
            }
            guard let value = entry.value else { continue }
            out.append(UInt8(ascii: "="))
            if let spelling = entry.spelling {
                out.append(spelling)
                continue
            }
            switch place {
            case .header where !value.isEmpty && value.utf8.allSatisfy(OctetSet.bareValue.contains): out.append(value)
            case .header: out.appendQuoted(value)
            case .uri: out.appendEscaped(value, allowed: .uriParameter)
            }
        }
    }
}

/// One parameter as ranges of the octets it was read from.
struct ParameterRange {
    var name: Range<Int>
    var value: Range<Int>?
    var isQuoted = false
}

extension Scanner {
    /// The next `;name[=value]` of a header's value (§25.1 generic-param); nil when no semicolon follows.
    mutating func headerParameter() throws(SyntaxFault) -> ParameterRange? {
        guard takeSeparator(UInt8(ascii: ";")) else { return nil }
        // "a;;b" and a last ";" are not grammar, but phones write them and nothing is ambiguous in it.
        while takeSeparator(UInt8(ascii: ";")) {}
        if isAtEnd || current == UInt8(ascii: ",") { return nil }
        var parameter = ParameterRange(name: try token("a parameter's name"))
        guard takeSeparator(UInt8(ascii: "=")) else { return parameter }
        if current == UInt8(ascii: "\"") {
            parameter.value = try quotedString()
            parameter.isQuoted = true
        } else {
            parameter.value = run(ofUTF8: .bareValue)
        }
        return parameter
    }

    /// The parameters that follow, each checked, as values.
    mutating func headerParameters() throws(SyntaxFault) -> Parameters {
        var parameters = Parameters()
        while let range = try headerParameter() {
            guard parameters.entries.count < MessageLimits.parameters else {
                throw SyntaxFault(at, "too many parameters")
            }
            parameters.entries.append(.init(range, of: bytes))
        }
        return parameters
    }

    /// Checks the parameters that follow without making anything of them.
    mutating func skipHeaderParameters() throws(SyntaxFault) {
        var count = 0
        while try headerParameter() != nil {
            count &+= 1
            guard count <= MessageLimits.parameters else { throw SyntaxFault(at, "too many parameters") }
        }
    }
}

extension Parameters.Entry {
    init(_ range: ParameterRange, of bytes: [UInt8]) {
        name = bytes.text(range.name)
        guard let value = range.value else { return }
        if range.isQuoted {
            self.value = bytes.unquotedText(value)
            spelling = "\"" + bytes.unfoldedText(value) + "\""
        } else {
            self.value = bytes.text(value)
        }
    }
}

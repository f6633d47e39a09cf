/// A message's header fields in their order (RFC 3261 §7.3). Values received lie where they came, in the message's octets, until
/// somebody reads or changes them.
public struct Headers: Sendable {
    struct Field: Sendable {
        var name: HeaderName
        var value: Value
    }

    enum Value: Sendable {
        /// In `source`; `isFolded` when a line end lies inside.
        case received(start: Int32, end: Int32, isFolded: Bool)
        case text(String)
    }

    var source: [UInt8]
    var fields: [Field]

    public init() { (source, fields) = ([], []) }

    init(source: [UInt8], fields: [Field]) { (self.source, self.fields) = (source, fields) }

    /// The first value, unfolded; setting replaces every field of that name, in the place of the first.
    public subscript(_ name: HeaderName) -> String? {
        get { fields.first { $0.name == name }.map(text) }
        set {
            guard let newValue else { return remove(name) }
            guard let index = fields.firstIndex(where: { $0.name == name }) else { return append(name, newValue) }
            fields[index].value = .text(Self.safe(newValue))
            var position = 0
            fields.removeAll { field in
                defer { position += 1 }
                return position > index && field.name == name
            }
        }
    }

    /// Every value of that name, one a header line.
    public func all(_ name: HeaderName) -> [String] { fields.filter { $0.name == name }.map(text) }

    /// Every element of that name's comma lists (§7.3.1).
    public func list(_ name: HeaderName) -> [String] {
        elements(name).map { String($0.trimmed) }.filter { !$0.isEmpty }
    }

    public func contains(_ name: HeaderName) -> Bool { fields.contains { $0.name == name } }
    public var count: Int { fields.count }
    public func count(of name: HeaderName) -> Int { fields.count { $0.name == name } }

    public mutating func append(_ name: HeaderName, _ value: String) {
        fields.append(Field(name: name, value: .text(Self.safe(value))))
    }

    public mutating func prepend(_ name: HeaderName, _ value: String) {
        fields.insert(Field(name: name, value: .text(Self.safe(value))), at: 0)
    }

    /// Puts a new first element before the others of its name (Via, Route).
    public mutating func replaceFirst(_ name: HeaderName, with values: [String]) {
        guard let index = fields.firstIndex(where: { $0.name == name }) else { return }
        fields.replaceSubrange(index...index, with: values.map { Field(name: name, value: .text(Self.safe($0))) })
    }

    public mutating func remove(_ name: HeaderName) { fields.removeAll { $0.name == name } }

    /// Name and value of every field, in order.
    public var pairs: [(name: HeaderName, value: String)] { fields.map { ($0.name, text($0)) } }

    func text(_ field: Field) -> String {
        switch field.value {
        case .text(let text): text
        case .received(let start, let end, let isFolded):
            isFolded ? String(Self.unfold(source[Int(start)..<Int(end)])) : String(source[Int(start)..<Int(end)])
        }
    }

    func bytes(_ field: Field) -> ArraySlice<UInt8> {
        switch field.value {
        case .text(let text): Array(text.utf8)[...]
        case .received(let start, let end, let isFolded):
            isFolded ? Self.unfold(source[Int(start)..<Int(end)]) : source[Int(start)..<Int(end)]
        }
    }

    func firstBytes(_ name: HeaderName) -> ArraySlice<UInt8>? { fields.first { $0.name == name }.map(bytes) }

    func elements(_ name: HeaderName) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        for field in fields where field.name == name {
            let value = bytes(field)
            guard value.contains(UInt8(ascii: ",")) else {
                result.append(value)
                continue
            }
            result += value.splitOutside(UInt8(ascii: ","), limit: 127) ?? [value]
        }
        return result
    }

    /// A folded value's line ends become one space each (§7.3.1).
    private static func unfold(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var skips = false
        for byte in bytes {
            if byte == 13 || byte == 10 {
                skips = true
            } else if skips, byte.isWhitespace {
                continue
            } else {
                if skips { result.append(0x20) }
                skips = false
                result.append(byte)
            }
        }
        return result[...]
    }

    /// No value of ours may start a line of its own.
    static func safe(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 13 || $0 == 10 || $0 == 0 }) else { return value }
        return String(decoding: value.utf8.map { $0 == 13 || $0 == 10 || $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
    }
}

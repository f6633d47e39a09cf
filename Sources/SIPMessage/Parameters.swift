/// `;name=value` lists (RFC 3261 §7.3.1): in order, names looked up whatever their case, unknown ones kept.
public struct Parameters: Hashable, Sendable, CustomStringConvertible {
    struct Entry: Hashable, Sendable {
        var name: String
        /// As written: quoted strings with their quotes.
        var raw: String?
    }

    var entries: [Entry] = []

    public init() {}

    /// The unquoted value; "" for a flag; nil when there is no such parameter.
    public subscript(_ name: String) -> String? {
        get {
            guard let entry = entries.first(where: { $0.name.equalsIgnoringCase(name) }) else { return nil }
            guard let raw = entry.raw else { return "" }
            return raw.utf8.first == UInt8(ascii: "\"") ? Self.unquote(raw) : raw
        }
        set { if let newValue { set(name, newValue) } else { remove(name) } }
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var names: [String] { entries.map(\.name) }
    public func contains(_ name: String) -> Bool { entries.contains { $0.name.equalsIgnoringCase(name) } }

    /// Sets a value (nil or "" for a flag) in place, or adds it at the end.
    public mutating func set(_ name: String, _ value: String?) {
        let raw = value.flatMap { $0.isEmpty ? nil : $0 }
        if let index = entries.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) {
            entries[index].raw = raw
        } else {
            entries.append(Entry(name: name, raw: raw))
        }
    }

    public mutating func remove(_ name: String) { entries.removeAll { $0.name.equalsIgnoringCase(name) } }

    public var description: String {
        var text = ""
        for entry in entries {
            text += ";" + entry.name
            if let raw = entry.raw { text += "=" + raw }
        }
        return text
    }

    static func unquote(_ text: String) -> String {
        var bytes: [UInt8] = []
        var escaped = false
        for byte in text.utf8.dropFirst() {
            if escaped {
                bytes.append(byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "\"") {
                break
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads `name[=value]` parts already split at semicolons.
    init(parts: some Sequence<ArraySlice<UInt8>>, in place: String) throws(SIPFault) {
        for part in parts {
            let part = part.trimmed
            // Empty parameters (`;;`) are met in the wild and mean nothing.
            guard !part.isEmpty else { continue }
            guard entries.count < 64 else {
                throw SIPFault(kind: .tooLarge, where: place, what: "more than 64 parameters", status: 400)
            }
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else {
                entries.append(Entry(name: String(part), raw: nil))
                continue
            }
            let name = part[..<equals].trimmed
            let value = part[(equals + 1)...].trimmed
            guard !name.isEmpty else {
                throw SIPFault(kind: .header, where: place, what: "a parameter without a name", status: 400)
            }
            entries.append(Entry(name: String(name), raw: String(value)))
        }
    }
}

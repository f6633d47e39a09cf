/// A header's name: case does not count, compact forms are the long ones, unknown names are kept as they came (RFC 3261 §7.3).
public struct HeaderName: Sendable, CustomStringConvertible {
    /// Raw value of `KnownHeader`, 0 for another name.
    let code: UInt8
    /// The name, when it is not a known one.
    let other: String

    /// Any name; octets that no header's name may hold are left out.
    public init(_ name: String) {
        let bytes = Array(name.utf8)
        if let known = HeaderTable.shared.find(bytes, 0..<bytes.count) {
            self.init(known)
        } else {
            self.init(code: 0, other: String(decoding: bytes.filter(OctetSet.token.contains), as: UTF8.self))
        }
    }

    init(_ known: KnownHeader) { self.init(code: known.rawValue, other: "") }

    init(code: UInt8, other: String) { (self.code, self.other) = (code, other) }

    /// The long form, spelled as its RFC does; unknown names as they came.
    public var name: String { code == 0 ? other : HeaderTable.shared.name(code) }
    public var description: String { name }
}

extension HeaderName: Hashable {
    public static func == (a: HeaderName, b: HeaderName) -> Bool {
        a.code == b.code && (a.code != 0 || isSameName(a.other, b.other))
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        for octet in other.utf8 { hasher.combine(octet.lowercased) }
    }
}

/// Finds a known header by the octets of its name: a hash table made once, read only afterwards.
struct HeaderTable: Sendable {
    static let shared = HeaderTable()

    /// By raw value: as written, with ": " behind.
    private let prefixes: [[UInt8]]
    private let names: [String]
    private let lowercase: [[UInt8]]
    /// Raw values of the compact forms, by letter.
    private let compact: [UInt8]
    private let slots: [UInt8]

    private init() {
        let all = KnownHeader.allCases
        names = [""] + all.map(\.canonicalName)
        prefixes = names.map { Array($0.utf8) + [UInt8(ascii: ":"), 32] }
        lowercase = names.map { $0.utf8.map(\.lowercased) }
        var compact = [UInt8](repeating: 0, count: 128)
        var slots = [UInt8](repeating: 0, count: 256)
        for header in all {
            if let letter = header.compactForm { compact[Int(letter & 127)] = header.rawValue }
            let name = lowercase[Int(header.rawValue)]
            var slot = Self.hash(name, 0..<name.count)
            while slots[slot] != 0 { slot = (slot &+ 1) & 255 }
            slots[slot] = header.rawValue
        }
        (self.compact, self.slots) = (compact, slots)
    }

    private static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var hash: UInt32 = 7
        for index in range { hash = hash &* 31 &+ UInt32(bytes[index] | 0x20) }
        return Int((hash ^ hash >> 8) & 255)
    }

    /// The raw value for a name, 0 when it is not known. The range must lie within `bytes`.
    func code(_ bytes: [UInt8], _ range: Range<Int>) -> UInt8 {
        if range.count == 1 { return compact[Int(bytes[range.lowerBound].lowercased & 127)] }
        guard range.count <= 32 else { return 0 }
        var slot = Self.hash(bytes, range)
        while slots[slot] != 0 {
            let candidate = Int(slots[slot])
            if matches(lowercase[candidate], bytes, range) { return slots[slot] }
            slot = (slot &+ 1) & 255
        }
        return 0
    }

    private func matches(_ name: [UInt8], _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard name.count == range.count else { return false }
        var index = range.lowerBound
        for octet in name {
            if bytes[index].lowercased != octet { return false }
            index &+= 1
        }
        return true
    }

    func find(_ bytes: [UInt8], _ range: Range<Int>) -> KnownHeader? { KnownHeader(rawValue: code(bytes, range)) }

    func name(_ code: UInt8) -> String { Int(code) < names.count ? names[Int(code)] : "" }

    /// "Name: " for a known header.
    func prefix(_ code: UInt8) -> [UInt8] { Int(code) < prefixes.count ? prefixes[Int(code)] : [] }
}

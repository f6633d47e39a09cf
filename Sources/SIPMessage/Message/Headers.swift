/// A message's headers in their order.
///
/// The received octets are kept and each header is a range of them, read when somebody asks; what we set is appended to those
/// octets. Copying it costs two reference counts. Values of ours cannot hold a line break: it becomes a space.
public struct Headers: Sendable {
    struct Entry: Sendable {
        /// Raw value of `KnownHeader`, 0 for another name.
        var code: UInt8
        var isFolded: Bool
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(Swift.max(nameStart, nameEnd)) }
        var value: Range<Int> { Int(valueStart)..<Int(Swift.max(valueStart, valueEnd)) }
    }

    /// The received message, then every name and value that was set since.
    var bytes: [UInt8] = []
    var entries: [Entry] = []

    public init() {}

    /// Header lines.
    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// The first value of that name, trimmed and unfolded. Setting it replaces all lines of that name by one, in the place of
    /// the first or at the end; nil removes them.
    public subscript(_ name: HeaderName) -> String? {
        get { first(name).map { text($0) } }
        set {
            guard let newValue else { return remove(name) }
            let entry = store(name, newValue)
            guard let index = entries.firstIndex(where: { matches($0, name) }) else {
                entries.append(entry)
                return
            }
            entries[index] = entry
            let rest = entries.index(after: index)
            if entries[rest...].contains(where: { matches($0, name) }) {
                entries = entries[..<rest] + entries[rest...].filter { !matches($0, name) }
            }
        }
    }

    public func contains(_ name: HeaderName) -> Bool { entries.contains { matches($0, name) } }

    /// The values of that name, one per header line.
    public func all(_ name: HeaderName) -> [String] { entries.filter { matches($0, name) }.map { text($0) } }

    /// The values of a comma-separated header over all its lines (RFC 3261 §7.3.1), empty ones left out.
    public func list(_ name: HeaderName) -> [String] {
        var values: [String] = []
        for entry in entries where matches(entry, name) {
            for range in elements(of: entry) {
                values.append(entry.isFolded ? bytes.unfoldedText(range) : bytes.text(range))
            }
        }
        return values
    }

    /// Whether a header names an option: tags are tokens, in any case (§7.3.1).
    public func has(_ option: String, in name: HeaderName) -> Bool { list(name).contains { isSameName($0, option) } }

    public mutating func append(_ name: HeaderName, _ value: String) { entries.append(store(name, value)) }

    /// Puts the header before all others: the order in which Via and Route are read.
    public mutating func prepend(_ name: HeaderName, _ value: String) { entries.insert(store(name, value), at: 0) }

    public mutating func remove(_ name: HeaderName) { entries = entries.filter { !matches($0, name) } }
}

extension Headers: Sequence {
    /// Each header line with its value trimmed and unfolded.
    public func makeIterator() -> some IteratorProtocol<(name: HeaderName, value: String)> {
        entries.lazy.map { (name: self.name($0), value: self.text($0)) }.makeIterator()
    }
}

extension Headers {
    func matches(_ entry: Entry, _ name: HeaderName) -> Bool {
        guard entry.code == name.code else { return false }
        guard entry.code == 0 else { return true }
        let range = entry.name.clamped(to: 0..<bytes.count)
        return range.count == name.other.utf8.count
            && zip(bytes[range], name.other.utf8).allSatisfy { $0.lowercased == $1.lowercased }
    }

    func first(_ name: HeaderName) -> Entry? { entries.first { matches($0, name) } }

    func name(_ entry: Entry) -> HeaderName {
        HeaderName(code: entry.code, other: entry.code == 0 ? bytes.text(entry.name) : "")
    }

    func text(_ entry: Entry) -> String {
        entry.isFolded ? bytes.unfoldedText(entry.value) : bytes.text(entry.value)
    }

    /// Appends the value, made safe, to the octets.
    mutating func store(_ name: HeaderName, _ value: String) -> Entry {
        let nameStart = bytes.count
        if name.code == 0 { bytes.append(name.other) }
        let nameEnd = bytes.count
        bytes.appendLine(value)
        var end = bytes.count
        while end > nameEnd, bytes[end &- 1].isLWS { end &-= 1 }
        var start = nameEnd
        while start < end, bytes[start].isLWS { start &+= 1 }
        return entry(code: name.code, name: nameStart..<nameEnd, value: start..<end, isFolded: false)
    }

    /// Takes a header over from another message as it stands there.
    mutating func copy(_ entry: Entry, from other: Headers) {
        let name = other.bytes.clamped(entry.name)
        let value = other.bytes.clamped(entry.value)
        let nameStart = bytes.count
        if entry.code == 0 { bytes.append(contentsOf: other.bytes[name]) }
        let start = bytes.count
        bytes.append(contentsOf: other.bytes[value])
        entries.append(
            self.entry(code: entry.code, name: nameStart..<start, value: start..<bytes.count, isFolded: entry.isFolded)
        )
    }

    /// Writes `text` behind the value of the header at `index`, whose octets stay as they are.
    mutating func extend(_ index: Int, with text: String) {
        guard entries.indices.contains(index) else { return }
        let old = bytes.clamped(entries[index].value)
        let start = bytes.count
        bytes.append(contentsOf: bytes[old])
        bytes.appendLine(text)
        entries[index].valueStart = UInt32(clamping: start)
        entries[index].valueEnd = UInt32(clamping: bytes.count)
    }

    func entry(code: UInt8, name: Range<Int>, value: Range<Int>, isFolded: Bool) -> Entry {
        Entry(
            code: code,
            isFolded: isFolded,
            nameStart: UInt32(clamping: name.lowerBound),
            nameEnd: UInt32(clamping: name.upperBound),
            valueStart: UInt32(clamping: value.lowerBound),
            valueEnd: UInt32(clamping: value.upperBound)
        )
    }

    /// The ranges between a value's commas, outside quotes and angle brackets, trimmed, empty ones left out.
    func elements(of entry: Entry) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var scanner = Scanner(bytes, entry.value)
        while let range = scanner.listElement() {
            if !range.isEmpty { found.append(range) }
        }
        return found
    }
}

extension Scanner {
    /// The next value of a comma-separated list, trimmed; nil at the end. An unclosed quote or bracket runs to the end.
    mutating func listElement() -> Range<Int>? {
        guard at < end else { return nil }
        var start = at
        var isQuoted = false
        var isBracketed = false
        loop: while at < end {
            switch bytes[at] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "\\") where isQuoted: at &+= 1
            case UInt8(ascii: "<") where !isQuoted: isBracketed = true
            case UInt8(ascii: ">") where !isQuoted: isBracketed = false
            case UInt8(ascii: ",") where !isQuoted && !isBracketed: break loop
            default: break
            }
            at &+= 1
        }
        var stop = Swift.min(at, end)
        at = Swift.min(at, end) &+ 1
        while start < stop, bytes[start].isLWS { start &+= 1 }
        while stop > start, bytes[stop &- 1].isLWS { stop &-= 1 }
        return start..<stop
    }
}

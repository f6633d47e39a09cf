/// Why octets are no time zone that we can use.
public enum TZifError: Error, Equatable, Sendable {
    case notTZif
    case truncated
    /// A part that breaks RFC 8536.
    case malformed(String)
    /// A file that counts leap seconds (`right/…`): our clocks do not.
    case leapSeconds
}

extension ZoneRules {
    /// Reads a compiled time zone (RFC 8536, versions 1 to 4), as /usr/share/zoneinfo has them.
    ///
    /// - Parameter bytes: the whole file. Every length in it is checked before it is believed.
    /// - Throws: `TZifError`.
    public init(tzif bytes: [UInt8]) throws(TZifError) {
        var reader = TZifReader(bytes)
        var header = try TZifHeader(&reader)
        var width = 4
        if header.version != 0 {
            // The first block is for readers from before 2005, and often empty.
            _ = try reader.take(header.length(timeWidth: 4))
            header = try TZifHeader(&reader)
            width = 8
        }
        let block = try TZifBlock(header, timeWidth: width, &reader)
        let footer = header.version == 0 ? nil : try reader.footer()
        self.init(initial: block.kinds[0], sorting: block.transitions, footer: footer)
    }
}

private struct TZifHeader {
    var version: UInt8
    var isUT, isStandard, leaps, times, types, characters: Int

    init(_ reader: inout TZifReader) throws(TZifError) {
        guard let head = try? reader.take(44), head.starts(with: "TZif".utf8) else { throw .notTZif }
        version = head[head.startIndex + 4]
        var counts: [Int] = []
        for index in 0..<6 {
            let start = head.startIndex + 20 + index * 4
            counts.append(head[start..<start + 4].reduce(0) { $0 << 8 | Int($1) })
        }
        (isUT, isStandard, leaps, times, types, characters) =
            (counts[0], counts[1], counts[2], counts[3], counts[4], counts[5])
    }

    /// Six counts of 32 bits times at most 12: far from overflowing.
    func length(timeWidth: Int) -> Int {
        times * (timeWidth + 1) + types * 6 + characters + leaps * (timeWidth + 4) + isStandard + isUT
    }
}

private struct TZifBlock {
    var kinds: [ZoneKind] = []
    var transitions: [ZoneTransition] = []

    init(_ header: TZifHeader, timeWidth: Int, _ reader: inout TZifReader) throws(TZifError) {
        guard header.leaps == 0 else { throw .leapSeconds }
        guard (1...256).contains(header.types) else { throw .malformed("number of types") }
        let length = header.length(timeWidth: timeWidth)
        guard length <= reader.remaining else { throw .truncated }
        let times = try reader.take(header.times * timeWidth)
        let indexes = try reader.take(header.times)
        let types = try reader.take(header.types * 6)
        let names = try reader.take(header.characters)
        _ = try reader.take(header.isStandard + header.isUT)

        for index in 0..<header.types {
            let start = types.startIndex + index * 6
            let offset = Int(TZifReader.signed(types[start..<start + 4]))
            guard (-89_999...93_599).contains(offset) else { throw .malformed("offset") }
            guard Int(types[start + 5]) < names.count else { throw .malformed("abbreviation") }
            let name = names[(names.startIndex + Int(types[start + 5]))...].prefix { $0 != 0 }
            kinds.append(
                ZoneKind(
                    offset: offset,
                    isDaylightSaving: types[start + 4] != 0,
                    abbreviation: String(decoding: name, as: UTF8.self)
                )
            )
        }
        var previous: Int64?
        for (index, type) in indexes.enumerated() {
            let start = times.startIndex + index * timeWidth
            let time = TZifReader.signed(times[start..<start + timeWidth])
            if let previous, time <= previous { throw .malformed("order of transitions") }
            guard Int(type) < kinds.count else { throw .malformed("type of a transition") }
            previous = time
            // Some files begin at minus 2⁵⁹ seconds; the bound is applied with the rules.
            let (product, overflow) = time.multipliedReportingOverflow(by: 1000)
            transitions.append(
                ZoneTransition(at: overflow ? (time < 0 ? .min : .max) : product, kind: kinds[Int(type)])
            )
        }
    }
}

private struct TZifReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - index }

    mutating func take(_ count: Int) throws(TZifError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { index += count }
        return bytes[index..<index + count]
    }

    /// A TZ value between two line feeds; nil when it is empty.
    mutating func footer() throws(TZifError) -> PosixZone? {
        guard try take(1).first == 10 else { throw .malformed("footer") }
        let text = bytes[index...].prefix { $0 != 10 }
        guard text.endIndex < bytes.count else { throw .truncated }
        guard !text.isEmpty else { return nil }
        guard let zone = PosixZone(text) else { throw .malformed("footer") }
        return zone
    }

    /// Big-endian two's complement of 4 or 8 octets.
    static func signed(_ octets: ArraySlice<UInt8>) -> Int64 {
        let bits = octets.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return octets.count == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }
}

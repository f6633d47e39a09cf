/// Telephone numbers that are looked for: VIPs, the blocked. A million take 8 MB, and a look-up twenty comparisons.
public struct NumberList: Equatable, Sendable {
    private let packed: [UInt64]
    /// Numbers that are none of up to 18 digits with a `+`, as they are written.
    private let others: Set<String>

    public init(_ numbers: some Sequence<Substring>) { self.init(octets: numbers.lazy.map(\.utf8)) }

    private init(octets numbers: some Sequence<some Sequence<UInt8>>) {
        var packed: [UInt64] = []
        var others: Set<String> = []
        for number in numbers {
            if let value = Self.pack(number) {
                packed.append(value)
            } else {
                let text = String(decoding: Array(number), as: UTF8.self)
                if !text.isEmpty { others.insert(text) }
            }
        }
        packed.sort()
        (self.packed, self.others) = (packed, others)
    }

    /// A list as its file has it: a number a line; blanks, hyphens and brackets are overlooked, as is what follows a `#`.
    public init(text: String) {
        // By octets: by characters a million lines took two seconds.
        let overlooked = Set(" \t-()".utf8)
        self.init(
            octets: text.utf8.split { $0 == 10 || $0 == 13 }.lazy.map { line in
                line.prefix { $0 != UInt8(ascii: "#") }.lazy.filter { !overlooked.contains($0) }
            }
        )
    }

    public var count: Int { packed.count + others.count }

    /// As they were written, those with digits first.
    public var written: [String] {
        packed.map { value in
            let digits = String(value >> 1).dropFirst()
            return (value & 1 == 1 ? "+" : "") + digits
        } + others.sorted()
    }

    public func contains(_ number: String) -> Bool {
        guard let value = Self.pack(number.utf8) else { return others.contains(number) }
        var (low, high) = (0, packed.count)
        while low < high {
            let middle = (low + high) / 2
            if packed[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < packed.count && packed[low] == value
    }

    /// Digits with their count, so that 007 is not 7, and one bit for the `+`.
    private static func pack(_ number: some Sequence<UInt8>) -> UInt64? {
        var isInternational = false
        var value: UInt64 = 1
        var count = 0
        for octet in number {
            if octet == UInt8(ascii: "+"), count == 0, !isInternational {
                isInternational = true
            } else if (48...57).contains(octet), count < 18 {
                value = value * 10 + UInt64(octet - 48)
                count += 1
            } else {
                return nil
            }
        }
        return count == 0 ? nil : value << 1 | (isInternational ? 1 : 0)
    }
}

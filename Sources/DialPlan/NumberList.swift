/// Telephone numbers that are looked for: VIPs, the blocked. A million take 8 MB, and a look-up twenty comparisons.
public struct NumberList: Equatable, Sendable {
    private let packed: [UInt64]
    /// Numbers that are none of up to 18 digits with a `+`, as they are written.
    private let others: Set<String>

    public init(_ numbers: some Sequence<Substring>) {
        var packed: [UInt64] = []
        var others: Set<String> = []
        for number in numbers {
            if let value = Self.pack(number) { packed.append(value) } else { others.insert(String(number)) }
        }
        packed.sort()
        (self.packed, self.others) = (packed, others)
    }

    /// A list as its file has it: a number a line; blanks, hyphens and brackets are overlooked, as is what follows a `#`.
    public init(text: String) {
        self.init(
            text.split(whereSeparator: \.isNewline).lazy.compactMap { line -> Substring? in
                let number = line.prefix { $0 != "#" }.filter { !" \t\r-()".contains($0) }
                return number.isEmpty ? nil : Substring(number)
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
        guard let value = Self.pack(Substring(number)) else { return others.contains(number) }
        var (low, high) = (0, packed.count)
        while low < high {
            let middle = (low + high) / 2
            if packed[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < packed.count && packed[low] == value
    }

    /// Digits with their count, so that 007 is not 7, and one bit for the `+`.
    private static func pack(_ number: Substring) -> UInt64? {
        let isInternational = number.utf8.first == UInt8(ascii: "+")
        var value: UInt64 = 1
        var count = 0
        for octet in number.utf8.dropFirst(isInternational ? 1 : 0) {
            guard (48...57).contains(octet), count < 18 else { return nil }
            value = value * 10 + UInt64(octet - 48)
            count += 1
        }
        return count == 0 ? nil : value << 1 | (isInternational ? 1 : 0)
    }
}

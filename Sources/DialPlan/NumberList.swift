/// Telephone numbers that are looked for: VIPs, the blocked. A million take 8 MB, and a look-up twenty comparisons.
public struct NumberList: Equatable, Sendable {
    private let packed: [UInt64]
    /// Numbers that are none of up to 18 digits with a `+`, as they are written.
    private let others: Set<String>

    /// One by one; of what is a number blanks, hyphens and brackets are overlooked, as in a file.
    public init(_ numbers: some Sequence<Substring>) {
        var gathered = Gathering()
        for number in numbers {
            let bare = number.utf8.filter { !Self.isOverlooked($0) }
            gathered.add(Self.pack(bare) == nil ? Array(number.utf8) : bare)
        }
        self.init(gathered)
    }

    static func isOverlooked(_ octet: UInt8) -> Bool {
        [9, UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "("), UInt8(ascii: ")")].contains(octet)
    }

    /// A list as its file has it: a number a line; blanks, hyphens and brackets are overlooked, as is what follows a `#`.
    public init(text: String) {
        var numbers = Gathering()
        var text = text
        // By octets, in one pass: by characters a million lines took seconds.
        text.withUTF8 { octets in
            var line: [UInt8] = []
            var isRemark = false
            for octet in octets {
                switch octet {
                case 10, 13:
                    numbers.add(line)
                    line.removeAll(keepingCapacity: true)
                    isRemark = false
                case UInt8(ascii: "#"): isRemark = true
                default: if !isRemark, !Self.isOverlooked(octet) { line.append(octet) }
                }
            }
            numbers.add(line)
        }
        self.init(numbers)
    }

    private init(_ numbers: Gathering) {
        packed = numbers.packed.sorted()
        others = numbers.others
    }

    private struct Gathering {
        var packed: [UInt64] = []
        var others: Set<String> = []

        mutating func add(_ number: [UInt8]) {
            if let value = NumberList.pack(number) {
                packed.append(value)
            } else if !number.isEmpty {
                others.insert(String(decoding: number, as: UTF8.self))
            }
        }
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
        guard let value = Self.pack(Array(number.utf8)) else { return others.contains(number) }
        var (low, high) = (0, packed.count)
        while low < high {
            let middle = (low + high) / 2
            if packed[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < packed.count && packed[low] == value
    }

    /// Digits with their count, so that 007 is not 7, and one bit for the `+`.
    private static func pack(_ number: [UInt8]) -> UInt64? {
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

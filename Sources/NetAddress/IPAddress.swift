/// An IPv4 or IPv6 address as a value: no name look-up, no socket, no C type.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// Parses dotted-quad IPv4 or RFC 4291 IPv6, with or without the brackets of a URI; nil when it is neither.
    public init?(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2 {
            bytes = Array(bytes[1..<(bytes.count - 1)])
            guard let address = Self.parseV6(bytes) else { return nil }
            self = address
        } else if bytes.contains(UInt8(ascii: ":")) {
            guard let address = Self.parseV6(bytes) else { return nil }
            self = address
        } else {
            guard let address = Self.parseV4(bytes[...]) else { return nil }
            self = .v4(address)
        }
    }

    public var isV6: Bool { if case .v6 = self { true } else { false } }

    /// 0.0.0.0 or ::.
    public var isUnspecified: Bool {
        switch self {
        case .v4(let bits): bits == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }

    public var isLoopback: Bool {
        switch self {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// Not one host's: multicast (RFC 5771, RFC 4291 §2.7), or everybody's on the link.
    public var isForMany: Bool {
        switch unmapped {
        case .v4(let bits): bits >> 28 == 0xE || bits == .max
        case .v6(let high, _): high >> 56 == 0xFF
        }
    }

    /// Addresses a NAT hides: RFC 1918, RFC 6598, link-local, unique local (RFC 4193).
    public var isPrivate: Bool {
        switch self {
        case .v4(let bits):
            bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8 || bits >> 22 == 0x191
                || bits >> 16 == 0xA9FE
        case .v6(let high, _): high >> 57 == 0x7E || high >> 54 == 0x3FA
        }
    }

    /// The same host, whether it is written as IPv4 or as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
    public var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }

    private static func parseV4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var parts = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 3 else { return nil }
                value = value << 8 | part
                (part, digits, parts) = (0, 0, parts + 1)
            } else {
                guard (48...57).contains(byte), digits < 3 else { return nil }
                part = part * 10 + UInt32(byte - 48)
                digits += 1
                guard part <= 255 else { return nil }
            }
        }
        guard parts == 3, digits > 0 else { return nil }
        return value << 8 | part
    }

    private static func parseV6(_ bytes: [UInt8]) -> IPAddress? {
        var groups: [UInt16] = []
        var gap: Int?
        var index = 0
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        if bytes[0] == UInt8(ascii: ":") {
            guard bytes[1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index = 2
        }
        while index < bytes.count {
            let end = bytes[index...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            let field = bytes[index..<end]
            if field.contains(UInt8(ascii: ".")) {
                guard end == bytes.count, let v4 = parseV4(field) else { return nil }
                groups.append(UInt16(v4 >> 16))
                groups.append(UInt16(v4 & 0xFFFF))
                index = end
                break
            }
            guard (1...4).contains(field.count), let group = parseHex(field) else { return nil }
            groups.append(group)
            guard groups.count <= 8 else { return nil }
            guard end < bytes.count else {
                index = end
                break
            }
            index = end + 1
            guard index < bytes.count else { return nil }
            if bytes[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 1
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        let high = groups[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = groups[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return .v6(high: high, low: low)
    }

    private static func parseHex(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        var value: UInt16 = 0
        for byte in bytes {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            default: return nil
            }
        }
        return value
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted quad, or RFC 5952 text without brackets.
    public var description: String {
        switch self {
        case .v4(let bits): return Self.dottedQuad(bits)
        case .v6(let high, let low):
            let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - 16 * ($0 % 4))) }
            var best = 0..<0
            var start = 0
            while start < 8 {
                var end = start
                while end < 8, groups[end] == 0 { end += 1 }
                if end - start > max(1, best.count) { best = start..<end }
                start = max(end, start + 1)
            }
            let hex = groups.map { String($0, radix: 16) }
            guard !best.isEmpty else { return hex.joined(separator: ":") }
            return hex[..<best.lowerBound].joined(separator: ":") + "::"
                + hex[best.upperBound...].joined(separator: ":")
        }
    }

    /// Each message writes a few of them: digit by digit, into a text that is made once.
    private static func dottedQuad(_ bits: UInt32) -> String {
        String(unsafeUninitializedCapacity: 15) { octets in
            var count = 0
            let put = { (octet: UInt32) in
                octets[count] = UInt8(truncatingIfNeeded: octet)
                count += 1
            }
            for shift in [24, 16, 8, 0] as [UInt32] {
                let part = bits >> shift & 255
                if part >= 100 { put(48 + part / 100) }
                if part >= 10 { put(48 + part / 10 % 10) }
                put(48 + part % 10)
                if shift > 0 { put(46) }
            }
            return count
        }
    }

    /// As a URI or a Via writes it: IPv6 in brackets.
    public var uriHost: String { isV6 ? "[\(self)]" : description }
}

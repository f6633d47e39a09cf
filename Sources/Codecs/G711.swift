/// ITU-T G.711: 8 bits a sample from 16, by the segments of its tables 1 and 2.
public enum G711 {
    public enum Law: BitwiseCopyable, Sendable, CaseIterable { case a, µ }

    public static func encode(_ sample: Int16, _ law: Law) -> UInt8 {
        switch law {
        case .a: encodeA(sample)
        case .µ: encodeµ(sample)
        }
    }

    public static func decode(_ octet: UInt8, _ law: Law) -> Int16 {
        switch law {
        case .a: decodeA(octet)
        case .µ: decodeµ(octet)
        }
    }

    private static func encodeA(_ sample: Int16) -> UInt8 {
        let isNegative = sample < 0
        // 13 bits; one's complement of the negative half, so that −1 is the smallest step below zero.
        let magnitude = Int(isNegative ? ~sample : sample) >> 3
        let code: Int
        if magnitude < 32 {
            code = magnitude >> 1
        } else {
            let segment = Int.bitWidth - magnitude.leadingZeroBitCount - 5
            code = segment << 4 | (magnitude >> segment) & 0x0F
        }
        return UInt8(truncatingIfNeeded: code) ^ (isNegative ? 0x55 : 0xD5)
    }

    private static func decodeA(_ octet: UInt8) -> Int16 {
        let code = Int(octet ^ 0x55)
        let segment = code >> 4 & 7
        let step = (code & 0x0F) << 1 | 1
        let magnitude = segment == 0 ? step << 3 : (step + 32) << (segment + 2)
        return Int16(truncatingIfNeeded: code & 0x80 == 0 ? -magnitude : magnitude)
    }

    private static let bias = 0x84

    private static func encodeµ(_ sample: Int16) -> UInt8 {
        let isNegative = sample < 0
        let magnitude = min(Int(isNegative ? ~sample : sample), 32_635) + bias
        let segment = Int.bitWidth - magnitude.leadingZeroBitCount - 8
        let code = segment << 4 | (magnitude >> (segment + 3)) & 0x0F
        return ~UInt8(truncatingIfNeeded: isNegative ? code | 0x80 : code)
    }

    private static func decodeµ(_ octet: UInt8) -> Int16 {
        let code = Int(~octet)
        let segment = code >> 4 & 7
        let magnitude = (((code & 0x0F) << 3 | bias) << segment) - bias
        return Int16(truncatingIfNeeded: code & 0x80 != 0 ? -magnitude : magnitude)
    }
}

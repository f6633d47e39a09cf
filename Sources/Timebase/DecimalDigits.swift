/// Numbers as text, digit by digit: each message and each row of a call has some, and the general way makes a string of every one.
package enum DecimalDigits {
    /// With at least `width` digits, after a minus where there is one.
    package static func append(_ value: Int64, width: Int = 1, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        append(value.magnitude, width: width, to: &text)
    }

    package static func append(_ magnitude: UInt64, width: Int = 1, to text: inout [UInt8]) {
        var (digits, place): (Int, UInt64) = (1, 1)
        while magnitude / place >= 10 { (digits, place) = (digits + 1, place * 10) }
        for _ in digits..<max(digits, width) { text.append(48) }
        while place > 0 {
            text.append(48 + UInt8(truncatingIfNeeded: magnitude / place % 10))
            place /= 10
        }
    }
}

/// Numbers as text, digit by digit: each message and each row of a call has some, and the general way makes a string of every one.
package enum DecimalDigits {
    package static func append(_ value: Int64, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &text)
    }

    package static func append(_ magnitude: UInt64, to text: inout [UInt8]) {
        var place: UInt64 = 1
        while magnitude / place >= 10 { place *= 10 }
        while place > 0 {
            text.append(48 + UInt8(truncatingIfNeeded: magnitude / place % 10))
            place /= 10
        }
    }
}

/// A request's number in its dialog and its method (RFC 3261 §20.16).
public struct CSeq: Hashable, Sendable, CustomStringConvertible {
    public var number: UInt32
    public var method: Method

    public init(number: UInt32, method: Method) { (self.number, self.method) = (number, method) }

    /// Throws when it is not a 32-bit number and a method.
    public init(_ text: some StringProtocol) throws(SIPFault) {
        let bytes = Array(text.utf8)
        self = try parsing("CSeq", bytes) { scanner throws(SyntaxFault) in try CSeq(&scanner) }
    }

    init(_ scanner: inout Scanner) throws(SyntaxFault) {
        let start = scanner.at
        guard let number = try scanner.number(upTo: UInt64(UInt32.max), "a number") else {
            throw SyntaxFault(start, "the number is above 2^32 - 1")
        }
        guard scanner.current?.isLWS == true else { throw SyntaxFault(scanner.at, "expected white space") }
        scanner.skipLWS()
        let method = try scanner.token("a method")
        guard method.count <= MessageLimits.standard.maxMethod else {
            throw SyntaxFault(method.lowerBound, "the method is too long")
        }
        try scanner.expectEnd()
        self.init(number: UInt32(truncatingIfNeeded: number), method: Method(scanner.bytes, method))
    }

    public var description: String { "\(number) \(method.name)" }
}

/// Runs a grammar function over a whole value and names the place in its fault.
func parsing<Value>(
    _ place: String,
    _ bytes: [UInt8],
    _ range: Range<Int>? = nil,
    kind: SIPFault.Kind = .malformedHeader,
    _ body: (inout Scanner) throws(SyntaxFault) -> Value
) throws(SIPFault) -> Value {
    var scanner = Scanner(bytes, range ?? 0..<bytes.count)
    let start = scanner.at
    do throws(SyntaxFault) {
        return try body(&scanner)
    } catch {
        throw SIPFault(error, in: place, from: start, kind: kind)
    }
}

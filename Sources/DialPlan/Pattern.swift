/// What a rule compares a number with: a dial pattern, or a regular expression between slashes.
public enum Pattern: Hashable, Sendable, CustomStringConvertible {
    case number(NumberPattern)
    case expression(RegularExpression)

    /// A longer number matches nothing: the work per call stays bounded, whatever a peer dials.
    public static let longestNumber = 255

    public struct Fault: Error, Equatable {
        public var problem: String
        public var mend: String
    }

    /// - Throws: `Fault` when it is neither.
    public init(_ source: String) throws(Fault) {
        if source.hasPrefix("/") {
            guard source.utf8.count >= 2, source.hasSuffix("/") else {
                throw Fault(problem: "the regular expression does not end", mend: "close it with '/'")
            }
            self = .expression(try RegularExpression(String(source.dropFirst().dropLast())))
        } else {
            self = .number(try NumberPattern(source))
        }
    }

    public func matches(_ number: String) -> Bool {
        switch self {
        case .number(let pattern): pattern.matches(number)
        case .expression(let expression):
            number.unicodeScalars.count <= Self.longestNumber && expression.matches(number)
        }
    }

    public var description: String {
        switch self {
        case .number(let pattern): pattern.source
        case .expression(let expression): "/\(expression.source)/"
        }
    }
}

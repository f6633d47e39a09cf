public import DialPlan

/// What is wrong with a configuration, where, and how to mend it.
public struct ConfigFault: Error, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Stable: scripts may rely on these.
    public enum Code: String, Sendable, CaseIterable {
        case yaml
        case unknownKey = "unknown-key"
        case missingKey = "missing-key"
        case wrongType = "wrong-type"
        case badValue = "bad-value"
        case duplicate
        case deadReference = "dead-reference"
        case shadowedRule = "shadowed-rule"
        case unreachableStep = "unreachable-step"
        case missingFile = "missing-file"
    }

    public var file: String
    public var position: SourcePosition
    public var code: Code
    public var problem: String
    public var mend: String

    public init(file: String, position: SourcePosition, code: Code, problem: String, mend: String) {
        (self.file, self.position, self.code) = (file, position, code)
        (self.problem, self.mend) = (problem, mend)
    }

    public var description: String {
        "\(file):\(position.line):\(position.column): error: \(problem) [\(code.rawValue)]; \(mend)"
    }

    public static func < (lhs: ConfigFault, rhs: ConfigFault) -> Bool {
        (lhs.file, lhs.position, lhs.problem) < (rhs.file, rhs.position, rhs.problem)
    }
}

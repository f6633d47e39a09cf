public import DialPlan

/// A language that a tenant's file names.
public struct LanguageReference: Equatable, Sendable {
    public var name: String
    public var file: String
    public var position: SourcePosition

    public init(name: String, file: String, position: SourcePosition) {
        (self.name, self.file, self.position) = (name, file, position)
    }

    /// Where it stands does not change what is heard.
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
}

/// A recording that a tenant's file names.
public struct PromptReference: Equatable, Sendable {
    public var name: String
    /// nil: that of the call.
    public var language: String?
    public var file: String
    public var position: SourcePosition

    public init(name: String, language: String? = nil, file: String, position: SourcePosition) {
        (self.name, self.language, self.file, self.position) = (name, language, file, position)
    }

    /// Where it stands does not change what is heard.
    public static func == (a: Self, b: Self) -> Bool { (a.name, a.language) == (b.name, b.language) }
}

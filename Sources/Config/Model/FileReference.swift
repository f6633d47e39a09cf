public import DialPlan

/// A file that the node's file names.
public struct FileReference: Equatable, Sendable {
    /// As it is written; relative to the node's file.
    public var path: String
    public var position: SourcePosition

    public init(path: String, position: SourcePosition) { (self.path, self.position) = (path, position) }
}

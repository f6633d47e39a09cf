/// What a peer may make grow, and how far.
public struct MessageLimits: Equatable, Sendable {
    /// Octets of one message that came in a datagram; the most that UDP carries.
    public var maxMessage = 65_535
    /// Octets of the start line and headers of one message on a stream; 513 above.
    public var maxStreamHeader = 65_535
    /// Octets of one message's body on a stream; 413 above.
    public var maxStreamBody = 1_048_576
    /// Octets of a request line; 414 above.
    public var maxStartLine = 8192
    /// Octets of one header with its folds; 513 above.
    public var maxHeaderLine = 8192
    /// Header lines of one message; 513 above.
    public var maxHeaders = 256
    /// Via values of one message; the largest Max-Forwards that anyone sets is 70; 513 above.
    public var maxVias = 70
    /// Octets of a method's name; 400 above.
    public var maxMethod = 128

    /// Parameters of one URI or one header's value; 400 above. Keeps comparing two URIs cheap.
    static let parameters = 128
    /// Multipart bodies within each other.
    public static let bodyNesting = 3
    /// Parts of a multipart body that are looked through.
    static let bodyParts = 32

    public init() {}

    public static let standard = MessageLimits()
}

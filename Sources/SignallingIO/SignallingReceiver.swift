public import NIOCore
public import NetAddress
public import SIPMessage

/// Whom the sockets hand everything to, on their loop.
public protocol SignallingReceiver: AnyObject {
    /// A datagram came.
    func received(_ bytes: [UInt8], over flow: Flow)
    /// A message was cut out of a stream.
    func received(_ outcome: ParseOutcome, bytes: [UInt8], over flow: Flow)
    /// A stream ended, whoever ended it.
    func connectionClosed(_ flow: Flow)
    /// What was sent over this flow did not and will not arrive.
    func transportFailed(_ flow: Flow, why: String)
    /// A datagram of ours arrived nowhere. `quote` is how it began, or all of it.
    func returned(_ quote: [UInt8], over flow: Flow, why: String)
    /// Whether somebody is to be reached over a stream, so that it stays open though nothing goes over it.
    func needs(_ flow: Flow) -> Bool
    /// A connection that a peer opened was closed for what it would go beyond.
    func connectionCut(_ remote: NetAddress.SocketAddress, _ bound: ConnectionBound)
    /// A listener ended though nobody closed it: it is opened anew until that succeeds.
    func listenerEnded(_ transport: Transport, _ address: NetAddress.SocketAddress)
    func listenerIsBack(_ transport: Transport, _ address: NetAddress.SocketAddress)
}

/// Why a connection is closed.
public enum ConnectionBound: Equatable, Sendable {
    /// So many there may be, and are.
    case ofAll(Int)
    case ofOneAddress(Int)
    /// The process may open few files more, which are kept for others.
    case ofDescriptors
    /// So many keep-alives it may send in a second, and sent more.
    case ofKeepAlives(Int)
}

/// What a stranger can make the sockets hold.
public struct SignallingLimits: Sendable {
    public var connections = 10_000
    public var connectionsOfOneAddress = 500
    /// Octets that wait for one slow reader before it is cut off.
    public var unsentOctets = 1 << 20
    /// How long nothing may go over a connection by which nobody is to be reached.
    public var idle: TimeAmount = .minutes(10)
    /// Keep-alives that one connection may send in a second; a phone sends one in half a minute.
    public var keepAlives = 500
    public var connectSeconds: Int64 = 10
    /// Where there is another way to the same peer: long enough for one lost SYN.
    public var trialSeconds: Int64 = 2

    public init() {}
}

/// For `/metrics`; only ever up, but for `connections`.
public struct SignallingCounters: Sendable {
    public var datagramsReceived: UInt64 = 0
    public var datagramsSent: UInt64 = 0
    public var sendFailures: UInt64 = 0
    public var connections = 0
    public var connectionsRefused: UInt64 = 0
    public var brokenStreams: UInt64 = 0

    public init() {}
}

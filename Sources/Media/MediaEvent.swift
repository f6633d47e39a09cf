public import Events
public import NetAddress

/// What the media plane tells the calls.
public enum MediaEvent: Equatable, Sendable {
    /// The first RTP packet came; `after` is counted from the remote address becoming known.
    case firstPacket(MediaID, from: SocketAddress, after: Duration)
    /// The peer's address changed by a rule that allows it (its NAT rebound, a new description).
    case relatched(MediaID, from: SocketAddress)
    /// One key pressed, as telephone-events (RFC 4733) or as tones (ITU-T Q.23), told once, whatever was lost or repeated.
    case digit(MediaID, String, milliseconds: Int, isInBand: Bool = false)
    /// What `MediaCommand.say` asked for is over.
    case said(MediaID, token: UInt64)
    /// Neither RTP nor RTCP for as long as `inactivityTimeout` allows.
    case inactive(MediaID, Duration)
    /// How good what came until now is (G.107); once a second while packets come.
    case quality(MediaID, mos: Double)
    case closed(MediaID, MediaReport)

    /// The port that it happened on.
    public var port: MediaID {
        switch self {
        case .firstPacket(let id, _, _), .relatched(let id, _), .digit(let id, _, _, _), .inactive(let id, _),
            .said(let id, _), .quality(let id, _), .closed(let id, _):
            id
        }
    }
}

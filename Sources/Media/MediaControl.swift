public import NetAddress

/// The media plane as the calls see it. Called on the core's loop only; nothing here blocks.
public protocol MediaControl: AnyObject {
    /// Binds a pair of ports, RTP on an even one and RTCP above it (RFC 3550 §11).
    ///
    /// `near` is a port of the same call: both are served by one thread, so that a relayed packet crosses none. `isV6`: the family that
    /// the leg's peer speaks; where we have no address of it, the port is of the other one.
    func open(near: MediaID?, isV6: Bool) throws(MediaRefusal) -> MediaPort

    /// Pairs that are not in use.
    var pairsFree: Int { get }

    /// Whether a peer at this address can be sent to: we have an address of its family.
    func reaches(_ address: IPAddress) -> Bool

    /// Whether one thread serves both: only such ports can be bridged or mixed.
    func areTogether(_ a: MediaID, _ b: MediaID) -> Bool

    /// Commands take effect in the order they are given, from the next `flush` on at the latest. One for a port that is
    /// closed already does nothing.
    func perform(_ command: MediaCommand)

    /// The core's turn is over: what was asked for in it is to begin.
    func flush()
}

/// One end of one leg's media: a pair of ports and everything that is known of the peer behind it.
public struct MediaID: Hashable, Sendable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Where a leg's peer is told to send its media.
public struct MediaPort: Hashable, Sendable {
    public var id: MediaID
    public var address: IPAddress
    public var rtpPort: UInt16
    public init(id: MediaID, address: IPAddress, rtpPort: UInt16) {
        (self.id, self.address, self.rtpPort) = (id, address, rtpPort)
    }
}

public enum MediaRefusal: Error, Equatable, CustomStringConvertible {
    /// Every pair of the configured range is in use.
    case noPorts
    case cannotBind(String)

    public var description: String {
        switch self {
        case .noPorts: "every pair of media.ports is in use"
        case .cannotBind(let why): why
        }
    }
}

/// An RTP payload type of a session description, boiled down to what a packet's handler needs.
public struct MediaFormat: Hashable, Sendable {
    /// 0 to 127.
    public var number: UInt8
    /// Upper case (`PCMA`, `OPUS`, `TELEPHONE-EVENT`).
    public var encoding: String
    /// Of the RTP time stamps, Hz.
    public var clockRate: Int
    /// As `a=fmtp` gives them: of one codec several may be agreed upon that differ in these alone.
    public var parameters: String?

    public init(number: UInt8, encoding: String, clockRate: Int, parameters: String? = nil) {
        (self.number, self.encoding, self.clockRate) = (number, encoding, clockRate)
        self.parameters = parameters
    }

    public func isSameCodec(as other: MediaFormat) -> Bool {
        encoding == other.encoding && clockRate == other.clockRate
    }
}

/// What an offer and its answer settled for one leg.
public struct MediaParameters: Equatable, Sendable {
    /// Where the peer said it receives; nil while unknown (or 0.0.0.0).
    public var remoteRTP: SocketAddress?
    public var remoteRTCP: SocketAddress?
    public var sendsToPeer: Bool
    public var receivesFromPeer: Bool
    /// Payload types as they arrive from the peer (the numbers of our description).
    public var receiveFormats: [MediaFormat]
    /// Payload types as the peer wants them (the numbers of its description), the one to speak first.
    public var sendFormats: [MediaFormat]
    /// Milliseconds of audio in a packet that we make.
    public var ptime: Int
    /// How often the peer has described itself: with a new description its stream may begin anew, though the address is the same.
    public var descriptions: Int
    /// `MediaEvent.inactive` is told once when neither RTP nor RTCP came for this long; nil: silence is allowed (hold, early
    /// media).
    public var inactivityTimeout: Duration?

    public init(
        remoteRTP: SocketAddress?,
        remoteRTCP: SocketAddress?,
        sendsToPeer: Bool = true,
        receivesFromPeer: Bool = true,
        receiveFormats: [MediaFormat] = [],
        sendFormats: [MediaFormat] = [],
        ptime: Int = 20,
        descriptions: Int = 0,
        inactivityTimeout: Duration? = nil
    ) {
        (self.remoteRTP, self.remoteRTCP) = (remoteRTP, remoteRTCP)
        (self.sendsToPeer, self.receivesFromPeer) = (sendsToPeer, receivesFromPeer)
        (self.receiveFormats, self.sendFormats, self.ptime) = (receiveFormats, sendFormats, ptime)
        (self.descriptions, self.inactivityTimeout) = (descriptions, inactivityTimeout)
    }
}

public enum MediaCommand: Equatable, Sendable {
    case configure(MediaID, MediaParameters)
    /// What comes in at one goes out at the other, both ways. Replaces what either did before.
    case bridge(MediaID, MediaID)
    /// Each of these ports, which one thread serves (`open(near:)`), hears the sum of those that it names. The list is the whole of
    /// who hears whom among them; a bridge, or whatever else a port is told to do, takes it out.
    case mix([MixMember])
    /// A bridge of the two whom others hear, and whom they do not hear: what they say to each other goes on as it comes, and these members
    /// hear a copy as in a mix.
    case tap(MediaID, MediaID, by: [MixMember])
    /// Ends the bridge that this port is part of.
    case unbridge(MediaID)
    /// The peer hears itself.
    case echo(MediaID)
    /// Repeats until `stop`, a bridge or the port's end.
    case play(MediaID, Tone)
    /// Says the clips one after another, and then goes on with `loop` for ever. Without a loop `MediaEvent.said` follows when the
    /// last is over, with the token that was given. Replaces what the port did before.
    case say(MediaID, [PromptClip], loop: PromptClip?, token: UInt64)
    /// Ends an echo, a tone or what is said.
    case stop(MediaID)
    /// From now on what comes from this peer goes to a recording too, while a bridge or a mix leads it on to others: what a phone sends
    /// to nobody is none of the talk. Even channels (0 to 8) are left, odd ones right; each voice of a recording has one of its own.
    case record(MediaID, recording: UInt64, channel: UInt8)
    case stopRecording(MediaID)
    /// Sends one key as telephone-event packets (RFC 4733 §2.5), 0–9 * # A–D.
    case sendDigit(MediaID, String, milliseconds: Int)
    /// Gives the ports back; `MediaEvent.closed` follows with the report, always and once.
    case close(MediaID)
}

/// One port of a mix, and whom its peer hears.
public struct MixMember: Hashable, Sendable {
    public var port: MediaID
    public var hears: [MediaID]

    public init(port: MediaID, hears: [MediaID]) { (self.port, self.hears) = (port, hears) }
}

/// Call progress tones of ITU-T E.180, with the Russian and European cadences of 425 Hz.
public enum Tone: String, Sendable, CaseIterable { case ringback, busy, congestion }

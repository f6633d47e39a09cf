import Events
import Media
import NetAddress
import SDP
import SIP
import SIPMessage
import Timebase

/// One dialog of ours with one party, and the media port that serves it.
struct Leg {
    /// How far this attempt to reach somebody has come.
    enum Progress: Equatable { case trying, answered, over(LegResult, status: Int?, reason: String) }

    private(set) var id: LegID
    var session: Session
    /// The `target` of a leg of whoever began the call.
    static let caller = "caller"
    private(set) var target: String
    let user: String?
    let trunk: TrunkID?
    /// The trunk that it counts on, until it is over.
    var occupies: TrunkID?
    var address: String
    /// The server that the attempt is at, whose text `address` is; nil for whoever called us.
    var server: SocketAddress?
    let sipCallID: String
    /// Whom it was to reach; nil for whoever called us.
    var number: String?
    /// Where its INVITE went; nil for whoever called us.
    var contact: SIPURI?
    /// By which numbers the call came to it.
    var history = DiversionHistory()
    var progress: Progress = .trying
    /// The record knows that it is over.
    var endIsTold = false
    /// Whom the record counts it to: whoever takes somebody's place stands on his side.
    var side: Party = .callee
    /// It goes on in another call, and this is what is left of it here.
    private(set) var hasMoved = false
    var port: MediaPort?
    var described: Description
    /// The peer put us on hold.
    var holds = false
    /// Since when that keeps the other party of a talk waiting.
    var holdsSince: Instant?
    /// Since when it is silent so, whoever it keeps waiting.
    var silentSince: Instant?
    /// Keys that its INFO told of, which the other party has not been told of, and until when they wait for their telephone-events.
    var informed: [(digit: InfoDigit, due: Instant)] = []
    var hasEnded = false
    /// What it speaks, as the record has it.
    var toldCodec: String?
    /// What it spoke when it was asked to change over to what the switch speaks: it can go back to that.
    var spoke: String?
    /// It was asked so, and would not.
    var keepsCodec = false
    /// What was keyed in during the talk.
    var typed = TypedCode()
    var keys = HeardKeys()
    var mediaReport: MediaReport?
    /// Its party has spoken.
    var isHeard = false
    /// Of what its party sent until now; nil before anything came.
    var mos: Double?
    /// The port was opened and its closing report has not come yet.
    var awaitsReport = false
    /// Ports that it had before, and whose closing has not been told yet.
    var retired: Set<MediaID> = []

    /// What was said about media on this leg.
    struct Description {
        var local: SessionDescription? { didSet { ours = local.flatMap { AudioStream(of: $0) } } }
        var remote: SessionDescription? {
            didSet {
                theirs = remote.flatMap { AudioStream(of: $0) }
                renewals &+= 1
            }
        }
        /// How often the peer has described itself.
        private(set) var renewals = 0
        /// The audio of either, which is asked for again and again.
        private(set) var ours: AudioStream?
        private(set) var theirs: AudioStream?
        var versions: OriginVersions

        /// The payload numbers that mean something in this session, as we use them before as the peer does.
        var numbers: [PayloadFormat] {
            (ours?.allFormats ?? []) + (theirs?.allFormats ?? [])
        }

        init(sessionID: UInt64) { versions = OriginVersions(sessionID: sessionID) }

        /// We say what we said before, and not what was stamped last.
        mutating func repeats(_ told: SessionDescription) {
            local = told
            versions.goBack(to: told)
        }

        /// Our end of this leg's media, under the leg's one session id.
        func media(_ port: MediaPort) -> LocalMedia {
            LocalMedia(address: port.address, rtpPort: port.rtpPort, sessionID: versions.sessionID)
        }
    }

    /// Whether its party speaks IPv6 with its media: as it describes them, and where it has described nothing, as it was offered ours, or as
    /// its messages come.
    var isV6: Bool {
        if let address = described.theirs?.address, !address.isUnspecified { return address.unmapped.isV6 }
        return port?.address.isV6 ?? session.peer?.unmapped.isV6 ?? false
    }

    /// An answer may name an address of another family than our offer did: its port, which has one family, cannot send there.
    func isOutOfReach(of media: any MediaControl) -> Bool {
        guard let port, let address = described.theirs?.address else { return false }
        return port.address.isV6 != isV6 && media.reaches(address)
    }

    /// Its party was told of its port, and not of one that it had before.
    var knowsItsPort: Bool {
        guard let port, let ours = described.ours else { return true }
        return port.address.isV6 == ours.address.unmapped.isV6
    }

    /// Whether a port of ours reaches its party, where that has said where it is.
    func isServed(by media: any MediaControl) -> Bool {
        guard let address = described.theirs?.address, !address.isUnspecified else { return true }
        return media.reaches(address)
    }

    var isOver: Bool { if case .over = progress { true } else { false } }

    init(
        id: LegID,
        session: Session,
        target: String,
        user: String?,
        trunk: TrunkID?,
        address: String,
        sipCallID: String,
        described: Description
    ) {
        (self.id, self.session, self.target, self.user) = (id, session, target, user)
        (self.trunk, self.occupies, self.address, self.sipCallID) = (trunk, trunk, address, sipCallID)
        self.described = described
    }

    /// The watchdog's word: what it still owes will not come.
    mutating func abandon() {
        (hasEnded, awaitsReport) = (true, false)
        retired = []
    }

    /// Takes it out of its call for another, where it has another name; what stays here is over.
    mutating func move(to id: LegID, reason: String) -> Leg {
        var moved = self
        moved.id = id
        // That call has a caller of its own.
        if target == Self.caller {
            moved.target = user.map { "user \($0)" } ?? trunk.map { "trunk \($0.name)" } ?? target
        }
        session = session.surrendered
        // One that only rang has its answer in the other call.
        let wasAnswered = progress == .answered
        progress.finish(.transferred, status: wasAnswered ? 200 : nil, reason: reason)
        (hasMoved, hasEnded, holds, holdsSince, occupies) = (true, true, false, nil, nil)
        return moved
    }

    /// Over, and nobody ever answered.
    var rangInVain: Bool {
        guard case .over(let result, _, _) = progress else { return false }
        return result != .answered && result != .transferred
    }

    /// The media plane's parameters from what both sides last said.
    func mediaParameters(rtpTimeout: Duration?) -> MediaParameters? {
        guard let ours = described.ours, let theirs = described.theirs else { return nil }
        let timeout = progress == .answered ? rtpTimeout : nil
        // One that is not on hold and only speaks has to go on speaking.
        let isSilent = holds || theirs.address.isUnspecified
        return MediaParameters(
            ours: ours,
            theirs: theirs,
            descriptions: described.renewals,
            rtpTimeout: isSilent ? nil : timeout
        )
    }
}

extension MediaParameters {
    init(ours: AudioStream, theirs: AudioStream, descriptions: Int, rtpTimeout: Duration?) {
        let address = theirs.address.isUnspecified ? nil : theirs.address
        let sends = theirs.direction == .sendrecv || theirs.direction == .recvonly
        let receives = theirs.direction == .sendrecv || theirs.direction == .sendonly
        let weReceive = ours.direction == .sendrecv || ours.direction == .recvonly
        let rtcpAddress = theirs.rtcpAddress.flatMap { $0.isForMany ? nil : $0 } ?? address
        self.init(
            remoteRTP: address.map { SocketAddress($0, theirs.rtpPort) },
            remoteRTCP: rtcpAddress.map { SocketAddress($0, theirs.rtcpPort) },
            sendsToPeer: sends && !theirs.isHold || theirs.direction == .recvonly,
            receivesFromPeer: receives,
            receiveFormats: ours.mediaFormats + theirs.ownNumbers(beside: ours),
            sendFormats: theirs.spoken(beside: ours),
            ptime: min(theirs.ptime ?? 20, theirs.maxptime ?? .max),
            descriptions: descriptions,
            inactivityTimeout: receives && weReceive ? rtpTimeout : nil
        )
    }
}

extension AudioStream {
    /// The numbers that this peer gives formats of ours, where ours do not take them: it is to send under our numbers (RFC 3264
    /// §5.1), and some send under their own.
    func ownNumbers(beside ours: AudioStream) -> [MediaFormat] {
        let known = ours.mediaFormats
        return mediaFormats.filter { format in
            !known.contains { $0.number == format.number } && known.contains { $0.isSameCodec(as: format) }
        }
    }

    /// What this peer is sent: of an offer of its own only what we answered (RFC 3264 §6.1); of one codec with several sets of parameters
    /// those that we answered.
    func spoken(beside ours: AudioStream) -> [MediaFormat] {
        let (own, known) = (mediaFormats, ours.mediaFormats)
        return own.filter { format in
            let same = known.filter { $0.isSameCodec(as: format) }
            if own.count(where: { $0.isSameCodec(as: format) }) == 1 { return !same.isEmpty }
            return same.contains { $0.number == format.number || $0.parameters == format.parameters }
        }
    }

    /// Its formats as the media plane needs them.
    var mediaFormats: [MediaFormat] {
        allFormats.map {
            MediaFormat(
                number: $0.number,
                encoding: $0.encoding.uppercased(),
                clockRate: $0.clockRate,
                parameters: $0.fmtp
            )
        }
    }
}

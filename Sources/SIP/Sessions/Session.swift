public import NetAddress
public import SDP
public import SIPMessage
public import Timebase

/// One leg's INVITE session (RFC 3261 §13 and §14, with RFC 3262, 3311 and 4028): from the first INVITE to the BYE.
///
/// Values in, actions out. It owns no transaction, socket or clock: its driver performs the actions in order, and feeds
/// requests, responses and timers back.
///
/// ```
///  peer calls us:  received ──ring──▶ received ──accept──▶ accepted ──ACK──▶ confirmed ──BYE──▶ ended
///                     └─ CANCEL, reject ─────────────────────────────────────────────────────────▲
///  we call:        calling ──1xx──▶ calling ──2xx──▶ (answering the late offer) ─ACK─▶ confirmed ─┤
///                     └─ cancel ─▶ cancelling ── 487, or 2xx: ACK and BYE ────────────────────────┘
/// ```
public struct Session: Sendable {
    enum Phase: Sendable {
        /// The peer's INVITE waits for our final answer.
        case received(ServerTransactionID, SIPRequest)
        /// Our 2xx waits for its ACK.
        case accepted(SIPResponse, request: SIPRequest)
        /// Our INVITE waits for a final answer.
        case calling(Attempt)
        /// Our INVITE was cancelled; a late 2xx gets ACK and BYE.
        case cancelling(Attempt)
        /// A 2xx with an offer came; its ACK waits for our answer.
        case answering(sequence: UInt32)
        case confirmed
        /// Our BYE waits for its answer.
        case leaving
        case ended
    }

    /// Our initial INVITE as last sent, kept to build its ACKs, CANCEL and retries.
    struct Attempt: Sendable {
        var request: SIPRequest
        var isProceeding = false
        /// How often a 422 made its session interval longer.
        var raises = 0
        /// The Reason of our CANCEL, which is also that of the BYE when the answer crosses it.
        var reason: String?
        /// The call knows that nothing comes of it.
        var isGivenUp = false

        func told(_ notice: Notice) -> [Action] { isGivenUp ? [] : [.tell(notice)] }
    }

    /// A re-INVITE or UPDATE of ours that waits for the peer's answer.
    struct OwnRequest: Sendable {
        var purpose: Purpose
        var offer: [UInt8]?
        var sequence: UInt32
        /// Of the dialog that it was sent in: a forked INVITE has several.
        var remoteTag: String
        /// So many 491s were met.
        var attempts: Int
    }

    /// A re-INVITE or UPDATE under way on this dialog. One at a time, whoever began it (§14.1, RFC 3311 §5.2).
    enum Renegotiation: Sendable {
        case none
        /// The peer's, waiting for our answer.
        case theirs(ServerTransactionID, SIPRequest, over: Flow)
        /// The peer's re-INVITE, answered with 2xx and waiting for its ACK.
        case theirsAccepted(SIPResponse, request: SIPRequest)
        case ours(OwnRequest)
        /// Ours met another of theirs (491) and waits before it tries again.
        case backingOff(offer: [UInt8]?, attempts: Int)
        /// Ours without an offer got the peer's; the ACK waits for our answer.
        case answering(sequence: UInt32)
    }

    public let settings: SessionSettings
    var phase: Phase
    var renegotiation: Renegotiation = .none
    /// The dialog in force; of several early ones the one heard from last.
    public internal(set) var dialog: Dialog? {
        didSet { if let dialog { earlyDialogs[dialog.remoteTag]?.dialog = dialog } }
    }
    /// Early dialogs of a forked INVITE by remote tag (§12.1): each has its own route set and reliable provisionals.
    var earlyDialogs: [String: EarlyDialog] = [:]
    /// The remote tag of the one that described its media last: it is heard, and offers before the answer are its own.
    var describedTag: String?
    var localTag: String
    var flows: [Flow]
    let credentials: Credentials?
    /// Answers challenges, counting its nonces (RFC 7616 §3.4 `nc`).
    var digest = DigestClient()
    var lastRequests: [Purpose: SIPRequest] = [:]
    var staleAnswered: Set<Purpose> = []
    var random: SeededGenerator
    /// What the peer last described, and we last described to it: what a refresh without change answers.
    var remoteDescription: [UInt8]?
    var localDescription: [UInt8]?
    var peerAllows: Set<String> = []
    var reliable = ReliableProvisionals()
    /// What the caller was told last of an INVITE that has no answer yet.
    var lastProgress: (response: SIPResponse, isReliable: Bool)?
    var timer = SessionTimer()
    var retransmitAfter: Duration
    /// The last reliable provisional to our re-INVITE: its RSeq, and the answer that one of them brought.
    var reofferReliable: (number: UInt32, answer: [UInt8]?)?
    /// The session timer's refresh is under way: the call need not hear how it ends.
    var isRefreshing = false
    /// A hang-up asked for while our 2xx waits for its ACK; the inner value is its Reason header.
    var reasonAfterAcknowledgement: String??
    /// Whether we chose the Call-ID, which decides how long we wait after a 491 (§14.1).
    public let ownsCallID: Bool
    /// A REFER that the call has not decided yet.
    var pendingReferral: PendingReferral?
    var pendingInfo: (request: SIPRequest, transaction: ServerTransactionID)?
    /// What the peer is told of the call that its REFER asked for.
    var subscription: ReferSubscription?
    /// NOTIFYs of that which the peer has not answered yet.
    var unansweredReports = 0
    /// When it had answered them all.
    var reportsAnswered: Instant?
    /// We sent the peer a REFER: its NOTIFYs are expected.
    var hasReferred = false
    /// How many of its REFERs made a subscription: the later ones are told apart by their ids.
    var referrals = 0
    /// The ACKs of our INVITEs, by CSeq number: a repeated 2xx gets the same again (§13.2.2.4).
    var acknowledgements: [UInt32: SIPRequest] = [:]

    /// The peer's INVITE arrived.
    public init(
        answering request: SIPRequest,
        transaction: ServerTransactionID,
        over flow: Flow,
        settings: SessionSettings,
        seed: UInt64
    ) throws(SIPFault) {
        var random = SeededGenerator(seed: seed)
        localTag = random.token()
        let sequence = UInt32(truncatingIfNeeded: random.next() & 0xFFFF) + 1
        dialog = try Dialog(answering: request, localTag: localTag, over: flow, localSequence: sequence)
        phase = .received(transaction, request)
        flows = [flow]
        credentials = nil
        ownsCallID = false
        self.settings = settings
        self.random = random
        retransmitAfter = settings.timers.t1
        peerAllows = Set(request.headers.list(.allow).prefix(Self.mostMethods))
        remoteDescription = request.sdpBody()
        reliable.callerRequires = request.headers.has("100rel", in: .require)
    }

    /// The dialog with this session ended, or it never came to one.
    public var isEnded: Bool { if case .ended = phase { true } else { false } }
    public var isConfirmed: Bool { if case .confirmed = phase { true } else { false } }
    /// Our INVITE has had a provisional answer, be it only 100.
    public var isProceeding: Bool { if case .calling(let attempt) = phase { attempt.isProceeding } else { false } }
    /// It is out, and has had none.
    public var isSilent: Bool { if case .calling(let attempt) = phase { !attempt.isProceeding } else { false } }
    /// Nobody has given the first INVITE its final answer.
    public var isEarly: Bool {
        switch phase {
        case .received, .calling: true
        case .accepted, .cancelling, .answering, .confirmed, .leaving, .ended: false
        }
    }

    /// As the peer's side would find this dialog by a Replaces; nil while there is none.
    public var replacing: String? {
        guard let dialog else { return nil }
        return "\(dialog.callID);to-tag=\(dialog.remoteTag);from-tag=\(localTag)"
    }

    /// As others name this dialog to us; nil while there is none.
    public var reference: DialogReference? {
        dialog.map { DialogReference(callID: $0.callID, localTag: localTag, remoteTag: $0.remoteTag) }
    }

    /// Whether a dialog of this session has this remote tag.
    public func hasDialog(remoteTag tag: String) -> Bool {
        dialog?.recognises(remoteTag: tag) ?? false || earlyDialogs[tag] != nil
    }

    /// Whom its messages come from or go to; a proxy, where one is between us.
    public var peer: IPAddress? { (dialog?.flow ?? flows.first)?.remote.ip }

    /// Whether the peer is reached over this stream.
    public func isReached(over flow: Flow) -> Bool {
        !isEnded && (flows + [dialog?.flow].compactMap(\.self)).contains { $0.isSameWay(as: flow) }
    }

    /// Whoever was reached over one stream is reached over another now.
    public mutating func goOn(over new: Flow, insteadOf old: Flow) {
        guard !isEnded, let dialog, dialog.flow.isSameWay(as: old) else { return }
        self.dialog?.flow = new
    }

    public var callID: String { dialog?.callID ?? attemptCallID }
    public var tag: String { localTag }

    private var attemptCallID: String {
        switch phase {
        case .calling(let attempt), .cancelling(let attempt): attempt.request.headers[.callID] ?? ""
        case .received, .accepted, .answering, .confirmed, .leaving, .ended: ""
        }
    }

    /// Whether the peer said it takes this method (Allow); a peer that said nothing takes what RFC 3261 asks for.
    /// Of an Allow so many are kept.
    static let mostMethods = 32

    /// The peer's last word counts; where it has none, its last but one.
    mutating func learnMethods(of response: SIPResponse) {
        let named = response.headers.list(.allow).prefix(Self.mostMethods)
        if !named.isEmpty { peerAllows = Set(named) }
    }

    public func peerAllows(_ method: Method) -> Bool { peerAllows.contains(method.name) }

    /// A peer that never said what it allows may take an INFO.
    public var mayTakeInfo: Bool { peerAllows.isEmpty || peerAllows(.info) }

    init(
        phase: Phase,
        localTag: String,
        flows: [Flow],
        credentials: Credentials?,
        settings: SessionSettings,
        random: SeededGenerator
    ) {
        self.phase = phase
        self.localTag = localTag
        self.flows = flows
        self.credentials = credentials
        ownsCallID = true
        self.settings = settings
        self.random = random
        retransmitAfter = settings.timers.t1
    }
}

/// What a session is configured with: the same for every leg of a node.
public struct SessionSettings: Sendable {
    public var timers: SIPTimers
    /// Server and User-Agent header.
    public var product: String
    /// The user part of our Contact.
    public var contactUser: String?
    /// How long a peer may ponder a re-INVITE, which keeps both parties from asking for anything else meanwhile.
    public var reinvitePatience: Duration
    /// RFC 4028: what we ask for; nil asks for no session timer.
    public var sessionExpires: Int?
    /// RFC 4028 §5: the shortest interval we accept, in seconds.
    public var minimumExpires: Int

    public init(
        timers: SIPTimers = SIPTimers(),
        product: String = "Gudok",
        contactUser: String? = "gudok",
        reinvitePatience: Duration = .seconds(60),
        sessionExpires: Int? = 1800,
        minimumExpires: Int = 90
    ) {
        (self.timers, self.product, self.contactUser) = (timers, product, contactUser)
        self.reinvitePatience = reinvitePatience
        (self.sessionExpires, self.minimumExpires) = (sessionExpires, minimumExpires)
    }

    /// The methods our dialogs take.
    public static let allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY"
    /// The extensions our dialogs take.
    public static let supported = "100rel, \(supportedWithoutOffer)"
    /// An offer in a reliable provisional would want its answer in the PRACK: without our own offer we do not invite it.
    static let supportedWithoutOffer = "timer, replaces, norefersub, tdialog"
}

extension Session {
    /// The request a client transaction of this session carries.
    public enum Purpose: Hashable, Sendable {
        case invite, reinvite, update, bye, prack, info, refer, notify, cancelledBye
    }

    public enum Timer: Hashable, CaseIterable, Sendable {
        /// Our 2xx again, doubling from T1 to T2, until the ACK (§13.3.1.4).
        case retransmitAccept
        /// 64·T1 without ACK: BYE.
        case acknowledgementMissing
        /// Our reliable provisional again, doubling from T1, until the PRACK (RFC 3262 §3).
        case retransmitReliable
        /// 64·T1 without PRACK: the INVITE fails.
        case prackMissing
        /// A minute without a word to who waits for our answer: proxies give up after three (§13.3.1.1).
        case progressRepeat
        /// Our re-INVITE had its time: CANCEL.
        case reinviteUnanswered
        /// The peer's UPDATE has waited for its answer for as long as its sender waits (RFC 3311 §5.2).
        case updateOverdue
        /// A 491 was met: try our re-INVITE again (§14.1).
        case backOff
        /// Half of the session interval: refresh (RFC 4028 §10).
        case refresh
        /// The peer did not refresh in time: BYE.
        case sessionExpired
        /// A REFER's subscription has lasted as long as one may.
        case subscriptionExpired

        /// Those of the INVITE usage: a REFER's subscription may outlive it (RFC 5057 §4.2).
        static let ofInvite = allCases.filter { $0 != .subscriptionExpired }
    }

    public enum Action: Sendable {
        case send(SIPRequest, Purpose, over: [Flow])
        /// Our final or provisional answer, through its transaction.
        case respond(ServerTransactionID, SIPResponse)
        /// Outside any transaction: an ACK, or our 2xx again.
        case sendStateless(SIPMessage, over: Flow)
        /// CANCEL our INVITE.
        case cancelInvite(reason: String?)
        case start(Timer, at: Instant)
        case stop(Timer)
        case tell(Notice)
    }

    /// What the call learns of a leg.
    public enum Notice: Equatable, Sendable {
        /// Our INVITE: 101–199, with early media when there is a description.
        case progress(status: Int, sdp: SessionDescription?)
        /// Our INVITE: 2xx. With `isOffer`, ours had none and the ACK waits for `acknowledge(answer:)`.
        case answered(SessionDescription?, isOffer: Bool)
        /// Our INVITE came to nothing.
        case rejected(Rejection)
        /// The peer took its INVITE back, for this Reason (RFC 3326).
        case cancelled(reason: String?)
        /// The peer's INVITE: our 2xx goes out now, where it waited for a PRACK (RFC 3262 §3).
        case accepted
        /// The peer's ACK for our 2xx, with its answer when ours carried an offer.
        case acknowledged(SessionDescription?)
        /// The peer wants other media; nil: it asks for our offer. Answer with `answerOffer` or `refuseOffer`.
        case offered(SessionDescription?)
        /// The peer took back what it last `offered`.
        case offerWithdrawn
        /// Our new offer was answered; with `isOffer`, it had none, and the ACK waits for `acknowledge(answer:)`.
        case reofferAnswered(SessionDescription?, isOffer: Bool)
        case reofferRefused(status: Int)
        /// The peer answered our refresh with other media than before.
        case answerChanged(SessionDescription)
        /// The peer's INFO (RFC 6086, and the older DTMF bodies). Answer with `answerInfo`.
        case info(contentType: String, body: [UInt8])
        /// The peer wants the other party to call somebody. Answer with `acceptReferral` or `refuseReferral`.
        case referred(Referral)
        /// The peer's BYE.
        case hungUp(reason: String?)
        /// This side ended the session by itself.
        case failed(Failure)
        /// The session is over; nothing more comes of it.
        case ended
    }

    public enum Failure: String, Equatable, Sendable {
        case acknowledgementMissing = "ack-missing"
        case prackMissing = "prack-missing"
        case sessionExpired = "session-expired"
        /// The peer of a talk knows it no more, or is silent.
        case peerGone = "peer-gone"
        case badAnswer = "bad-answer"
    }
}

/// Why an INVITE of ours came to nothing.
public struct Rejection: Equatable, Sendable {
    public var status: Int
    public var phrase: String
    /// The peer's Reason header (RFC 3326), as it was.
    public var reason: String?
    /// Contacts of a 3xx, together those of the same `q`, in the order to be tried (RFC 3261 §8.1.3.4).
    public var contacts: [[SIPURI]]
    /// Who sent the call on by a 3xx, and why, as the peer says (RFC 5806), newest first.
    public var diversions: [String] = []
    /// Seconds.
    public var retryAfter: Int?
    /// No answer at all came (timer B), or the transport failed: the status is ours.
    public var isLocal: Bool

    public init(
        status: Int,
        phrase: String,
        reason: String? = nil,
        contacts: [[SIPURI]] = [],
        retryAfter: Int? = nil,
        isLocal: Bool = false
    ) {
        (self.status, self.phrase, self.reason) = (status, phrase, reason)
        (self.contacts, self.retryAfter, self.isLocal) = (contacts, retryAfter, isLocal)
    }
}

extension RandomNumberGenerator {
    /// 64 random bits in base 36.
    mutating func token() -> String { String(next(), radix: 36) }
    /// A branch with RFC 3261 §8.1.1.7's cookie.
    mutating func branch() -> String { "z9hG4bK" + token() }
}

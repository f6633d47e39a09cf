public import ACD
public import Config
public import DialPlan
public import Events
public import Media
public import NetAddress
public import SIP
public import SIPMessage
public import Timebase

/// The way out for the calls' SIP: the transaction layer, seen from above.
public protocol SIPOutlet: AnyObject {
    func send(_ request: SIPRequest, over flows: [Flow]) -> ClientTransactionID
    func respond(_ transaction: ServerTransactionID, with response: SIPResponse)
    func cancel(_ transaction: ClientTransactionID, reason: String?)
    func sendStateless(_ message: SIPMessage, over flow: Flow)
    /// A leg was made: messages with this Call-ID are its own.
    func legAppeared(_ callID: String)
}

/// Where a dialled target can be reached now: the registrar's bindings, the trunks' addresses and limits.
public protocol TargetDirectory: AnyObject {
    /// A user is where he works: at the phones of the extension that he is logged in at (hot desk).
    func reach(_ target: DialTarget, of tenant: Tenant) -> Reach
    /// The phones of an extension, whoever works there.
    func phones(of extension: String, of tenant: Tenant) -> Reach
    /// A call over the trunk ended: its place is free again.
    func release(_ trunk: TrunkID)
    /// The trunk answered 503 and named a time (RFC 3261 §21.5.4), in seconds.
    func leave(_ trunk: TrunkID, aloneFor seconds: Int)
}

/// What the world outside knows and the calls ask for.
public protocol CallOracle: AnyObject {
    /// nil: there is no such prompt.
    func prompt(_ name: String, language: String) -> PromptClip?
    /// What the clocks in a zone (IANA name) show.
    func localTime(in zone: String, at moment: WallTime) -> LocalTime
    /// Asks a URL what a call is to do next; `CallCore.answered` brings what it said.
    func ask(_ url: String, timeout: Duration, for call: CallID)
    func record(_ order: RecordingOrder)
    /// A tenant as it is configured now; nil: there is none any more.
    func tenant(_ id: TenantID) -> Tenant?
    /// Whether an address is of this tenant (RFC 3261 §8.2.2.1), asked as of what his users dial.
    func isOwn(_ uri: SIPURI, of tenant: Tenant) -> Bool
    /// Keeps what outlives a restart of an agent; nil: nothing of him does.
    func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?)
    /// The same of a queue.
    func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?)
}

/// What the calls see of the engine around them.
public typealias CallSurroundings = SIPOutlet & TargetDirectory & CallOracle

public enum Reach: Sendable {
    /// Tried all at once; the first to answer wins.
    case routes([TargetRoute])
    case unreachable(DialOutcome, status: Int, retryAfter: Int?, why: String)
    /// A host name is being looked up; `CallCore.targetsChanged` says when it is known.
    case resolving
}

/// One way to one target.
public struct TargetRoute: Sendable {
    public var uri: SIPURI
    public var to: NameAddress
    /// The host that From names: a domain of the tenant, or our address towards a carrier.
    public var fromHost: String
    public var flows: [Flow]
    /// The proxies to go by, the nearest first: Route (RFC 3327 §5.3).
    public var path: [String]
    /// As the record shows it: `user 1002`, `trunk carrier +74950000700`.
    public var label: String
    public var user: String?
    public var trunk: TrunkID?
    public var credentials: Credentials?
    /// It is entrusted with who calls, whoever else may know (RFC 3325 §5).
    public var takesIdentity: Bool
    /// The number that the plan wants shown in the caller's place; nil: none.
    public var callerID: String?

    public init(
        uri: SIPURI,
        to: NameAddress,
        fromHost: String,
        flows: [Flow],
        path: [String] = [],
        label: String,
        user: String? = nil,
        trunk: TrunkID? = nil,
        credentials: Credentials? = nil,
        takesIdentity: Bool = false
    ) {
        (self.uri, self.to, self.fromHost, self.flows) = (uri, to, fromHost, flows)
        (self.label, self.user, self.trunk, self.credentials) = (label, user, trunk, credentials)
        (self.path, self.takesIdentity) = (path, takesIdentity)
    }

    public func isSamePhone(as other: TargetRoute) -> Bool { user == other.user && "\(uri)" == "\(other.uri)" }
}

/// Who calls, once the engine has established it.
public struct CallerIdentity: Sendable {
    public var tenant: Tenant
    public var direction: CallDirection
    public var number: String
    public var name: String?
    public var trunk: TrunkID?
    public var user: String?
    public var plan: DialPlan
    /// Only who is trusted may know who calls.
    public var isPrivate: Bool
    /// Somebody vouches for the number: a carrier, or the user's password.
    public var isAsserted: Bool
    /// The number that is called; nil: the Request-URI's.
    public var called: String?

    public init(
        tenant: Tenant,
        direction: CallDirection,
        number: String,
        name: String?,
        trunk: TrunkID?,
        user: String?,
        plan: DialPlan,
        isPrivate: Bool = false,
        isAsserted: Bool = false,
        called: String? = nil
    ) {
        (self.tenant, self.direction, self.number, self.name) = (tenant, direction, number, name)
        (self.trunk, self.user, self.plan) = (trunk, user, plan)
        (self.isPrivate, self.isAsserted, self.called) = (isPrivate, isAsserted, called)
    }
}

/// What every call of a node is run with.
public struct CallSettings: Sendable {
    public var session: SessionSettings
    /// Codec names in order of preference.
    public var codecs: [String]
    /// Neither RTP nor RTCP from an answered leg that is not on hold for this long ends the call; nil never does.
    public var rtpTimeout: Duration?
    public var maximumDuration: Duration
    /// A party may be on hold for so long; nil: for ever.
    public var maximumHold: Duration?
    /// How long an answer waits for the call's record to be on disk before it goes out without.
    public var recordGrace: Duration = .seconds(2)
    /// How long a caller who is connected already hears why the call failed.
    public var toneDuration: Duration = .seconds(4)
    public var maximumRedirects = 5
    /// Where another trunk would be tried, each server of one has so long to send the first provisional.
    public var trunkPatience: Duration { session.timers.patience }
    /// How long a phone that the switch rings by itself may ring.
    public var originationTimeout: Duration = .seconds(60)

    public init(
        session: SessionSettings,
        codecs: [String],
        rtpTimeout: Duration?,
        maximumDuration: Duration,
        maximumHold: Duration? = nil
    ) {
        (self.session, self.codecs) = (session, codecs)
        (self.rtpTimeout, self.maximumDuration, self.maximumHold) = (rtpTimeout, maximumDuration, maximumHold)
    }
}

public import Events
public import NetAddress
public import SIPMessage
public import Timebase

/// One way to reach a user: a Contact that a phone registered (RFC 3261 §10).
public struct Binding: Sendable {
    public internal(set) var contact: SIPURI
    /// Where requests to it go: its own address, or the one that it was registered from where that is the better one.
    public internal(set) var target: Flow
    /// Where the REGISTER came from.
    public internal(set) var source: Flow
    /// 0 to 1000, thousandths (RFC 3261 §20.10).
    public internal(set) var q: Int
    public internal(set) var callID: String
    public internal(set) var cSeq: UInt32
    public internal(set) var userAgent: String?
    public internal(set) var registeredAt: WallTime
    public internal(set) var expiresAt: Moment
    /// Of the last keep-alive that was answered.
    public internal(set) var roundTrip: Duration?
    /// `+sip.instance` and `reg-id` (RFC 5626): the same phone's later registration replaces this one.
    var instance: String?
    /// Its address is not the one it writes from: a NAT is between us, whose binding must be kept open.
    var isBehindNAT: Bool
    /// That gave its port another number than its contact names.
    var isMapped = false
    /// The proxies that requests to it go by, the nearest to us first (RFC 3327).
    public internal(set) var path: [String] = []
    var probeSent: Instant?
    var missedProbes = 0

    /// What it was asked before it refreshed, and has not answered.
    mutating func goOn(from old: Binding) {
        (probeSent, missedProbes, roundTrip) = (old.probeSent, old.missedProbes, old.roundTrip)
    }

    /// Whether this is the same phone by another connection: its instance says so; where it has none, its name, host and program do, since the
    /// port of its Contact is often that of the connection.
    func isSamePhone(as other: Binding) -> Bool {
        guard instance == nil, other.instance == nil else { return instance == other.instance }
        return contact.user == other.contact.user && contact.host == other.contact.host && userAgent == other.userAgent
    }

    func changed(reason: String?) -> RegistrationChanged {
        RegistrationChanged(
            user: contact.user ?? "",
            contact: "\(contact)",
            transport: source.transport.rawValue,
            source: "\(source.remote)",
            userAgent: userAgent,
            expiresAt: expiresAt.wall,
            reason: reason
        )
    }
}

/// A binding as it is kept over a restart.
public struct StoredRegistration: Codable, Hashable, Sendable {
    public var user: UserID
    public var contact: String
    public var transport: Transport
    public var local: String
    public var remote: String
    public var q: Int
    public var callID: String
    public var cSeq: UInt32
    public var userAgent: String?
    public var instance: String?
    public var registeredAt: WallTime
    public var expiresAt: WallTime
    /// nil: it has none, or was kept by a release that knew of none.
    public var path: [String]?
    /// nil: no NAT is between us, or only the contact tells of one.
    public var isBehindNAT: Bool?
    /// nil: its contact names its port.
    public var isMapped: Bool?

    init(_ binding: Binding, of user: UserID) {
        self.user = user
        contact = "\(binding.contact)"
        transport = binding.source.transport
        local = "\(binding.source.local)"
        remote = "\(binding.source.remote)"
        (q, callID, cSeq) = (binding.q, binding.callID, binding.cSeq)
        (userAgent, instance) = (binding.userAgent, binding.instance)
        (registeredAt, expiresAt) = (binding.registeredAt, binding.expiresAt.wall)
        path = binding.path.isEmpty ? nil : binding.path
        isBehindNAT = binding.isBehindNAT ? true : nil
        isMapped = binding.isMapped ? true : nil
    }
}

public struct RegistrarLimits: Equatable, Sendable {
    /// Seconds.
    public var minExpires: Int
    public var defaultExpires: Int
    public var maxExpires: Int
    public var maxContacts: Int
    /// How often a phone behind a NAT is asked whether it is there, which keeps the NAT open; nil: never.
    public var keepAliveInterval: Duration?
    /// So many unanswered in a row end its binding.
    public var keepAliveFailures: Int

    public init(
        minExpires: Int = 60,
        defaultExpires: Int = 3600,
        maxExpires: Int = 3600,
        maxContacts: Int = 10,
        keepAliveInterval: Duration? = .seconds(30),
        keepAliveFailures: Int = 3
    ) {
        (self.minExpires, self.defaultExpires) = (minExpires, defaultExpires)
        (self.maxExpires, self.maxContacts) = (maxExpires, maxContacts)
        (self.keepAliveInterval, self.keepAliveFailures) = (keepAliveInterval, keepAliveFailures)
    }
}

/// A phone to be asked whether it is there.
public struct RegistrarProbe: Hashable, Sendable {
    public var user: UserID
    public var contact: SIPURI
    public var flow: Flow
}

/// What the registrar wants done.
public enum RegistrarAction: Sendable {
    case store(StoredRegistration)
    case remove(StoredRegistration)
    case publish(Event, TenantID)
    case probe(RegistrarProbe)
    /// The user's phone is reached by another stream than before.
    case moved(UserID, from: Flow, to: Flow)
}

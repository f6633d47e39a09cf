public import DialPlan
public import Events
public import NetAddress
public import SIP

/// One business account: the boundary of everything that belongs together.
public struct Tenant: Equatable, Sendable {
    public var id: TenantID
    /// In lower case.
    public var domains: [String]
    /// Of digest authentication (RFC 3261 §22): hashes of passwords are over it, so it outlives a change of domains.
    public var realm: String
    /// IANA name.
    public var timeZone: String
    /// Of prompts and announcements: the name of a folder of prompts.
    public var language = "en"
    /// What a party on hold hears where no queue says so: the name of a prompt in `music`.
    public var music = "default"
    public var users: [String: User]
    public var trunks: [String: Trunk]
    public var queues: [String: Queue]
    /// Empty: any reason will do.
    public var pauseReasons: [PauseReason]
    public var shifts: [ShiftPlan] = []
    public var recordings = RecordingPolicy()
    public var cdrSinks: [CDRSink] = []
    /// Numbers that plans look for, by the list's name.
    public var lists: [String: NumberList] = [:]
    /// The files that lists were read from.
    public var listFiles: [String: String] = [:]
    /// By the name that the tenant gives them.
    public var dialPlans: [String: DialPlan]
    /// Recordings that the tenant's own file names, each where it does.
    public var prompts: [PromptReference] = []
    /// Languages that it names, likewise.
    public var namedLanguages: [LanguageReference] = []

    public init(
        id: TenantID,
        domains: [String],
        timeZone: String = "UTC",
        users: [String: User] = [:],
        trunks: [String: Trunk] = [:],
        queues: [String: Queue] = [:],
        pauseReasons: [PauseReason] = [],
        dialPlans: [String: DialPlan] = [:]
    ) {
        (self.id, self.domains, self.timeZone, self.users) = (id, domains, timeZone, users)
        (self.trunks, self.queues, self.pauseReasons) = (trunks, queues, pauseReasons)
        self.dialPlans = dialPlans
        realm = domains.first ?? id.name
    }

    public func pauseReason(_ name: String) -> PauseReason? { pauseReasons.first { $0.name == name } }

    /// What users' calls run through.
    public var internalPlan: DialPlan? { dialPlans["internal"] }
}

extension Tenant {
    /// Where a caller goes whose wait ended so. `key`: the one that he pressed.
    public func wayOut(of queue: String, upon outcome: QueueOutcome, key: String? = nil) -> QueueWayOut {
        let settings = queues[queue]
        let place: Queue.Destination?
        switch outcome {
        case .timeout: place = settings?.onTimeout
        case .full: place = settings?.onFull
        case .empty:
            switch settings?.onEmpty {
            case .refuse: return .refused(.unavailable)
            case .leave(let elsewhere): place = elsewhere
            case .wait, nil: place = nil
            }
        case .key:
            guard let exit = key.flatMap({ settings?.exits[$0] }) else { return .line }
            place = exit
        case .answered, .callback, .closed, .calledBack, .abandoned, .transferred, .restart: place = nil
        }
        guard let place, let plan = dialPlans[place.dialPlan] else { return QueueWayOut(unruled: outcome) }
        return .flow(plan, place.flow)
    }
}

/// How calls are recorded.
public enum RecordingFormat: String, CaseIterable, Sendable {
    /// PCM, 16 bits, 8 kHz, two channels.
    case wav
    /// Ogg Opus, two channels.
    case opus

    public var fileExtension: String { self == .wav ? "wav" : "opus" }
}

/// Which calls are recorded past the queues' and plans' own words, and how long recordings are kept.
public struct RecordingPolicy: Equatable, Sendable {
    public var format: RecordingFormat = .wav
    public var directions: Set<CallDirection> = []
    /// Extensions whose talks are recorded.
    public var agents: Set<String> = []
    /// Of the calls that queues, agents and directions want recorded, how many are: per cent.
    public var share = 100
    /// nil: for ever.
    public var keep: Duration?
    /// Octets that the tenant's recordings may take together; the oldest go first. nil: no bound.
    public var quota: Int64?
    /// What an operator keys in during a talk, by what it does.
    public var keys: [Control: String] = [:]

    public enum Control: String, CaseIterable, Sendable {
        /// Begins a recording, and ends one that was begun so.
        case record
        /// Pauses a recording, and goes on with it.
        case pause
    }

    public init() {}
}

public struct User: Equatable, Sendable {
    public enum Role: String, CaseIterable, Sendable {
        case `operator`, supervisor, administrator

        public var maySupervise: Bool {
            switch self {
            case .operator: false
            case .supervisor, .administrator: true
            }
        }
    }

    /// The extension: digest user name and address of record.
    public var number: String
    public var name: String?
    public var role: Role
    /// Hashed when the file was read; the password itself is nowhere.
    public var credentials: Credentials
    /// What he logs in with at another's phone, kept like a password; nil: he cannot.
    public var pin: Credentials?
    /// What trunks are shown when he calls, where they take it; nil: his extension and name.
    public var callerID: CallerID?

    public init(number: String, name: String?, role: Role, credentials: Credentials) {
        (self.number, self.name, self.role, self.credentials) = (number, name, role, credentials)
    }
}

/// A carrier, or any peer that is known by its address.
public struct Trunk: Equatable, Sendable {
    /// OPTIONS, to know whether it is there (RFC 3261 §11).
    public struct Probe: Equatable, Sendable {
        public var isEnabled = true
        public var interval: Duration = .seconds(30)
        /// As many unanswered in a row mark it down.
        public var failures = 3

        public init() {}
    }

    /// We are the carrier's customer, and register with it so that its calls find us (RFC 3261 §10.2).
    public struct Registration: Equatable, Sendable {
        /// Of the address of record and of our Contact: what its calls are for.
        public var user: String
        /// What we ask for, in seconds.
        public var expires = 3600

        public init(user: String) { self.user = user }
    }

    public var name: String
    /// A name or an address.
    public var host: String
    /// nil: DNS says, where `host` is a name, and else 5060.
    public var port: UInt16?
    /// nil: DNS says, where `host` is a name without a port, and else UDP.
    public var transport: Transport?
    public var acceptFrom: [Subnet]
    /// Calls from any server of `host` are the trunk's too.
    public var acceptsFromHost = false
    public var identifyPort: UInt16?
    public var maxCalls: Int?
    public var callsPerSecond: Int?
    /// What its calls run through; nil: it sends us none.
    public var dialPlan: String?
    /// What answers its challenges.
    public var credentials: Credentials?
    /// nil: it knows where we are.
    public var registration: Registration?
    public var probe = Probe()
    /// It is entrusted with who calls (P-Asserted-Identity), whoever else may know.
    public var takesIdentity = false
    /// nil: it is shown whoever calls, as he is known here.
    public var callerID: CallerIDRule?

    public init(name: String, host: String, port: UInt16? = nil, transport: Transport? = nil) {
        (self.name, self.host, self.port, self.transport) = (name, host, port, transport)
        acceptFrom = []
    }

    /// `accept_from` as it is written.
    var acceptedSources: [String] { (acceptsFromHost ? [host] : []) + acceptFrom.map(\.description) }

    /// What is asked of DNS to find it; `supported` are the transports that this node listens on.
    public func query(supporting supported: [Transport]) -> ServerQuery {
        ServerQuery(host: host, port: port, transport: transport, supported: supported)
    }
}

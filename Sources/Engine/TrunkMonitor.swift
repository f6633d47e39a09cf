import Config
import Events
import NetAddress
import SIP
import Timebase

/// Whether a trunk answers, how many calls it carries, and how fast they may come.
struct TrunkMonitor {
    let trunk: Trunk
    let query: ServerQuery
    /// The servers of its host; nil while nobody has told.
    private(set) var location: ServerLocation?
    /// Servers that failed, and until when others are tried before them.
    private(set) var avoided: [ServerTarget: Instant] = [:]
    /// The addresses that its servers had of late, and until when they are its.
    private var sources: [IPAddress: Instant] = [:]
    private(set) var isUp = true
    private(set) var failures = 0
    private(set) var activeCalls = 0
    private(set) var roundTrip: Duration?
    private(set) var downSince: Moment?
    private(set) var lastFailure: String?
    var nextProbe: Instant
    var probeSent: Instant?
    private var restsUntil: Instant?
    private var bucket: TokenBucket
    /// Its calls that were refused for its limits, and those of them that are nowhere else.
    private(set) var (turnedAway, unrecorded): (UInt64, UInt64) = (0, 0)
    private var records: TokenBucket

    /// `transports`: what we have; `carrying`: calls that are on it already.
    init(trunk: Trunk, transports: [Transport] = [.udp, .tcp], carrying calls: Int = 0, now: Instant) {
        (self.trunk, activeCalls) = (trunk, calls)
        query = trunk.query(supporting: transports)
        location = query.known
        nextProbe = now
        bucket = TokenBucket(perSecond: trunk.callsPerSecond, now: now)
        records = TokenBucket(perSecond: 1, atMost: Self.recordsInHand, now: now)
    }

    /// Keeps what a trunk has lived through when its configuration changes.
    init(trunk: Trunk, transports: [Transport] = [.udp, .tcp], keeping old: TrunkMonitor, now: Instant) {
        self = TrunkMonitor(trunk: trunk, transports: transports, now: now)
        activeCalls = old.activeCalls
        bucket = TokenBucket(perSecond: trunk.callsPerSecond, keeping: old.bucket, now: now)
        (turnedAway, unrecorded, records) = (old.turnedAway, old.unrecorded, old.records)
        // Of one that is not asked any more nobody would learn that it is back: it is tried.
        if trunk.probe.isEnabled { (isUp, downSince, lastFailure) = (old.isUp, old.downSince, old.lastFailure) }
        // What another address failed to answer says nothing of this one.
        guard query == old.query else { return }
        (location, avoided, sources, restsUntil) = (old.location, old.avoided, old.sources, old.restsUntil)
        roundTrip = old.roundTrip
        if trunk.probe.isEnabled { (failures, probeSent) = (old.failures, old.probeSent) }
    }

    /// Takes one place for a call; nil when it has one, else seconds to wait (Retry-After).
    mutating func admit(now: Instant) -> Int? {
        if let maximum = trunk.maxCalls, activeCalls >= maximum { return 5 }
        guard bucket.take(now: now) else { return 1 }
        activeCalls += 1
        return nil
    }

    /// Counts a call of its own that it has no place for. True: it is to have a record, as its carrier has one; of a flood not all do.
    mutating func turnsAwayOnRecord(now: Instant) -> Bool {
        turnedAway &+= 1
        guard records.take(now: now) else {
            unrecorded &+= 1
            return false
        }
        return true
    }

    /// It asked for it (RFC 3261 §21.5.4). Carriers say so of one number or of a burst, too: the next call after a while asks again.
    mutating func leaveAlone(for seconds: Int, now: Instant) {
        restsUntil = now + .seconds(min(max(seconds, 0), Self.longestRest))
    }

    /// Seconds that it is still to be left alone; nil: none.
    func rest(now: Instant) -> Int? {
        guard let restsUntil, restsUntil > now else { return nil }
        return Int((restsUntil - now).inSeconds.rounded(.up))
    }

    mutating func release() { activeCalls = max(0, activeCalls - 1) }

    /// An answer to OPTIONS, whatever its status: somebody is there. Returns true when the trunk comes up by it.
    ///
    /// `repeated`: after so long the question was sent again (nil: over a stream it never is). Which of the two a later answer is to,
    /// nobody knows: it tells no round trip (Karn's algorithm, RFC 6298 §3).
    mutating func answered(now: Instant, repeated: Duration?) -> Bool {
        if let sent = probeSent, repeated.map({ now - sent < $0 }) ?? true { roundTrip = now - sent }
        probeSent = nil
        failures = 0
        guard !isUp else { return false }
        isUp = true
        downSince = nil
        lastFailure = nil
        return true
    }

    /// No answer. Returns true when the trunk goes down by it.
    mutating func missed(_ why: String, now: Moment) -> Bool {
        probeSent = nil
        failures += 1
        lastFailure = why
        guard isUp, failures >= trunk.probe.failures else { return false }
        isUp = false
        downSince = now
        return true
    }

    // MARK: its servers

    /// As the administrator reads it: with a port unless DNS says it.
    var address: String {
        let port = trunk.port ?? query.known?.servers.first?.port
        return trunk.host + (port.map { ":\($0)" } ?? "")
    }

    /// DNS has to be asked where it is.
    var isNamed: Bool { query.known == nil }

    /// In the order in which a request tries them (RFC 3263 §4.2, §4.3): those that failed of late come last.
    mutating func targets(now: Instant, using generator: inout some RandomNumberGenerator) -> [ServerTarget] {
        avoided = avoided.filter { $0.value > now }
        let targets = location?.targets(using: &generator) ?? []
        return targets.filter { avoided[$0] == nil } + targets.filter { avoided[$0] != nil }
    }

    /// A server failed. Returns true when nobody knew.
    mutating func avoid(_ target: ServerTarget, for seconds: Int?, now: Instant) -> Bool {
        guard location?.has(target) == true else { return false }
        let wait = Duration.seconds(min(max(seconds ?? 0, Self.shortestAbsence), Self.longestAbsence))
        return avoided.updateValue(now + wait, forKey: target) == nil
    }

    /// It answers. Returns true when it was avoided until now.
    mutating func restore(_ target: ServerTarget) -> Bool { avoided.removeValue(forKey: target) != nil }

    /// Whether one of its servers has this address, or had it of late.
    func hasServer(at address: IPAddress, now: Instant) -> Bool {
        location?.addresses.contains(address.unmapped) == true || sources[address.unmapped].map { $0 > now } ?? false
    }

    /// Names that are answered in turns with some of many addresses are known by all of them.
    mutating func note(_ location: ServerLocation, now: Instant) {
        sources = sources.filter { $0.value > now }
        for address in location.addresses where sources.count < Self.mostSources {
            sources[address] = now + Self.sourceMemory
        }
        self.location = location
    }

    /// Seconds.
    private static let longestRest = 60
    private static let shortestAbsence = 60
    private static let longestAbsence = 600
    private static let sourceMemory: Duration = .seconds(3600)
    private static let mostSources = 256
    private static let recordsInHand = 60
}

/// At most so many a second, with one second's worth in hand unless it says another number.
struct TokenBucket {
    private let perSecond: Int?
    private let most: Double
    private var tokens: Double
    private var filled: Instant

    init(perSecond: Int?, atMost most: Int? = nil, now: Instant) {
        self.perSecond = perSecond
        self.most = Double(most ?? perSecond ?? 0)
        tokens = self.most
        filled = now
    }

    /// With what the one of before has left: a change of the configuration is no new second.
    init(perSecond: Int?, keeping old: TokenBucket, now: Instant) {
        self.init(perSecond: perSecond, now: now)
        guard old.perSecond != nil else { return }
        (tokens, filled) = (min(tokens, old.tokens), old.filled)
    }

    mutating func take(now: Instant) -> Bool {
        guard let perSecond else { return true }
        tokens = min(most, tokens + (now - filled).inSeconds * Double(perSecond))
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}

import Config
import Events
import NetAddress
import Timebase

/// Whether a trunk answers, how many calls it carries, and how fast they may come.
struct TrunkMonitor {
    let trunk: Trunk
    /// The addresses of its host; empty while the name is unknown.
    var addresses: [IPAddress]
    private(set) var isUp = true
    private(set) var failures = 0
    private(set) var activeCalls = 0
    private(set) var roundTrip: Duration?
    private(set) var downSince: Moment?
    private(set) var lastFailure: String?
    var nextProbe: Instant
    var probeSent: Instant?
    private var bucket: TokenBucket

    init(trunk: Trunk, now: Instant) {
        self.trunk = trunk
        addresses = IPAddress(trunk.host).map { [$0] } ?? []
        nextProbe = now
        bucket = TokenBucket(perSecond: trunk.callsPerSecond, now: now)
    }

    /// Keeps what a trunk has lived through when its configuration changes.
    init(trunk: Trunk, keeping old: TrunkMonitor, now: Instant) {
        self = TrunkMonitor(trunk: trunk, now: now)
        (isUp, failures, activeCalls) = (old.isUp, old.failures, old.activeCalls)
        (roundTrip, downSince, lastFailure) = (old.roundTrip, old.downSince, old.lastFailure)
        if trunk.host == old.trunk.host { addresses = old.addresses }
    }

    /// Takes one place for a call; nil when it has one, else seconds to wait (Retry-After).
    mutating func admit(now: Instant) -> Int? {
        if let maximum = trunk.maxCalls, activeCalls >= maximum { return 5 }
        guard bucket.take(now: now) else { return 1 }
        activeCalls += 1
        return nil
    }

    mutating func release() { activeCalls = max(0, activeCalls - 1) }

    /// An answer to OPTIONS, whatever its status: somebody is there. Returns true when the trunk comes up by it.
    mutating func answered(now: Instant) -> Bool {
        if let sent = probeSent { roundTrip = now - sent }
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
        // Of several addresses the next is tried (RFC 3263 §4.2).
        if let silent = addresses.first { addresses = addresses.dropFirst() + [silent] }
        guard isUp, failures >= trunk.probe.failures else { return false }
        isUp = false
        downSince = now
        return true
    }
}

/// At most so many a second, with one second's worth in hand.
struct TokenBucket {
    private let perSecond: Int?
    private var tokens: Double
    private var filled: Instant

    init(perSecond: Int?, now: Instant) {
        self.perSecond = perSecond
        tokens = Double(perSecond ?? 0)
        filled = now
    }

    mutating func take(now: Instant) -> Bool {
        guard let perSecond else { return true }
        tokens = min(Double(perSecond), tokens + (now - filled).inSeconds * Double(perSecond))
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}

public import Events
import Timebase

/// A time in which an agent's state was one and the same.
public struct AgentInterval: Codable, Equatable, Sendable {
    public var agent: String
    public var state: AgentState
    /// Of a pause.
    public var reason: String?
    /// Whose call rang, was talked in, or was wrapped up.
    public var queue: String?
    public var callID: String?
    /// Milliseconds since 1970.
    public var sinceMilliseconds: Int64
    /// Where the next one begins; nil while it lasts.
    public var untilMilliseconds: Int64?

    public init(
        agent: String,
        state: AgentState,
        reason: String? = nil,
        queue: String? = nil,
        callID: String? = nil,
        sinceMilliseconds: Int64,
        untilMilliseconds: Int64? = nil
    ) {
        (self.agent, self.state, self.reason, self.queue, self.callID) = (agent, state, reason, queue, callID)
        (self.sinceMilliseconds, self.untilMilliseconds) = (sinceMilliseconds, untilMilliseconds)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case agent, state, reason, queue
        case callID = "call_id"
        case sinceMilliseconds = "since_ms"
        case untilMilliseconds = "until_ms"
    }
}

/// Folds agents' changes into intervals that tile time from each agent's first log-in on: one closes exactly where the next begins.
///
/// A stamp is the shift's start on the wall clock and the monotonic time since: a clock that is set in a shift makes neither a gap
/// nor an overlap. The next shift begins by the wall clock again; the time between the two takes up what the clock jumped.
public struct AgentLedger: Sendable {
    public struct Change: Equatable, Sendable {
        /// nil for the first interval, and for one that had no whole millisecond: the new one stands in its place.
        public var closed: AgentInterval?
        public var opened: AgentInterval
    }

    private struct Page: Sendable {
        var anchor: Moment
        var open: AgentInterval
        /// The queue and the call talked in last: its wrap-up names it.
        var talk: (queue: String, call: String)?

        func stamp(_ moment: Moment) -> Int64 {
            anchor.wall.advanced(by: moment.instant - anchor.instant).milliseconds
        }

        mutating func note(_ change: AgentChanged, _ call: String?) {
            if change.state == .onCall, let queue = change.queue, let call { talk = (queue, call) }
        }
    }

    private var pages: [AgentKey: Page] = [:]

    public init() {}

    /// What an event changed; nil when it changed nothing.
    public mutating func apply(_ envelope: EventEnvelope) -> Change? {
        guard case .agentChanged(let change) = envelope.event, let tenant = envelope.tenant else { return nil }
        let key = AgentKey(tenant: tenant, agent: change.agent)
        let call = envelope.call?.value
        guard var page = pages[key] else {
            // Time counts from the first log-in on.
            guard change.state != .loggedOut else { return nil }
            let first = interval(change, call, since: envelope.at.wall.milliseconds)
            var page = Page(anchor: envelope.at, open: first)
            page.note(change, call)
            pages[key] = page
            return Change(closed: nil, opened: first)
        }
        let wrappedUp = page.talk.flatMap { change.state == .wrapUp && $0.queue == change.queue ? $0.call : nil }
        if page.open.state == .loggedOut, change.state != .loggedOut {
            let start = max(envelope.at.wall.milliseconds, page.open.sinceMilliseconds)
            page.anchor = Moment(instant: envelope.at.instant, wall: WallTime(milliseconds: start))
        }
        let stamp = max(page.stamp(envelope.at), page.open.sinceMilliseconds)
        let next = interval(change, wrappedUp ?? call, since: stamp)
        guard !next.isSame(as: page.open) else { return nil }
        var closed: AgentInterval? = page.open
        closed?.untilMilliseconds = stamp
        if page.open.sinceMilliseconds == stamp { closed = nil }
        page.open = next
        page.note(change, call)
        pages[key] = page
        return Change(closed: closed, opened: next)
    }

    private func interval(_ change: AgentChanged, _ call: String?, since: Int64) -> AgentInterval {
        AgentInterval(
            agent: change.agent,
            state: change.state,
            reason: change.reason,
            queue: change.queue,
            callID: call,
            sinceMilliseconds: since
        )
    }
}

extension AgentInterval {
    /// Whether nothing but the time differs.
    fileprivate func isSame(as other: AgentInterval) -> Bool {
        state == other.state && reason == other.reason && queue == other.queue && callID == other.callID
    }
}

/// An agent among those of all tenants.
struct AgentKey: Hashable, Sendable {
    var tenant: TenantID
    var agent: String
}

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

        func stamp(_ moment: Moment) -> Int64 {
            anchor.wall.advanced(by: moment.instant - anchor.instant).milliseconds
        }
    }

    private var pages: [AgentKey: Page] = [:]
    /// The queue and the call that each talked in last: its wrap-up names it.
    private var talks: [AgentKey: (queue: String, call: String)] = [:]

    public init() {}

    /// A talk of an earlier run whose wrap-up may go on in this one.
    public mutating func restore(_ unsettled: QueueStayAssembler.Unsettled, of tenant: TenantID) {
        guard let agent = unsettled.stay.agent else { return }
        talks[AgentKey(tenant: tenant, agent: agent)] = (unsettled.stay.queue, unsettled.talkedIn)
    }

    /// What an event changed; nil when it changed nothing.
    public mutating func apply(_ envelope: EventEnvelope) -> Change? {
        guard case .agentChanged(let change) = envelope.event, let tenant = envelope.tenant else { return nil }
        let key = AgentKey(tenant: tenant, agent: change.agent)
        let call = call(of: change, envelope.call?.value, key)
        guard var page = pages[key] else {
            // Time counts from the first log-in on.
            guard change.state != .loggedOut else { return nil }
            let first = interval(change, call, since: envelope.at.wall.milliseconds)
            pages[key] = Page(anchor: envelope.at, open: first)
            return Change(closed: nil, opened: first)
        }
        if page.open.state == .loggedOut, change.state != .loggedOut {
            let start = max(envelope.at.wall.milliseconds, page.open.sinceMilliseconds)
            page.anchor = Moment(instant: envelope.at.instant, wall: WallTime(milliseconds: start))
        }
        let stamp = max(page.stamp(envelope.at), page.open.sinceMilliseconds)
        let next = interval(change, call, since: stamp)
        guard !next.isSame(as: page.open) else { return nil }
        var closed: AgentInterval? = page.open
        closed?.untilMilliseconds = stamp
        if page.open.sinceMilliseconds == stamp { closed = nil }
        page.open = next
        pages[key] = page
        return Change(closed: closed, opened: next)
    }

    /// The call that a change is of, be it over.
    private mutating func call(of change: AgentChanged, _ call: String?, _ key: AgentKey) -> String? {
        switch change.state {
        case .onCall:
            if let queue = change.queue, let call { talks[key] = (queue, call) }
        case .wrapUp:
            if let talk = talks[key], talk.queue == change.queue { return talk.call }
        case .loggedOut, .available, .ringing, .paused, .unreachable, .blocked: break
        }
        return call
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

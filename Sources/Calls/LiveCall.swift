import Config
public import Events
public import Timebase

/// A call as the live view shows it (contract: live call).
public struct LiveCall: Sendable {
    public enum State: String, CaseIterable, Sendable { case setup, ringing, ivr, queued, talking, held, transferring }

    public var id: CallID
    public var tenant: TenantID
    public var state: State
    public var from: String
    public var to: String
    public var user: String?
    public var trunk: String?
    public var queue: String?
    public var agent: String?
    /// The slot that it waits in.
    public var slot: String?
    public var started: Moment
    /// When the present state began.
    public var since: Moment
    /// Of what either side sends, as of the last second; nil before anything came.
    public var mosA: Double?
    public var mosB: Double?

    init(_ call: Call) {
        id = call.id
        tenant = call.tenant.id
        from = call.from
        to = call.to
        user = call.user
        trunk = call.trunk?.name
        started = call.started
        since = call.stageChanged
        mosA = call.legs.last { $0.side == .caller && !$0.isOver }?.mos
        mosB = call.legs.last { $0.side == .callee && !$0.isOver }?.mos
        queue = call.served?.queue.name
        agent = call.served?.agent.number
        switch call.stage {
        case .deciding, .answering: state = call.callerIsAnswered ? .ivr : .setup
        case .dialing: state = call.isRinging ? .ringing : .setup
        case .echoing, .sounding, .telling, .asking, .consulting: state = .ivr
        case .queued(let stay):
            state = .queued
            queue = stay.queue.name
        // His agent hears whose call it is.
        case .introducing: state = .queued
        case .supervising: state = .talking
        case .parked(let parking):
            state = .held
            slot = parking.slot
        // The callee has answered, and the caller's 200 waits.
        case .talking where !call.callerIsAnswered: state = .ringing
        case .talking: state = call.legs.contains { $0.holds } ? .held : .talking
        case .ending: state = .talking
        }
        if call.transfer != nil { state = .transferring }
    }
}

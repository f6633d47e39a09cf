import NetAddress
import SIPMessage
import Timebase

/// The server's two machines (RFC 3261 §17.2, with Accepted of RFC 6026 §7.1).
///
/// ```
///  INVITE:  proceeding ──300–699──▶ completed ──ACK──▶ confirmed ──I──▶ terminated
///               └───────2xx───────▶ accepted ──L──▶ terminated
///  others:  proceeding ──200–699──▶ completed ──J──▶ terminated
/// ```
struct ServerTransaction: Sendable {
    enum State: Sendable { case proceeding, completed, confirmed, accepted, terminated }

    enum Timer: Hashable, Sendable {
        /// G.
        case retransmit
        /// H: no ACK came for a final answer other than 2xx.
        case giveUp
        /// I, J or L.
        case linger
    }

    enum Effect: Sendable {
        case transmit([UInt8])
        case start(Timer, after: Duration)
        case stop(Timer)
        case unacknowledged
        case terminated
    }

    let key: ServerKey
    let mergeKey: MergeKey?
    /// Where responses go (§18.2.2, RFC 3581 §4).
    let replyFlow: Flow
    private let timers: SIPTimers
    private(set) var state: State = .proceeding
    private var last: [UInt8]?
    /// The tag we gave the dialog, so that a CANCEL is answered with the same (§9.2).
    private(set) var toTag: String?
    private var interval: Duration

    init(key: ServerKey, mergeKey: MergeKey?, replyFlow: Flow, timers: SIPTimers) {
        (self.key, self.mergeKey, self.replyFlow, self.timers) = (key, mergeKey, replyFlow, timers)
        interval = timers.t1
    }

    private var isInvite: Bool { key.method == .invite }
    var awaitsFinal: Bool { state == .proceeding }

    mutating func respond(_ response: SIPResponse) -> [Effect] {
        guard state == .proceeding else { return [] }
        let bytes = response.write()
        last = bytes
        if response.status > 100 { toTag = response.toTag }
        guard response.status >= 200 else { return [.transmit(bytes)] }
        if isInvite, response.status < 300 {
            state = .accepted
            // The session repeats its 2xx itself (§13.3.1.4).
            last = nil
            return [.transmit(bytes), .start(.linger, after: timers.giveUp)]
        }
        state = .completed
        if isInvite {
            var effects: [Effect] = [.transmit(bytes), .start(.giveUp, after: timers.giveUp)]
            if !replyFlow.transport.isReliable { effects.append(.start(.retransmit, after: interval)) }
            return effects
        }
        guard !replyFlow.transport.isReliable else {
            state = .terminated
            return [.transmit(bytes), .terminated]
        }
        return [.transmit(bytes), .start(.linger, after: timers.giveUp)]
    }

    /// The request came again.
    mutating func repeated() -> [Effect] {
        switch state {
        case .proceeding, .completed: last.map { [.transmit($0)] } ?? []
        case .confirmed, .accepted, .terminated: []
        }
    }

    /// An ACK with the INVITE's branch: for a final answer other than 2xx. False: it is for a 2xx, and the session's.
    mutating func acknowledge() -> (isAbsorbed: Bool, effects: [Effect]) {
        switch state {
        case .completed where isInvite:
            state = .confirmed
            last = nil
            let stops: [Effect] = [.stop(.retransmit), .stop(.giveUp)]
            guard !replyFlow.transport.isReliable else {
                state = .terminated
                return (true, stops + [.terminated])
            }
            return (true, stops + [.start(.linger, after: timers.t4)])
        case .accepted: return (false, [])
        case .proceeding, .completed, .confirmed, .terminated: return (true, [])
        }
    }

    mutating func fired(_ timer: Timer) -> [Effect] {
        switch timer {
        case .retransmit:
            guard state == .completed, let last else { return [] }
            interval = min(interval * 2, timers.t2)
            return [.transmit(last), .start(.retransmit, after: interval)]
        case .giveUp:
            guard state == .completed else { return [] }
            state = .terminated
            return [.stop(.retransmit), .unacknowledged, .terminated]
        case .linger:
            state = .terminated
            return [.terminated]
        }
    }
}

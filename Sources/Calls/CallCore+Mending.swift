import ACD
import Events
import Media
import Timebase

/// What must hold of calls between turns, looked at once a second.
extension CallCore {
    /// The last words of a leg, with all their repetitions (RFC 3261 §17.1.2.2), are over long before.
    static let longestEnding: Duration = .seconds(120)

    /// Looks whether queues, agents, supervisors, calls and ports agree with each other, and brings back what does not.
    public func mend() -> Mending {
        let (found, left, actions) = acd.mend(at: now)
        dispatch { _ in actions }
        return Mending(found: found + mendQueues() + mendSupervision() + mendOffers() + mendCalls(), left: left)
    }

    /// The calls that are meant, in their order: what is mended in a simulation is mended alike in each run of it.
    func calls(where isMeant: (Call) -> Bool) -> [Call] { everyCall.filter(isMeant).sorted { $0.id < $1.id } }

    /// Compares what the dispatcher knows with the calls that live.
    private func mendQueues() -> [String] {
        var faults: [String] = []
        for id in acd.knownCalls.filter({ call($0)?.isEnding ?? (callbacks[$0] == nil) }).sorted() {
            faults.append("\(id) is over, and the queues did not know")
            dispatch { $0.gone(id, at: now) }
        }
        let queued = everyCall.compactMap { call -> (call: Call, stay: Call.QueueStay)? in
            if case .queued(let stay) = call.stage { (call, stay) } else { nil }
        }
        for (call, stay) in queued.sorted(by: { $0.call.id < $1.call.id }) {
            guard let caller = acd.caller(call.id, at: now) else {
                faults.append("\(call.id) waits in queue \(stay.queue.name), which does not know him")
                call.mustLeave(stay.queue, .closed)
                continue
            }
            for agent in stay.ringing.keys.filter({ !caller.ringing.contains($0) }).sorted(by: { $0.number < $1.number }
            ) {
                faults.append("\(agent) is rung for \(call.id), and the queue does not want it")
                call.withdrawn(from: agent, .withdrawn)
            }
        }
        return faults
    }

    /// An offer whose other end is over would stay under way for the rest of the call, and no other could be made.
    private func mendOffers() -> [String] {
        var faults: [String] = []
        for call in calls(where: { !$0.isEnding && $0.hasLostOffer }) {
            for index in call.legs.indices where call.legs[index].isOver && call.isInOffer(index) {
                faults.append("\(call.id) had an offer under way with leg \(index), which is over")
                call.dropOffers(of: index)
            }
        }
        return faults
    }

    /// Ends legs and closes ports that outlived their call.
    private func mendCalls() -> [String] {
        var faults: [String] = []
        let late = calls {
            guard case .ending(_, let since) = $0.stage else { return false }
            return now.instant - since.instant > Self.longestEnding
        }
        for call in late {
            faults.append("\(call.id) ended long ago, and legs or ports of it were left")
            call.abandonLegs()
        }
        let orphaned = ports.filter { call($1.call) == nil }
        for (port, leg) in orphaned.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            faults.append("media port \(port.rawValue) was open for \(leg.call), which is no more")
            giveUpPort(port)
        }
        return faults
    }
}

import Accounting
import Events

/// Counts calls and legs by their events, and notes what must not be.
final class CallTally: EventSubscriber {
    private var assembler = CallRecordAssembler()
    private var legs: [CallID: Set<Int>] = [:]
    private var ended: Set<CallID> = []
    private var opened: [CallID] = []
    private(set) var started = 0
    private(set) var answered = 0
    private(set) var waits: [QueueOutcome: Int] = [:]
    private(set) var closed = 0
    private(set) var transfers = (begun: 0, done: 0)
    private(set) var missedOffers = 0
    private(set) var holds = 0
    /// Calls of a code that went on in another call: picked up, or taken out of a slot.
    private(set) var pickUps = 0
    /// Callbacks by what became of them last.
    private var wishes: [String: CallbackChanged] = [:]
    private(set) var faults: [String] = []

    var callbacks: [CallbackState: Int] { Dictionary(grouping: wishes.values, by: \.state).mapValues(\.count) }
    /// What the records would have of them after a restart.
    var openCallbacks: [CallbackChanged] { wishes.values.filter(\.state.isOpen).sorted { $0.id < $1.id } }

    /// Calls that a restart cut off: whoever keeps records closes them at the next start.
    private(set) var cut = 0
    private var hasNews = false

    var unclosed: Int { assembler.count }

    /// Whether anything but messages was told of since the last call.
    func takeNews() -> Bool {
        defer { hasNews = false }
        return hasNews
    }

    func restart() {
        cut += assembler.count
        (assembler, legs) = (CallRecordAssembler(), [:])
    }

    func takeOpened() -> [CallID] {
        defer { opened = [] }
        return opened
    }

    func receive(_ envelope: EventEnvelope) {
        // A BYE may still be repeated when its call's record is closed; nothing else happens by then.
        if case .sip = envelope.event { return }
        hasNews = true
        if case .callbackChanged(let callback) = envelope.event { follow(callback) }
        guard let call = envelope.call else { return }
        // A recording is final after its call, and a state of an agent is his own.
        switch envelope.event {
        case .recordingEnded, .agentChanged: return
        default: break
        }
        if ended.contains(call) { faults.append("\(envelope.event) after the call's end") }
        switch envelope.event {
        case .callStarted:
            started += 1
            legs[call] = [0]
        case .transferStarted: transfers.begun += 1
        case .callHeld: holds += 1
        case .queueOfferEnded(let end): if end.result != .answered { missedOffers += 1 }
        case .transferEnded(let end): if end.isDone { transfers.done += 1 }
        case .queueLeft(let left): waits[left.outcome, default: 0] += 1
        case .legStarted(let leg): legs[call, default: []].insert(leg.leg)
        case .legEnded(let end):
            if legs[call]?.remove(end.leg) == nil { faults.append("leg \(end.leg) ended twice") }
        case .callEnded(let end):
            ended.insert(call)
            if end.reason == "picked-up" { pickUps += 1 }
            if let left = legs.removeValue(forKey: call), !left.isEmpty {
                faults.append("legs \(left.sorted()) outlived their call")
            }
        default: break
        }
        switch assembler.apply(envelope) {
        case .opened: opened.append(call)
        case .closed(let record):
            closed += 1
            if record.answeredAt != nil { answered += 1 }
            if record.disposition == nil { faults.append("a record without disposition") }
        case .answered, .changed, nil: break
        }
    }

    private func follow(_ callback: CallbackChanged) {
        if let before = wishes[callback.id], !before.state.isOpen { faults.append("a callback goes on after its end") }
        wishes[callback.id] = callback
        if callback.attempts > 2 { faults.append("\(callback.attempts) attempts of a callback, and two are enough") }
    }
}

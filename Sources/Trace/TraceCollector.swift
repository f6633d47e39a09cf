public import Events
import Timebase

/// Gathers the traces of the calls that live. Sans-IO and bounded: a call, and all calls together, take no more memory than
/// `TraceLimits` grants; what comes after that is counted instead.
public struct TraceCollector: Sendable {
    private struct Live: Sendable {
        var trace: CallTrace
        var octets = 0
    }

    private let limits: TraceLimits
    private var live: [CallID: Live] = [:]
    private var octets = 0

    public init(limits: TraceLimits = TraceLimits()) { self.limits = limits }

    /// The trace so far of a call that lives.
    public func trace(of call: CallID) -> CallTrace? { live[call]?.trace }

    /// Takes an event in; gives the whole trace back when it was the call's last.
    public mutating func apply(_ envelope: EventEnvelope) -> CallTrace? {
        guard let id = envelope.call, let tenant = envelope.tenant else { return nil }
        if case .callStarted(let start) = envelope.event {
            let trace = CallTrace(callID: id, tenant: tenant, started: envelope.at, from: start.from, to: start.to)
            if live[id] == nil { live[id] = Live(trace: trace) }
        }
        guard live[id] != nil else { return nil }
        if let kind = TraceEntry.Kind(envelope.event) { append(kind, to: id, at: envelope.at) }
        guard case .callEnded = envelope.event, let done = live.removeValue(forKey: id) else { return nil }
        octets -= done.octets
        return done.trace
    }

    private mutating func append(_ kind: TraceEntry.Kind, to id: CallID, at moment: Moment) {
        // In place: whoever takes the trace out to change it copies all its entries, with every message.
        guard let place = live.index(forKey: id) else { return }
        let size =
            switch kind {
            case .message(let message): message.text.utf8.count + 128
            case .event(let text): text.utf8.count + 32
            }
        let isFull =
            live.values[place].trace.entries.count >= limits.entries
            || live.values[place].octets + size > limits.octets || octets + size > limits.octetsOfAll
        guard !isFull else { return live.values[place].trace.omitted += 1 }
        let offset = (moment.instant - live.values[place].trace.started.instant).wholeNanoseconds / 1000
        live.values[place].trace.entries.append(TraceEntry(offset: offset, kind: kind))
        live.values[place].octets += size
        octets += size
    }
}

/// What traces may take.
public struct TraceLimits: Sendable {
    /// Of one call.
    public var entries = 500
    public var octets = 256 * 1024
    /// Of all calls that live.
    public var octetsOfAll = 256 * 1024 * 1024

    public init() {}
}

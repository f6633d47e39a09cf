public import Events
public import Timebase

/// Gathers the traces of the calls that live. Sans-IO and bounded: a call, and all calls together, take no more memory than
/// `TraceLimits` grants; what comes after that is counted instead.
public struct TraceCollector: Sendable {
    private struct Live: Sendable {
        var trace: CallTrace
        var octets = 0
        /// How many of its entries were put out, and since when there are more.
        var kept = 0
        var unkept: Instant?
    }

    private let limits: TraceLimits
    private var live: [CallID: Live] = [:]
    private var octets = 0

    public init(limits: TraceLimits = TraceLimits()) { self.limits = limits }

    /// The trace so far of a call that lives.
    public func trace(of call: CallID) -> CallTrace? { live[call]?.trace }

    /// What has come into the traces of living calls since it was last put out, where that is so long ago: after a crash it is what is known
    /// of them.
    public mutating func unkept(for age: Duration, at instant: Instant) -> [TracePart] {
        let due = live.filter { $0.value.unkept.map { instant - $0 >= age } ?? false }.keys
        return due.sorted().compactMap { id in
            guard var call = live.removeValue(forKey: id) else { return nil }
            let first = call.kept
            var part = call.trace
            part.entries = Array(call.trace.entries[first...])
            (call.kept, call.unkept) = (call.trace.entries.count, nil)
            live[id] = call
            return TracePart(trace: part, first: first)
        }
    }

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
        if live.values[place].unkept == nil { live.values[place].unkept = moment.instant }
    }
}

/// Some entries of a living call's trace, those behind the ones that were put out before.
public struct TracePart: Equatable, Sendable {
    public var trace: CallTrace
    /// The place of its first entry in the whole.
    public var first: Int

    public init(trace: CallTrace, first: Int) { (self.trace, self.first) = (trace, first) }
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

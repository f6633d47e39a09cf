import CLinuxIO
import Calls
import Config
import DialPlan
import Engine
import Events
import Media
import NIOCore
import NetAddress
import RecordingIO
import Records
import SIP
import SIPMessage
import SignallingIO
import Synchronization
import Timebase

/// The engine on its loop: whatever happens to the switch goes through here, in order, and the loop sleeps until the engine's next
/// deadline.
final class Core: SignallingReceiver {
    let loop: any EventLoop
    let engine: Engine
    let records: RecordWriter
    let outlet: Outlet
    /// A listener on "any address" is known to peers by one of these.
    private let advertised: OwnAddresses
    private var alarm: Scheduled<Void>?
    private var alarmAt: Instant?
    private var isTurning = false
    private var nextWatch = Instant(nanoseconds: 0)
    private var nextWordOfDescriptors = Instant(nanoseconds: 0)
    private var watches: UInt64 = 0
    private(set) var invariants = Invariants()
    private(set) var stalls: UInt64 = 0
    /// Calls that were taken in the last second.
    private(set) var callsPerSecond: UInt64 = 0
    private var callsBefore: UInt64 = 0
    private(set) var recordingTroubles = RecordingTroubles()
    /// It was told that the disk of the recordings does not answer.
    private var isStallTold = false
    private(set) var longestStall: Duration = .zero

    init(loop: any EventLoop, engine: Engine, records: RecordWriter, outlet: Outlet, advertised: OwnAddresses) {
        (self.loop, self.engine, self.records, self.outlet) = (loop, engine, records, outlet)
        self.advertised = advertised
    }

    /// Does something with the engine, and sets the alarm anew.
    @discardableResult
    func turn<T>(_ body: (Engine, Moment) throws -> T) rethrows -> T {
        loop.assertInEventLoop()
        assert(!isTurning, "the engine is asked in the middle of its own decision")
        isTurning = true
        let moment = SystemClock.now()
        defer {
            isTurning = false
            outlet.sockets?.flush()
            setAlarm(moment.instant)
        }
        return try body(engine, moment)
    }

    /// What the SIP sockets count.
    var signalling: SignallingCounters { outlet.sockets?.counters ?? SignallingCounters() }

    /// Listeners that should be open and are not.
    var closedListeners: [String] {
        (outlet.sockets?.closedListeners ?? []).map { "\($0.transport.rawValue)://\($0.address)" }
    }

    private func setAlarm(_ now: Instant) {
        guard let next = engine.nextDeadline() else { return }
        // An alarm that rings early finds nothing due and is set anew: cheaper than moving it with every message.
        if let alarmAt, alarmAt <= next { return }
        alarm?.cancel()
        alarmAt = next
        let wait = TimeAmount.nanoseconds(max(0, (next - now).wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        alarm = loop.scheduleTask(in: wait) {
            bound.value.alarmAt = nil
            bound.value.turn { $0.fire(at: $1) }
        }
    }

    // MARK: from the sockets

    func received(_ bytes: [UInt8], over flow: Flow) {
        let flow = advertise(flow)
        turn { $0.receive(bytes, over: flow, at: $1) }
    }

    func received(_ outcome: ParseOutcome, bytes: [UInt8], over flow: Flow) {
        let flow = advertise(flow)
        turn { $0.receive(outcome, bytes: bytes, over: flow, at: $1) }
    }

    func connectionClosed(_ flow: Flow) {
        let flow = advertise(flow)
        turn { $0.connectionClosed(flow, at: $1) }
    }

    func transportFailed(_ flow: Flow, why: String) {
        let flow = advertise(flow)
        turn { $0.transportFailed(flow, why: why, at: $1) }
    }

    func returned(_ quote: [UInt8], over flow: Flow, why: String) {
        turn { $0.returned(quote, over: flow, why: why, at: $1) }
    }

    func needs(_ flow: Flow) -> Bool {
        loop.assertInEventLoop()
        return engine.needs(advertise(flow))
    }

    func connectionCut(_ remote: NetAddress.SocketAddress, _ bound: ConnectionBound) {
        let line =
            switch bound {
            case .ofAll(let count): "the \(count) TCP connections that may be are there (sip.connections)"
            case .ofDescriptors: "too many files and sockets are open"
            case .ofKeepAlives(let count): "it sends more than \(count) keep-alives a second"
            case .ofOneAddress(let count): "it has \(count) TCP connections already (sip.connections_per_address)"
            }
        turn { $0.warnOfStranger("a connection of \(remote) is closed: \(line)", at: $1) }
    }

    func listenerEnded(_ transport: Transport, _ address: NetAddress.SocketAddress) {
        outlet.log(.error, "\(transport.rawValue)://\(address) is closed, and is opened anew", call: nil)
    }

    func listenerIsBack(_ transport: Transport, _ address: NetAddress.SocketAddress) {
        outlet.log(.notice, "\(transport.rawValue)://\(address) is open again", call: nil)
    }

    func advertise(_ flow: Flow) -> Flow {
        guard flow.local.ip.isUnspecified else { return flow }
        var flow = flow
        flow.local.ip = advertised.facing(flow.remote.ip)
        return flow
    }

    func advertise(_ address: NetAddress.SocketAddress) -> NetAddress.SocketAddress {
        address.ip.isUnspecified ? NetAddress.SocketAddress(advertised.facing(address.ip), address.port) : address
    }

    // MARK: from elsewhere

    func located(_ query: ServerQuery, _ location: ServerLocation) {
        turn { $0.located(query, location, at: $1) }
    }

    func received(_ events: [MediaEvent]) { turn { $0.receive(events, at: $1) } }

    func recorded(_ calls: [CallID]) { turn { $0.recorded(calls, at: $1) } }

    func received(_ events: [RecorderEvent]) {
        for event in events {
            switch event {
            case .final(let number, let milliseconds, let octets, let sha256, let lost):
                turn { engine, now in
                    engine.recordingEnded(number, at: now) { id in
                        var end = RecordingEnded(
                            id: id,
                            isComplete: true,
                            milliseconds: Int64(milliseconds),
                            octets: Int64(octets),
                            digest: sha256
                        )
                        end.lostFrames = Int64(lost)
                        return end
                    }
                }
            case .failed(let number, let why, let milliseconds, let octets, let sha256):
                recordingTroubles.failed += 1
                turn { engine, now in
                    engine.recordingEnded(number, at: now) { id in
                        RecordingEnded(
                            id: id,
                            isComplete: false,
                            fault: why,
                            milliseconds: Int64(milliseconds),
                            octets: Int64(octets),
                            digest: sha256
                        )
                    }
                }
            case .stalled(let milliseconds):
                recordingTroubles.stalls += 1
                outlet.log(.error, "the disk of the recordings stalled for \(milliseconds) ms; calls go on", call: nil)
            case .recovered: outlet.log(.notice, "the disk of the recordings is well again", call: nil)
            }
        }
    }

    func answered(_ call: CallID, _ steps: [Step]?) { turn { $0.answered(call, steps, at: $1) } }

    /// Checks what must always hold, once a second; what does not is mended, counted, and told once.
    private func watchInvariants() {
        for line in invariants.note(turn { $0.watch(at: $1) }) { outlet.log(.error, line, call: nil) }
    }

    /// Tells of a disk that does not answer while it does not: what the recorder says of it comes when it is well again.
    private func watchRecordings() {
        recordingTroubles.stall = outlet.recordingStall
        let isStalled = recordingTroubles.stall > .seconds(1)
        defer { isStallTold = isStalled }
        guard isStalled, !isStallTold else { return }
        let seconds = Int(recordingTroubles.stall.inSeconds)
        let text = "the disk of the recordings has not answered for \(seconds) s, and is waited for; calls go on"
        outlet.log(.error, text, call: nil)
    }

    /// Tells, once a minute, why calls and connections are refused: that is said to their peers alone.
    private func watchDescriptors(at now: Instant) {
        guard now >= nextWordOfDescriptors, linux_io_is_short(Int32(LINUX_IO_SPARE)) != 0 else { return }
        nextWordOfDescriptors = now + .seconds(60)
        let text = """
            nearly all files and sockets are open that the process may have: calls and connections are refused; raise \
            its limit (LimitNOFILE of its service, `ulimit -Hn`)
            """
        outlet.log(.error, text, call: nil)
    }

    /// Counts how often the loop comes late to a task: calls wait that long.
    func watchStalls() {
        let every: Duration = .milliseconds(50)
        let bound = NIOLoopBound(self, eventLoop: loop)
        nextWatch = SystemClock.now().instant + every
        loop.scheduleRepeatedTask(initialDelay: .milliseconds(50), delay: .milliseconds(50)) { _ in
            bound.value.watch(every: every)
        }
    }

    private func watch(every: Duration) {
        let now = SystemClock.now().instant
        let late = now - nextWatch
        if late > .milliseconds(20) {
            stalls += 1
            longestStall = max(longestStall, late)
        }
        nextWatch = now + every
        watches &+= 1
        guard watches % 20 == 0 else { return }
        watchInvariants()
        watchRecordings()
        watchDescriptors(at: now)
        records.keepUp(at: now)
        let started = engine.callsStarted
        (callsPerSecond, callsBefore) = (started &- callsBefore, started)
    }
}

/// A way to the core from any thread.
struct CoreHandle: Sendable {
    private let bound: NIOLoopBound<Core>
    private let loop: any EventLoop

    /// On the loop.
    init(_ core: Core) {
        loop = core.loop
        bound = NIOLoopBound(core, eventLoop: core.loop)
    }

    func post(_ body: @escaping @Sendable (Core) -> Void) { loop.execute { body(bound.value) } }

    func ask<T: Sendable>(_ body: @escaping @Sendable (Core) throws -> T) async throws -> T {
        try await loop.submit { try body(bound.value) }.get()
    }
}

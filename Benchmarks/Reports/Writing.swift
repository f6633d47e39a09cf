import Events
import Foundation
import Records
import Synchronization
import Timebase

/// The switch at work: calls begin, wait, are answered and end, and the record writer puts them on disk, until `stop`.
final class Writing: Sendable {
    static let callsPerSecond = 50
    private let isOver = Atomic(false)
    private let written = Mutex(0)
    private let done = DispatchSemaphore(value: 0)

    init(folder: URL) {
        let thread = Thread { [self] in
            let bus = EventBus(node: "bench")
            let writer = RecordWriter(folder: folder, onCommitted: { _ in }) { print("writer: \($0)") }
            bus.subscribe(writer)
            while !isOver.load(ordering: .relaxed) {
                call(written.withLock { $0 + 1 }, on: bus)
                written.withLock { $0 += 1 }
                Thread.sleep(forTimeInterval: 1 / Double(Self.callsPerSecond))
            }
            writer.stop()
            done.signal()
        }
        thread.start()
    }

    /// How many calls were written.
    func stop() -> Int {
        isOver.store(true, ordering: .relaxed)
        done.wait()
        return written.withLock { $0 }
    }

    private func call(_ number: Int, on bus: EventBus) {
        let id = CallID(String(format: "02%024d", number))
        let now = Moment(
            instant: Instant(nanoseconds: Int64(clamping: DispatchTime.now().uptimeNanoseconds)),
            wall: WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        )
        let tell = { (event: Event) in bus.publish(event, tenant: Filling.tenant, call: id, at: now) }
        let start = CallStarted(
            direction: .inbound,
            from: "+74951112233",
            fromName: nil,
            to: "+74950000700",
            trunk: "carrier-1",
            user: nil,
            source: "udp:192.0.2.1:5060",
            sipCallID: "\(number)@bench"
        )
        tell(.callStarted(start))
        tell(.callRinging)
        tell(.callAnswered)
        tell(
            .queueEntered(
                QueueEntered(queue: "queue-1", number: start.from, priority: 0, position: 1, carriedMilliseconds: 0)
            )
        )
        tell(
            .callEnded(
                CallEnded(disposition: .abandoned, hangupBy: .caller, sipCode: 200, q850Cause: 16, reason: "normal")
            )
        )
    }
}

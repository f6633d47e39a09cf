import CLinuxIO
import Glibc
public import Media
public import NetAddress
public import RecordingIO
import Synchronization

/// The media plane: some threads that carry packets, and the port pairs that they share.
public final class MediaThreads: MediaControl, Sendable {
    public enum Fault: Error { case cannotStart }

    /// What is free.
    private struct Pool {
        var pairs: PortPairs
        /// Free slots of each thread.
        var slots: [[Int]]
        var serial: UInt32 = 0
        var generator = SystemRandomNumberGenerator()
    }

    public let counters = MediaCounters()
    private let homes: [MediaHome]
    private let isBatching: Bool
    private let threads: [MediaThread]
    private let pool: Mutex<Pool>
    private let hasStopped = Atomic(false)

    /// `deliver` is called on the media threads. With `ringOctets` each has a ring of that many for frames that are recorded. With `isBatching` commands wait: what only says what becomes of packets
    /// for the next packet, what a thread does of its own accord (a tone, a prompt, a mix, a key) for `flush`.
    public init(
        threads count: Int,
        addresses: OwnAddresses,
        ports: ClosedRange<UInt16>,
        isBatching: Bool = false,
        ringOctets: Int = 0,
        deliver: @escaping @Sendable ([MediaEvent]) -> Void
    ) throws(Fault) {
        let pairs = PortPairs(ports)
        let capacity = pairs.capacity
        counters.ports.store(capacity, ordering: .relaxed)
        let count = max(1, min(count, 64))
        homes = addresses.all.map { MediaHome($0) }
        self.isBatching = isBatching
        let free = Array((0..<capacity).reversed())
        pool = Mutex(Pool(pairs: pairs, slots: Array(repeating: free, count: count)))
        let back = Returns()
        var made: [MediaThread] = []
        for index in 0..<count {
            let thread = MediaThread(
                index: index,
                capacity: capacity,
                ports: ports,
                ring: ringOctets > 0 ? FrameRing(capacity: ringOctets) : nil,
                counters: counters,
                deliver: deliver,
                release: { slot, port in back.owner?.giveBack(slot, port, of: index) }
            )
            guard let thread else { throw .cannotStart }
            made.append(thread)
        }
        threads = made
        back.set(self)
        for (index, thread) in threads.enumerated() where !thread.start() {
            for started in threads[..<index] { started.join() }
            throw .cannotStart
        }
    }

    /// Closes and reports every port, and waits for the threads' end; from then on no port can be opened. A second call does
    /// nothing.
    public func stop() {
        guard !hasStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        for thread in threads { thread.join() }
    }

    public func open(near: MediaID?, isV6: Bool) throws(MediaRefusal) -> MediaPort {
        guard !hasStopped.load(ordering: .acquiring) else { throw .cannotBind("the media plane has stopped") }
        guard let home = homes.first(where: { $0.isV6 == isV6 }) ?? homes.first else { throw .noPorts }
        var refusal = MediaRefusal.noPorts
        // A port that somebody else holds is passed over, and tried again when its turn comes round.
        for _ in 0..<1_000 {
            guard let place = take(near: near) else { throw refusal }
            let rtp = home.bind(place.port)
            let rtcp = rtp >= 0 ? home.bind(place.port + 1) : rtp
            guard rtp >= 0, rtcp >= 0 else {
                if rtp >= 0 { linux_io_close(rtp) }
                giveBack(place.slot, place.port, of: place.thread)
                let error = -min(rtp, rtcp)
                refusal = .cannotBind(String(cString: strerror(error)))
                // Another port would not help.
                guard ![EMFILE, ENFILE].contains(error) else { throw refusal }
                continue
            }
            let id = MediaID(thread: place.thread, slot: place.slot, serial: place.serial)
            let message = MediaThread.Message.attach(
                slot: place.slot,
                id,
                home: home,
                port: place.port,
                rtp: rtp,
                rtcp: rtcp,
                randomness: place.randomness
            )
            let status = threads[place.thread].attach(message, slot: place.slot, rtp: rtp, rtcp: rtcp)
            guard status == 0 else {
                perform(.close(id))
                throw .cannotBind("epoll refuses the socket: \(String(cString: strerror(-status)))")
            }
            if !isBatching { threads[place.thread].ring(evenForLittle: true) }
            return MediaPort(id: id, address: home.ip, rtpPort: place.port)
        }
        throw refusal
    }

    public func reaches(_ address: IPAddress) -> Bool { homes.contains { $0.isV6 == address.unmapped.isV6 } }

    /// Where recorded frames come out, for the recorder.
    public var rings: [FrameRing] { threads.compactMap(\.tapeRing) }

    public func perform(_ command: MediaCommand) {
        let id = command.port
        guard threads.indices.contains(id.thread) else { return }
        threads[id.thread].send(.command(command))
        if !isBatching { threads[id.thread].ring(evenForLittle: true) }
    }

    public func areTogether(_ a: MediaID, _ b: MediaID) -> Bool { a.thread == b.thread }

    public func flush() { for thread in threads { thread.ring() } }

    public var pairsFree: Int { pool.withLock { $0.pairs.countFree } }

    private struct Place {
        var thread: Int
        var slot: Int
        var port: UInt16
        var serial: UInt32
        var randomness: UInt64
    }

    private func take(near: MediaID?) -> Place? {
        let place = pool.withLock { pool -> Place? in
            let counts = pool.slots.map(\.count)
            let roomiest = counts.indices.max { counts[$0] < counts[$1] } ?? 0
            let thread = near.map(\.thread).flatMap { counts.indices.contains($0) ? $0 : nil } ?? roomiest
            guard let slot = pool.slots[thread].popLast() else { return nil }
            guard let port = pool.pairs.take() else {
                pool.slots[thread].append(slot)
                return nil
            }
            pool.serial &+= 1
            return Place(
                thread: thread,
                slot: slot,
                port: port,
                serial: pool.serial,
                randomness: pool.generator.next()
            )
        }
        if place != nil { counters.portsInUse.add(1, ordering: .relaxed) }
        return place
    }

    fileprivate func giveBack(_ slot: Int, _ port: UInt16, of thread: Int) {
        pool.withLock { pool in
            pool.slots[thread].append(slot)
            pool.pairs.giveBack(port)
        }
        counters.portsInUse.subtract(1, ordering: .relaxed)
    }
}

/// The way back from a thread to the pool, which is made after its threads.
private final class Returns: Sendable {
    private struct Owner: Sendable { weak var threads: MediaThreads? }
    private let storage = Mutex(Owner())
    var owner: MediaThreads? { storage.withLock { $0.threads } }
    func set(_ threads: MediaThreads) { storage.withLock { $0.threads = threads } }
}

extension MediaCommand {
    /// The port whose thread performs it.
    fileprivate var port: MediaID {
        switch self {
        case .configure(let id, _), .bridge(let id, _), .unbridge(let id), .echo(let id), .play(let id, _),
            .say(let id, _, _, _), .record(let id, _, _), .stopRecording(let id), .stop(let id),
            .sendDigit(let id, _, _), .close(let id):
            id
        // A mix of nobody is no thread's.
        case .tap(let id, _, _): id
        case .mix(let members): members.first?.port ?? MediaID(rawValue: .max)
        }
    }
}

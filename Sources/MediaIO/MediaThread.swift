import CLinuxIO
import Codecs
import Events
import Media
import RTP
import RecordingIO
import Synchronization
import Threading

/// One thread of the media plane: an epoll loop over the sockets of its ports. Both ends of a call live on the same
/// one, so a packet meets no lock, and nothing on its way allocates or counts references.
///
/// `@unchecked Sendable`: `mailbox` is behind its lock and the `let`s never change; `thread` is written by `start` and
/// read by `join`, which `MediaThreads` calls once each, one after the other; everything else is touched by the thread
/// alone, from `run` on.
final class MediaThread: @unchecked Sendable {
    enum Message: Sendable {
        case attach(slot: Int, MediaID, home: MediaHome, port: UInt16, rtp: Int32, rtcp: Int32, randomness: UInt64)
        case command(MediaCommand)
        case stop

        /// The thread is to do something of its own accord. All else says only what becomes of packets to come, and those wake it.
        var isUrgent: Bool {
            switch self {
            case .attach: false
            case .command(let command):
                switch command {
                case .play, .say, .mix, .tap, .sendDigit: true
                case .configure, .bridge, .unbridge, .echo, .record, .stopRecording, .stop, .close: false
                }
            case .stop: true
            }
        }
    }

    /// A message, and when it was sent, in the nanoseconds of `linux_io_now`.
    struct Letter: Sendable {
        var message: Message
        var sentAt: Int64
    }

    /// The sockets and the state of one port.
    struct Slot: ~Copyable {
        var relay: RelayPort
        let home: MediaHome
        let port: UInt16
        let rtp: Int32
        let rtcp: Int32
        /// The recording that hears this peer while others do; 0: none.
        var recording: UInt64 = 0
        var channel: UInt8 = 0
        /// Whom this peer hears in a mix.
        var hears: [Int] = []
        /// It is bridged, and others hear what it says.
        var isTapped = false
        var loopGuard = LoopGuard()
    }

    struct Mailbox: Sendable {
        var letters: [Letter] = []
        var isUrgent = false
        var isRung = false
    }

    private let index: Int
    /// Where our own sockets are, at each of our addresses.
    private let ports: ClosedRange<UInt16>
    /// Frames that are recorded go in here; kept, since `tape` points into it.
    let tapeRing: FrameRing?
    private let tape: FrameRingProducer?
    let counters: MediaCounters
    private let deliver: @Sendable ([MediaEvent]) -> Void
    /// Gives a port's slot and number back to the pool.
    let release: @Sendable (_ slot: Int, _ port: UInt16) -> Void
    let mailbox = Mutex(Mailbox())
    /// There may be letters: looked at before every batch of packets, where the lock would cost more.
    let hasMail = Atomic(false)
    let bell: Int32
    let epoll: Int32
    let slots: UnsafeMutablePointer<Slot>
    let isOpen: UnsafeMutablePointer<Bool>
    let capacity: Int
    var open: [Int] = []
    var speaking: Set<Int> = []
    var events: [MediaEvent] = []
    let tones = (a: ToneSource(.a), µ: ToneSource(.µ))
    private var thread: OwnThread?
    var isStopping = false
    var now: Int64 = 0
    /// The wall clock at the zero of `now`, in nanoseconds since 1900 (RFC 3550 §4): taken once, so that no correction of the clock shows in reports.
    let ntp = linux_io_wall_now() - linux_io_now() + 2_208_988_800_000_000_000
    var nextTick: Int64 = 0
    var nextSilenceCheck: Int64 = 0
    var nextQualityCheck: Int64 = 0
    private var relayed: UInt64 = 0
    private var octets: UInt64 = 0
    private var unsent: UInt64 = 0
    private var malformed: UInt64 = 0
    private var foreign: UInt64 = 0
    private var unagreed: UInt64 = 0

    static let tick: Int64 = 20_000_000
    /// Also how long a letter that is not urgent may lie while no packet comes.
    static let silenceCheck: Int64 = 100_000_000
    /// How old the quality of a live call may be that somebody looks at.
    static let qualityCheck: Int64 = 1_000_000_000
    /// A check that is later than this found the process stopped, or the machine.
    static let longestTurn: Int64 = 1_000_000_000
    private static let bellData = UInt64.max

    init?(
        index: Int,
        capacity: Int,
        ports: ClosedRange<UInt16>,
        ring: FrameRing?,
        counters: MediaCounters,
        deliver: @escaping @Sendable ([MediaEvent]) -> Void,
        release: @escaping @Sendable (Int, UInt16) -> Void
    ) {
        (self.index, self.capacity, self.ports, self.counters) = (index, capacity, ports, counters)
        tapeRing = ring
        tape = ring?.producer
        (self.deliver, self.release) = (deliver, release)
        bell = linux_io_bell_make()
        epoll = linux_io_epoll_make()
        slots = .allocate(capacity: capacity)
        isOpen = .allocate(capacity: capacity)
        isOpen.initialize(repeating: false, count: capacity)
        guard bell >= 0, epoll >= 0, linux_io_epoll_add(epoll, bell, Self.bellData) == 0 else { return nil }
    }

    deinit {
        slots.deallocate()
        isOpen.deallocate()
        if bell >= 0 { linux_io_close(bell) }
        if epoll >= 0 { linux_io_close(epoll) }
    }

    /// Whether there is a thread now.
    func start() -> Bool {
        thread = OwnThread(named: "gudok-media-\(index)") { [self] in run() }
        return thread != nil
    }

    /// Waits for the thread's end; every port is closed and reported by then.
    func join() {
        send(.stop)
        ring()
        thread?.join()
    }

    /// Any thread. The message waits for the next packet, for `ring`, or for the next check of silence.
    func send(_ message: Message) {
        mailbox.withLock { mailbox in
            mailbox.letters.append(Letter(message: message, sentAt: linux_io_now()))
            if message.isUrgent { mailbox.isUrgent = true }
        }
        hasMail.store(true, ordering: .releasing)
    }

    /// Any thread: sends `message`, and watches the sockets of the port that it brings.
    ///
    /// - Returns: 0, or a negative errno.
    func attach(_ message: Message, slot: Int, rtp: Int32, rtcp: Int32) -> Int32 {
        // The letter first: the first packet makes the thread read it.
        send(message)
        let data = UInt64(slot) << 1
        let status = linux_io_epoll_add(epoll, rtp, data)
        return status == 0 ? linux_io_epoll_add(epoll, rtcp, data | 1) : status
    }

    /// Any thread: wakes this one when something urgent waits for it and nobody has done so.
    func ring(evenForLittle: Bool = false) {
        let isDue = mailbox.withLock { mailbox in
            guard mailbox.isUrgent || evenForLittle && !mailbox.letters.isEmpty, !mailbox.isRung else { return false }
            mailbox.isRung = true
            return true
        }
        if isDue { linux_io_bell_ring(bell) }
    }

    // MARK: the loop

    private func run() {
        guard let inbox = linux_io_inbox_make() else { return }
        defer { linux_io_inbox_free(inbox) }
        let ready = UnsafeMutablePointer<linux_io_ready>.allocate(capacity: LINUX_IO_READY)
        defer { ready.deallocate() }
        while !isStopping {
            let count = linux_io_epoll_wait(epoll, ready, timeout())
            now = linux_io_now()
            for place in 0..<max(0, Int(count)) where ready[place].data == Self.bellData { linux_io_bell_clear(bell) }
            // Commands first: these packets may be the ones that they announce.
            if hasMail.load(ordering: .acquiring) { readMail() }
            for place in 0..<max(0, Int(count)) where ready[place].data != Self.bellData {
                let data = ready[place].data
                receive(slot: Int(data >> 1), isControl: data & 1 == 1, inbox)
            }
            if !speaking.isEmpty, now >= nextTick { speak() }
            if now >= nextSilenceCheck { checkSilence() }
            settle()
        }
        // Ports whose opening came together with the end are among them: the mail was read to its last message.
        for slot in open { close(slot) }
        settle()
    }

    private func timeout() -> Int32 {
        let next = speaking.isEmpty ? nextSilenceCheck : min(nextTick, nextSilenceCheck)
        let wait = next - linux_io_now()
        return wait <= 0 ? 0 : Int32(clamping: (wait + 999_999) / 1_000_000)
    }

    private func settle() {
        if relayed > 0 || unsent > 0 {
            counters.relayed.add(relayed, ordering: .relaxed)
            counters.octets.add(octets, ordering: .relaxed)
            counters.unsent.add(unsent, ordering: .relaxed)
            (relayed, octets, unsent) = (0, 0, 0)
        }
        if malformed > 0 || foreign > 0 || unagreed > 0 {
            counters.malformed.add(malformed, ordering: .relaxed)
            counters.foreign.add(foreign, ordering: .relaxed)
            counters.unagreed.add(unagreed, ordering: .relaxed)
            (malformed, foreign, unagreed) = (0, 0, 0)
        }
        guard !events.isEmpty else { return }
        deliver(events)
        events.removeAll(keepingCapacity: true)
    }

    // MARK: packets

    private func receive(slot: Int, isControl: Bool, _ inbox: OpaquePointer) {
        guard slot < capacity, isOpen[slot] else { return }
        let fd = isControl ? slots[slot].rtcp : slots[slot].rtp
        let count = Int(linux_io_receive(fd, slots[slot].home.isV6 ? 1 : 0, inbox))
        guard count > 0, let datagrams = linux_io_inbox_datagrams(inbox) else { return }
        for place in 0..<count {
            let datagram = datagrams[place]
            let source = WireAddress(
                high: datagram.source.high,
                low: datagram.source.low,
                port: datagram.source.port
            )
            let packet = UnsafeMutableRawBufferPointer(start: datagram.bytes, count: Int(datagram.length))
            if isControl {
                relayControl(packet, from: source, slot: slot)
            } else {
                relay(packet, from: source, slot: slot)
            }
        }
    }

    private func relay(_ packet: UnsafeMutableRawBufferPointer, from source: WireAddress, slot: Int) {
        let here = slots + slot
        guard !here.pointee.home.wire.isNeighbour(source, in: ports) || here.pointee.loopGuard.admits(now: now) else {
            foreign &+= 1
            return
        }
        switch here.pointee.relay.receive(packet, from: source, now: now) {
        case .malformed:
            malformed &+= 1
            return
        case .stun: return
        case .foreign:
            foreign &+= 1
            return
        case .unagreed:
            unagreed &+= 1
            if !here.pointee.relay.news.isEmpty { tellNews(slot) }
            return
        case .control: return relayControl(packet, from: source, slot: slot)
        case .media: break
        }
        if !here.pointee.relay.news.isEmpty { tellNews(slot) }
        guard here.pointee.relay.receivesFromPeer else { return }
        switch here.pointee.relay.mode {
        case .bridged(let other):
            guard isOpen[other] else { return }
            record(packet, slot: here)
            if here.pointee.isTapped { intake(packet, slot: here) }
            slots[other].relay.pass(packet, now: now)
            forward(packet, to: slots + other)
        case .echo:
            here.pointee.relay.voice.echo(packet)
            forward(packet, to: here)
        case .mixing:
            record(packet, slot: here)
            intake(packet, slot: here)
        case .idle, .tone, .saying: break
        }
    }

    /// A full ring refuses and counts: a slow disk never reaches a call.
    @inline(__always)
    private func record(_ packet: UnsafeMutableRawBufferPointer, slot: UnsafeMutablePointer<Slot>) {
        let octets = UnsafeRawBufferPointer(packet)
        guard slot.pointee.recording != 0, let tape, let codec = slot.pointee.relay.codec,
            let header = RTPHeader(octets)
        else { return }
        let end = header.payloadOffset + header.payloadLength
        _ = tape.push(
            recording: slot.pointee.recording,
            channel: slot.pointee.channel,
            codec: codec,
            rtpTimestamp: header.timestamp,
            ssrc: header.ssrc,
            arrival: now,
            payload: UnsafeRawBufferPointer(rebasing: octets[header.payloadOffset..<end])
        )
    }

    @inline(__always)
    func forward(_ packet: UnsafeMutableRawBufferPointer, to slot: UnsafeMutablePointer<Slot>) {
        guard let destination = slot.pointee.relay.destination else { return }
        var address = linux_io_address(high: destination.high, low: destination.low, port: destination.port)
        let family: Int32 = slot.pointee.home.isV6 ? 1 : 0
        guard linux_io_send(slot.pointee.rtp, family, &address, packet.baseAddress, packet.count) == 0 else {
            unsent &+= 1
            return
        }
        slot.pointee.relay.countSent(packet.count)
        relayed &+= 1
        octets &+= UInt64(packet.count)
    }

    private func relayControl(_ packet: UnsafeMutableRawBufferPointer, from source: WireAddress, slot: Int) {
        let octets = UnsafeRawBufferPointer(packet)
        let isPeers = slots[slot].relay.mayReport(source, now: now)
        guard let read = slots[slot].relay.receiveControl(octets, from: source, now: now) else {
            malformed &+= isPeers ? 1 : 0
            foreign &+= isPeers ? 0 : 1
            return
        }
        guard case .bridged(let other) = slots[slot].relay.mode, isOpen[other],
            let destination = slots[other].relay.controlDestination
        else { return }
        slots[slot].relay.restoreNumbers(inReport: packet)
        slots[other].relay.addInserted(toReport: packet)
        var address = linux_io_address(high: destination.high, low: destination.low, port: destination.port)
        let family: Int32 = slots[other].home.isV6 ? 1 : 0
        guard linux_io_send(slots[other].rtcp, family, &address, octets.baseAddress, octets.count) == 0 else {
            return
        }
        slots[other].relay.noteForwarded(read, now: now)
    }

    private func tellNews(_ slot: Int) {
        let news = slots[slot].relay.news
        let id = slots[slot].relay.id
        slots[slot].relay.news = RelayPort.News()
        let address = slots[slot].relay.latch.current.socketAddress
        if news.hasFirstPacket {
            let delay = slots[slot].relay.firstPacketDelay ?? 0
            events.append(.firstPacket(id, from: address, after: .nanoseconds(delay)))
        }
        if news.isRelatched { events.append(.relatched(id, from: address)) }
        if let code = news.key, let key = TelephoneEvent.key(of: code) {
            events.append(.digit(id, key, milliseconds: 0, isInBand: news.isInBand))
        }
    }
}

import CLinuxIO
import Events
import Media
import NetAddress
import RTP
import Synchronization

/// What the core asks of a thread, in the order that it asked.
extension MediaThread {
    func readMail() {
        hasMail.store(false, ordering: .relaxed)
        let letters = mailbox.withLock { mailbox in
            defer { mailbox = Mailbox() }
            return mailbox.letters
        }
        for letter in letters {
            switch letter.message {
            case .attach(let slot, let id, let home, let port, let rtp, let rtcp, let randomness):
                let relay = RelayPort(id: id, randomness: randomness)
                (slots + slot).initialize(to: Slot(relay: relay, home: home, port: port, rtp: rtp, rtcp: rtcp))
                isOpen[slot] = true
                open.append(slot)
            case .command(let command): perform(command, sentAt: letter.sentAt)
            case .stop: isStopping = true
            }
        }
    }

    /// The slot of a port; nil when it was closed meanwhile.
    func slot(_ id: MediaID) -> Int? {
        let slot = id.slot
        return slot < capacity && isOpen[slot] && slots[slot].relay.id == id ? slot : nil
    }

    private func perform(_ command: MediaCommand, sentAt: Int64) {
        switch command {
        case .configure(let id, let parameters):
            guard let slot = slot(id) else { return }
            let home = slots[slot].home
            var parameters = parameters
            parameters.remoteRTP = home.reachable(parameters.remoteRTP)
            parameters.remoteRTCP = home.reachable(parameters.remoteRTCP)
            slots[slot].relay.configure(parameters, isUnreachable: isUnreachable(parameters, from: home), now: sentAt)
            if case .bridged(let other) = slots[slot].relay.mode, isOpen[other] { joinFormats(slot, other) }
            if slots[slot].relay.mode == .mixing {
                slots[slot].relay.fillFormats(towards: slots[slot].relay.parameters.receiveFormats)
            }
        case .bridge(let a, let b):
            guard let first = slot(a), let second = slot(b) else { return }
            bridge(first, second)
        case .mix(let members): mix(members)
        case .tap(let a, let b, let members):
            if let first = slot(a), let second = slot(b) { tap(first, second) }
            mix(members)
        case .unbridge(let id): if let slot = slot(id) { leave(slot) }
        case .echo(let id):
            guard let slot = slot(id) else { return }
            leave(slot)
            slots[slot].relay.mode = .echo
            slots[slot].relay.voice.beginEcho()
            slots[slot].relay.fillFormats(towards: slots[slot].relay.parameters.sendFormats)
        case .play(let id, let tone):
            guard let slot = slot(id) else { return }
            leave(slot)
            slots[slot].relay.mode = .tone(tone)
            slots[slot].relay.voice.beginTone()
            beginSpeaking(slot)
        case .say(let id, let clips, let loop, let token):
            guard let slot = slot(id) else { return }
            leave(slot)
            slots[slot].relay.voice.beginSaying(clips, loop: loop, token: token)
            slots[slot].relay.mode = .saying
            beginSpeaking(slot)
        case .record(let id, let recording, let channel):
            guard let slot = slot(id) else { return }
            (slots[slot].recording, slots[slot].channel) = (recording, channel)
        case .stopRecording(let id): if let slot = slot(id) { slots[slot].recording = 0 }
        case .stop(let id): if let slot = slot(id), !isBridged(slot) { leave(slot) }
        case .sendDigit(let id, let key, let milliseconds):
            guard let slot = slot(id), let event = TelephoneEvent.event(of: key) else { return }
            slots[slot].relay.voice.press(event, milliseconds: milliseconds)
            if slots[slot].relay.voice.isPressing { beginSpeaking(slot) }
        case .close(let id): if let slot = slot(id) { close(slot) }
        }
    }

    func bridge(_ first: Int, _ second: Int) {
        leave(first)
        leave(second)
        slots[first].relay.mode = .bridged(second)
        slots[second].relay.mode = .bridged(first)
        joinFormats(first, second)
    }

    /// A private address cannot be reached from the public network.
    private func isUnreachable(_ parameters: MediaParameters, from home: MediaHome) -> Bool {
        guard home.isPublic, let ip = parameters.remoteRTP?.ip else { return false }
        return ip.isPrivate && !ip.isLoopback
    }

    private func isBridged(_ slot: Int) -> Bool { if case .bridged = slots[slot].relay.mode { true } else { false } }

    /// Numbers of one side become those of the other.
    private func joinFormats(_ a: Int, _ b: Int) {
        slots[a].relay.fillFormats(towards: slots[b].relay.parameters.sendFormats)
        slots[b].relay.fillFormats(towards: slots[a].relay.parameters.sendFormats)
        slots[a].relay.tellsEvents = slots[b].relay.voice.takesEvents
        slots[b].relay.tellsEvents = slots[a].relay.voice.takesEvents
    }

    /// Ends what a port does, and its partner with it.
    func leave(_ slot: Int) {
        if slots[slot].relay.mode == .mixing || slots[slot].isTapped { leaveMix(slot) }
        if slots[slot].relay.mode == .saying { slots[slot].relay.voice.endSaying() }
        if case .bridged(let other) = slots[slot].relay.mode, isOpen[other] {
            if slots[other].isTapped { leaveMix(other) }
            slots[other].relay.mode = .idle
            slots[other].relay.endRelay()
        }
        slots[slot].relay.endRelay()
        slots[slot].relay.mode = .idle
    }

    func close(_ slot: Int) {
        leave(slot)
        if slots[slot].relay.owesFarewell {
            withUnsafeTemporaryAllocation(byteCount: RTCPReport.longest, alignment: 8) { packet in
                self.report(slot, isLast: true, by: packet)
            }
        }
        let report = slots[slot].relay.report()
        let id = slots[slot].relay.id
        let port = slots[slot].port
        linux_io_close(slots[slot].rtp)
        linux_io_close(slots[slot].rtcp)
        isOpen[slot] = false
        (slots + slot).deinitialize(count: 1)
        open.removeAll { $0 == slot }
        speaking.remove(slot)
        counters.lost.add(report.received.lost ?? 0, ordering: .relaxed)
        release(slot, port)
        events.append(.closed(id, report))
    }
}

extension MediaID {
    /// Thread in the top 8 bits, slot in the next 24, a serial number below, so that an old name never means a new
    /// port.
    init(thread: Int, slot: Int, serial: UInt32) {
        self.init(rawValue: UInt64(thread) << 56 | UInt64(slot) << 32 | UInt64(serial))
    }

    var thread: Int { Int(rawValue >> 56) }
    var slot: Int { Int(rawValue >> 32 & 0xFF_FFFF) }
}

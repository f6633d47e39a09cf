import CLinuxIO
import Media
import RTP

/// What happens by the clock: tones, keys, silence, and what keeps a silent stream alive.
extension MediaThread {
    /// The next 20 ms of every tone and key.
    func speak() {
        nextTick = max(nextTick + Self.tick, now - Self.tick)
        let tick = nextTick / Self.tick
        takeFrames()
        withUnsafeTemporaryAllocation(byteCount: OwnVoice.longestPacket, alignment: 8) { packet in
            for slot in speaking where isOpen[slot] {
                let here = slots + slot
                here.pointee.relay.voice.advance(to: tick)
                var length = 0
                if here.pointee.relay.voice.isPressing {
                    sendWaiting(here, isLast: true, by: packet)
                    length = here.pointee.relay.writeKey(into: packet, now: now)
                } else if case .tone(let tone) = here.pointee.relay.mode {
                    length = here.pointee.relay.voice.writeTone(tone, from: tones, into: packet)
                }
                if length == 0, here.pointee.relay.mode == .mixing, !here.pointee.relay.voice.isPressing {
                    length = writeMix(for: slot, into: packet)
                }
                // A key that is pressed takes the place of what is said; that waits for it.
                if length == 0, case .saying = here.pointee.relay.mode, !here.pointee.relay.voice.isPressing {
                    length = here.pointee.relay.voice.writeSaying(tick: tick, into: packet)
                }
                if length > 0 {
                    forward(UnsafeMutableRawBufferPointer(rebasing: packet[..<length]), to: here)
                }
                let isLast = here.pointee.relay.mode == .saying && here.pointee.relay.voice.hasSaid
                sendWaiting(here, isLast: isLast, by: packet)
                if isLast { finishSaying(slot) }
                if !here.pointee.relay.isOnlyRelay, here.pointee.relay.reportIsDue(now: now) {
                    report(slot, isLast: false, by: packet)
                }
            }
        }
        speaking = speaking.filter { isOpen[$0] && isSpeaking($0) }
    }

    /// Frames that wait for their packet to be full, where the peer wants others than of 20 ms.
    private func sendWaiting(_ slot: UnsafeMutablePointer<Slot>, isLast: Bool, by packet: UnsafeMutableRawBufferPointer)
    {
        while true {
            let length = slot.pointee.relay.voice.writeWaiting(isLast: isLast, into: packet)
            guard length > 0 else { return }
            forward(UnsafeMutableRawBufferPointer(rebasing: packet[..<length]), to: slot)
        }
    }

    /// Tells a peer of our own stream (RFC 3550 §6).
    func report(_ slot: Int, isLast: Bool, by packet: UnsafeMutableRawBufferPointer) {
        let length = slots[slot].relay.writeReport(isLast: isLast, now: now, ntp: ntp, into: packet)
        guard length > 0, let destination = slots[slot].relay.controlDestination else { return }
        var address = linux_io_address(high: destination.high, low: destination.low, port: destination.port)
        // Lost like any datagram: the next one says it all again.
        _ = linux_io_send(slots[slot].rtcp, slots[slot].home.isV6 ? 1 : 0, &address, packet.baseAddress, length)
    }

    private func finishSaying(_ slot: Int) {
        slots[slot].relay.mode = .idle
        slots[slot].relay.voice.endSaying()
        events.append(.said(slots[slot].relay.id, token: slots[slot].relay.voice.sayingToken))
    }

    private func isSpeaking(_ slot: Int) -> Bool {
        if slots[slot].relay.voice.isPressing { return true }
        return switch slots[slot].relay.mode {
        case .tone, .saying, .mixing: true
        case .bridged: slots[slot].isTapped
        case .idle, .echo: false
        }
    }

    func beginSpeaking(_ slot: Int) {
        if speaking.isEmpty { nextTick = now }
        speaking.insert(slot)
    }

    private func keepAlive(_ slot: Int, to destination: WireAddress) {
        withUnsafeTemporaryAllocation(byteCount: RelayPort.longestKeepAlive, alignment: 8) { packet in
            slots[slot].relay.voice.advance(to: now / Self.tick)
            let length = slots[slot].relay.writeKeepAlive(into: packet)
            var address = linux_io_address(high: destination.high, low: destination.low, port: destination.port)
            // Lost like any datagram: the next one does as well.
            _ = linux_io_send(slots[slot].rtp, slots[slot].home.isV6 ? 1 : 0, &address, packet.baseAddress, length)
        }
    }

    /// What is looked at several times a second.
    func checkSilence() {
        let standstill = now - nextSilenceCheck
        if nextSilenceCheck > 0, standstill > Self.longestTurn {
            for slot in open { slots[slot].relay.wasUnheard(for: standstill, now: now) }
        }
        nextSilenceCheck = now + Self.silenceCheck
        for slot in open {
            if let silence = slots[slot].relay.overdueSilence(now: now) {
                events.append(.inactive(slots[slot].relay.id, silence))
            }
            if slots[slot].relay.listensInSilence, slots[slot].relay.reportIsDue(now: now) {
                slots[slot].relay.voice.advance(to: now / Self.tick)
                withUnsafeTemporaryAllocation(byteCount: OwnVoice.longestPacket, alignment: 8) {
                    report(slot, isLast: false, by: $0)
                }
            }
            if let destination = slots[slot].relay.keepAliveIsDue(now: now) { keepAlive(slot, to: destination) }
        }
        guard now >= nextQualityCheck else { return }
        nextQualityCheck = now + Self.qualityCheck
        for slot in open {
            if let mos = slots[slot].relay.newQuality() { events.append(.quality(slots[slot].relay.id, mos: mos)) }
        }
    }
}

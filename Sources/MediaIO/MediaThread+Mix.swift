import Codecs
import Media
import RTP

/// Mixes: ports of this thread that hear the sum of others, every 20 ms. Of two whom others only listen to, what they say goes on as it
/// comes, and a copy of it is heard.
extension MediaThread {
    func mix(_ members: [MixMember]) {
        for member in members {
            guard let slot = slot(member.port) else { continue }
            if slots[slot].relay.mode != .mixing {
                leave(slot)
                slots[slot].relay.mode = .mixing
                slots[slot].relay.beginMixing()
                beginSpeaking(slot)
            }
            slots[slot].hears.removeAll(keepingCapacity: true)
            for id in member.hears where id != member.port {
                if let other = self.slot(id) { slots[slot].hears.append(other) }
            }
        }
    }

    /// A bridge whose two are heard by others. One that is there already goes on.
    func tap(_ first: Int, _ second: Int) {
        if slots[first].relay.mode != .bridged(second) { bridge(first, second) }
        for slot in [first, second] where !slots[slot].isTapped {
            slots[slot].isTapped = true
            slots[slot].relay.intake.begin()
            beginSpeaking(slot)
        }
    }

    /// Nobody hears a port any more that is out of its mix.
    func leaveMix(_ slot: Int) {
        slots[slot].isTapped = false
        slots[slot].hears.removeAll()
        for other in open where slots[other].relay.mode == .mixing { slots[other].hears.removeAll { $0 == slot } }
    }

    /// What a member of a mix says.
    @inline(__always)
    func intake(_ packet: UnsafeMutableRawBufferPointer, slot: UnsafeMutablePointer<Slot>) {
        let octets = UnsafeRawBufferPointer(packet)
        guard let law = slot.pointee.relay.codec?.law, let header = RTPHeader(octets) else { return }
        let end = header.payloadOffset + header.payloadLength
        slot.pointee.relay.intake.receive(
            UnsafeRawBufferPointer(rebasing: octets[header.payloadOffset..<end]),
            law,
            ssrc: header.ssrc,
            timestamp: header.timestamp
        )
    }

    /// Before anybody is sent anything: a frame of each member, which all who hear him get.
    func takeFrames() {
        for slot in speaking where isOpen[slot] && (slots[slot].relay.mode == .mixing || slots[slot].isTapped) {
            slots[slot].relay.intake.take()
        }
    }

    /// The next packet for one member: the sum of those he hears, clipped where they are too loud together.
    func writeMix(for slot: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: MixIntake.frame) { sum in
            sum.initialize(repeating: 0)
            for other in slots[slot].hears where isOpen[other] {
                guard let said = slots[other].relay.intake.taken else { continue }
                for place in 0..<MixIntake.frame { sum[place] &+= Int32(said[place]) }
            }
            return slots[slot].relay.voice.writeMix(sum, into: packet)
        }
    }
}

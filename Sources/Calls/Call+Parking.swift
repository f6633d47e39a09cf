import Config
import DialPlan
import Events
import SIP
import Timebase

/// A party that waits in a slot for whoever dials it.
struct Parking {
    var slot: String
    /// The leg of whoever parked it, which is over; nil: the administrator's word sent it there.
    var by: Int?
}

/// Parking: a party that is sent to a slot by a blind transfer hears music there until somebody dials the slot, or its time is over.
extension Call {
    static let longestSlot = 32

    func park(_ request: ParkRequest) {
        guard !request.slot.isEmpty, request.slot.utf8.count <= Self.longestSlot else {
            return refuse(.notFound, "'\(request.slot)' is no slot")
        }
        let holder = core.parked(in: request.slot, of: tenant.id)
        guard transfer == nil, sending == nil else { return keep(request, holder) }
        guard let holder else { return refuse(.notFound, "nobody is parked in slot \(request.slot)") }
        goOn(in: holder) { newcomer throws(TransferRefusal) in try holder.unpark(newcomer) }
    }

    private func keep(_ request: ParkRequest, _ holder: Call?) {
        if let transfer, case .returning = transfer.stage {
            return refuse(.declined, "a party that comes back is not parked")
        }
        if let holder { return refuse(.busy, "call \(holder.id) is parked in slot \(request.slot)") }
        let author = transfer?.from
        let parking = Parking(slot: request.slot, by: author)
        let by = author.map { word(of: $0) } ?? sending ?? ""
        publish(.note("parked in slot \(request.slot) by \(by) for \(request.timeout)"))
        // Whoever sent the party here has done with it.
        settleTransfer()
        sending = nil
        enter(.parked(parking))
        if let music = music(nil) { say([], loop: music) }
        core.timers.start(.call(id, .parkEnds), at: now.instant + request.timeout)
    }

    /// Somebody dialled the slot. Nothing has changed when it throws.
    fileprivate func unpark(_ newcomer: Leg) throws(TransferRefusal) {
        guard case .parked(let parking) = stage else { throw .noDialog }
        guard hasRoomForLegs else {
            throw TransferRefusal(.tooManyLegs, "call \(id) has had \(legs.count) legs", mend: "end it")
        }
        let codecs = sharedCodecs(with: newcomer, settled: true)
        let new = try admit(newcomer, inPlaceOf: parking.by, codecs: codecs)
        core.timers.stop(.call(id, .parkEnds))
        enter(.talking(new))
        sayings += 1
        stopTone()
        seat(new)
        if !isEnding { talkBegan() }
    }

    /// Nobody dialled the slot in time: the phones of whoever parked the party ring for it.
    func parkedTooLong() {
        guard case .parked(let parking) = stage else { return }
        publish(.note("nobody dialled slot \(parking.slot) in time"))
        guard let author = parking.by else { return giveUp(plan: plan) }
        bringBack(
            Transfer(
                kind: .blind,
                from: author,
                target: parking.slot,
                stage: .returning,
                plan: plan,
                anchor: anchor,
                policy: isToBeRecorded
            )
        )
    }
}

extension CallCore {
    fileprivate func parked(in slot: String, of tenant: TenantID) -> Call? {
        everyCall.first { call in
            guard call.tenant.id == tenant, case .parked(let parking) = call.stage else { return false }
            return parking.slot == slot
        }
    }
}

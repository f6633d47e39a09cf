import Events
import Media
import SIP

/// Legs that go on in another call.
extension CallCore {
    /// The leg whose dialog a Replaces or Target-Dialog names; nil: there is none.
    func leg(of reference: DialogReference) -> (Call, Int)? {
        guard let (call, index) = leg(callID: reference.callID, tag: reference.localTag),
            call.legs[index].session.hasDialog(remoteTag: reference.remoteTag)
        else { return nil }
        return (call, index)
    }

    /// Takes a leg out of its call for another, with a port of its own there, or with the one that it has (nil).
    ///
    /// - Returns: its number there.
    func move(
        _ index: Int,
        of call: Call,
        to other: Call,
        port: MediaPort?,
        sentBy transferor: Int? = nil,
        because reason: String = "transferred"
    ) -> Int {
        let old = call.legs[index].id
        let id = LegID(call: other.id, index: other.legs.count)
        other.guests[id.index] = call.party(at: index)
        var leg = call.legs[index].move(to: id, reason: reason)
        call.tellEnd(of: index)
        // What this party says is not to be heard there either.
        if call.isRecordingPaused { other.isRecordingPaused = true }
        leg.side = other.legs[other.anchor].side.opposite
        if let port {
            // What was said before is the old call's, and so is the report of it.
            if let before = leg.port { closePort(before.id) }
            (leg.port, leg.awaitsReport, leg.retired) = (port, true, [])
        } else {
            for port in leg.retired.union([leg.port?.id].compactMap { $0 }) { ports[port] = id }
            call.legs[index].abandon()
            call.legs[index].port = nil
        }
        other.legs.append(leg)
        rename(old, to: leg)
        other.publish(
            .legStarted(
                LegStarted(
                    leg: id.index,
                    target: leg.target,
                    user: leg.user,
                    trunk: leg.trunk?.name,
                    address: leg.address,
                    sipCallID: leg.sipCallID,
                    transferredBy: transferor
                )
            )
        )
        if let user = leg.user { engage(user, in: other) }
        return id.index
    }
}

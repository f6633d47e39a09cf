import ACD
import Config
import DialPlan
import Events
import SIP

/// Feature codes that bring their caller into another call: one that rings at a colleague's, or one that is parked.
extension Call {
    /// Takes the call that rings longest at one of these users.
    func pickUp(ringingAt users: [String]) {
        guard let (other, seat) = core.ringing(at: users, of: tenant.id) else {
            return refuse(.unavailable, "nothing rings at \(users.joined(separator: ", "))")
        }
        goOn(in: other) { newcomer throws(TransferRefusal) in
            try other.replace(seat, with: newcomer, isEarlyOnly: true)
        }
    }

    /// The caller's leg goes on in another call, which takes it in and answers it, and this call is over by that.
    func goOn(in other: Call, _ takeIn: (Leg) throws(TransferRefusal) -> Void) {
        // Who has heard anything of us was given a description, which the other call's would have to be.
        guard let user, !callerIsAnswered, legs[0].described.local == nil, !startsUponAnswer else {
            return refuse(.declined, "only a user whom nobody has answered yet can go on in another call")
        }
        let own = legs[0]
        let newcomer = Leg(
            id: LegID(call: other.id, index: other.legs.count),
            session: own.session,
            target: "user \(user)",
            user: user,
            trunk: nil,
            address: own.address,
            sipCallID: own.sipCallID,
            described: own.described
        )
        do throws(TransferRefusal) {
            try takeIn(newcomer)
        } catch {
            return refuse(.declined, error.what)
        }
        _ = legs[0].move(to: newcomer.id, reason: "picked-up")
        core.rename(own.id, to: other.legs[newcomer.id.index])
        link(with: other)
        end(.cancelled, by: .switch, cause: .cancelled, reason: "picked-up")
    }

    /// The plan goes on, as after a dial that came to nothing.
    func refuse(_ outcome: DialOutcome, _ why: String) {
        publish(.note(why))
        proceed(.dialled(outcome))
    }
}

extension CallCore {
    /// The oldest call that rings at one of these users, and by which leg; one of a queue where no other does.
    func ringing(at users: [String], of tenant: TenantID) -> (call: Call, leg: Int)? {
        // Who works at another phone is rung there.
        let users = users.map { acd.device(of: UserID(tenant: tenant, number: $0)).number }
        let ids = users.reduce(into: Set<CallID>()) { all, number in
            all.formUnion(callsOfUsers[UserID(tenant: tenant, number: number)] ?? [])
        }
        let calls = ids.sorted().compactMap { call($0) }
        let found = calls.compactMap { call in call.legRinging(at: users).map { (call, $0) } }
        return found.first { if case .dialing = $0.0.stage { true } else { false } } ?? found.first
    }
}

extension Call {
    fileprivate func legRinging(at users: [String]) -> Int? {
        let rung: [Int]
        switch stage {
        case .dialing(let dial): rung = dial.attempts
        case .queued(let stay): rung = stay.ringing.values.flatMap { $0 }.sorted()
        case .deciding, .answering, .echoing, .telling, .asking, .introducing, .consulting, .talking,
            .supervising, .parked, .sounding, .ending:
            rung = []
        }
        return rung.first { index in
            legs[index].user.map(users.contains) ?? false && !legs[index].isOver && legs[index].session.isEarly
        }
    }
}

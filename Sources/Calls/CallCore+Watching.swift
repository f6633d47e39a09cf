import Config
public import Events
public import SIP

/// What those may see who watch a user: his dialogs, read from his calls as they are now.
extension CallCore {
    /// His dialogs, of his oldest call first.
    public func watchedDialogs(of user: UserID) -> [WatchedDialog] {
        (callsOfUsers[user] ?? []).sorted().compactMap { call($0) }.flatMap { $0.watchedDialogs(of: user.number) }
    }

    /// The users of the calls that something happened to since this was asked last.
    public func takeTouched() -> Set<UserID> {
        let users = touched.compactMap { call($0) }.flatMap { call in
            call.legs.compactMap(\.user).map { UserID(tenant: call.tenant.id, number: $0) }
        }
        touched = []
        return Set(users)
    }
}

extension Call {
    fileprivate func watchedDialogs(of user: String) -> [WatchedDialog] {
        guard !isEnding else { return [] }
        return legs.indices.filter { legs[$0].user == user }.compactMap(watchedDialog)
    }

    private func watchedDialog(_ index: Int) -> WatchedDialog? {
        let leg = legs[index]
        let session = leg.session
        let phase: WatchedDialog.Phase
        switch leg.progress {
        case .over: return nil
        case .answered: phase = .confirmed
        case .trying where session.ownsCallID:
            // A phone that has said nothing may be none.
            guard session.dialog != nil else { return nil }
            phase = .early
        case .trying: phase = isRinging ? .early : .trying
        }
        let isRung = session.ownsCallID
        return WatchedDialog(
            id: "\(leg.id.call)-\(index)",
            direction: isRung ? .recipient : .initiator,
            phase: phase,
            remote: party(facing: index),
            dialog: session.reference,
            // A talk is nobody's to take who only watches.
            mayBePickedUp: isRung && phase == .early
        )
    }

    private func party(facing index: Int) -> WatchedDialog.Party? {
        if index != anchor { return watchedParty(at: anchor) }
        if let peer = counterpart(of: index) { return watchedParty(at: peer) }
        // Nobody is reached yet: whom the plan may call outside is outside.
        let isInside = direction != .outbound && expectedDirection != .outbound
        return WatchedDialog.Party(number: to, name: tenant.users[to]?.name, isInside: isInside)
    }

    private func watchedParty(at index: Int) -> WatchedDialog.Party? {
        let leg = legs[index]
        if let user = leg.user {
            return WatchedDialog.Party(number: user, name: tenant.users[user]?.name, isInside: true)
        }
        let party = party(at: index)
        return party.isPrivate ? nil : WatchedDialog.Party(number: party.number, name: party.name, isInside: false)
    }
}

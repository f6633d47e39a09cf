import Config
import SIP
import SIPMessage

/// What others are told of who calls (RFC 3323, RFC 3325).
extension Call {
    /// The From of a leg. A phone is nobody whom an identity could be entrusted to: it sees what everybody may.
    func shownCaller(to route: TargetRoute) -> NameAddress {
        // Whoever is rung to call somebody sees whom.
        if startsUponAnswer { return NameAddress(uri: SIPURI(user: to, host: route.fromHost)) }
        // A carrier goes on being told who called: it takes only numbers that somebody vouches for.
        guard route.trunk == nil else { return isPrivate ? .anonymous : caller(at: route.fromHost) }
        let party = servedParty
        guard !party.isPrivate else { return .anonymous }
        return NameAddress(uri: SIPURI(user: party.number, host: route.fromHost), displayName: party.name)
    }

    /// What a carrier is told beside the From: the identity only where it is trusted with that, and only one that somebody vouches
    /// for (RFC 3325 §5, §7).
    func identityHeaders(for route: TargetRoute) -> [(HeaderName, String)] {
        guard route.trunk != nil else { return referrer.map { [(.referredBy, "\($0)")] } ?? [] }
        guard !startsUponAnswer else { return [] }
        var headers: [(HeaderName, String)] = []
        if route.takesIdentity, isAsserted { headers.append((.pAssertedIdentity, "\(caller(at: route.fromHost))")) }
        if isPrivate { headers.append((.privacy, "id")) }
        return headers
    }

    /// The colleague who sends the party to this phone (RFC 3892): whom we know, not what his phone says.
    private var referrer: NameAddress? {
        guard let transfer, case .underWay = transfer.stage, let user = legs[transfer.from].user else { return nil }
        let uri = SIPURI(user: user, host: tenant.domains.first ?? "localhost")
        return NameAddress(uri: uri, displayName: tenant.users[user]?.name)
    }

    private func caller(at host: String) -> NameAddress {
        NameAddress(uri: SIPURI(user: from, host: host), displayName: fromName)
    }
}

import Config
import Events
import SIP
import SIPMessage

/// What others are told of who calls (RFC 3323, RFC 3325).
extension Call {
    /// The From of a leg. A phone is nobody whom an identity could be entrusted to: it sees what everybody may.
    func shownCaller(to route: TargetRoute) -> NameAddress {
        // Whoever is rung to call somebody sees whom.
        if startsUponAnswer { return NameAddress(uri: SIPURI(user: to, host: route.fromHost)) }
        // A carrier goes on being told who called: it takes only numbers that somebody vouches for.
        guard route.trunk == nil else { return isPrivate ? .anonymous : identity(towards: route) }
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
        // For a number of our own we vouch ourselves.
        if route.takesIdentity, isAsserted || substitute(towards: route) != nil {
            headers.append((.pAssertedIdentity, "\(identity(towards: route))"))
        }
        if isPrivate { headers.append((.privacy, "id")) }
        return headers
    }

    /// By whom the call came. A carrier is told our users by the numbers that it is shown for them when they call (RFC 5806 §4: it may bill
    /// them, or refuse the call); an extension is nobody outside.
    func historyHeaders(_ history: DiversionHistory, for route: TargetRoute) -> [(HeaderName, String)] {
        guard let trunk = route.trunk else { return history.headers }
        let (rule, domain) = (tenant.trunks[trunk.name]?.callerID, tenant.domains.first ?? "localhost")
        return history.renamed { uri in
            guard uri.host == domain, let number = uri.user, let user = tenant.users[number] else { return nil }
            let wishes = [user.callerID, CallerID(number: number)].compactMap(\.self)
            let shown = rule?.chosen(among: wishes) ?? wishes[0]
            return shown.number == number ? nil : SIPURI(user: shown.number, host: route.fromHost)
        }
        .headers
    }

    /// The colleague who sends the party to this phone (RFC 3892): whom we know, not what his phone says.
    private var referrer: NameAddress? {
        guard let transfer, case .underWay = transfer.stage, let user = legs[transfer.from].user else { return nil }
        let uri = SIPURI(user: user, host: tenant.domains.first ?? "localhost")
        return NameAddress(uri: uri, displayName: tenant.users[user]?.name)
    }

    private func identity(towards route: TargetRoute) -> NameAddress {
        let shown = substitute(towards: route) ?? CallerID(number: from, name: fromName)
        return NameAddress(uri: SIPURI(user: shown.number, host: route.fromHost), displayName: shown.name)
    }

    /// What a trunk is shown in the caller's place: what the plan's step wants, the number that is the caller's own outside, or the
    /// trunk's; nil: the caller as he is.
    func substitute(towards route: TargetRoute) -> CallerID? {
        let rule = route.trunk.flatMap { tenant.trunks[$0.name] }?.callerID
        // Whoever calls in another's name (a queue's call-back) has not that one's number.
        let own = user == from ? tenant.users[from]?.callerID : nil
        let wishes = [route.callerID.map { CallerID(number: $0) }, own].compactMap { $0 } + [CallerID(number: from)]
        var shown = rule?.chosen(among: wishes) ?? wishes[0]
        guard shown.number != from else { return nil }
        shown.name = shown.name ?? rule?.standard.name
        return shown
    }
}

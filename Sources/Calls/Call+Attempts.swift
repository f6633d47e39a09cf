import Config
import DialPlan
import Events
import Media
import NetAddress
import SDP
import SIP
import SIPMessage
import Timebase

/// The legs of a `dial` step, one for each way that is tried, and of what could not be tried.
extension Call {
    /// Makes the leg of one route a leg of the call; nil when no port or no description can be had for it.
    func invite(_ route: TargetRoute, after history: DiversionHistory? = nil, forQueue: Bool = false) -> Int? {
        let leadsOut = leadOut(over: route.trunk)
        guard let leg = makeLeg(route, after: history) else { return nil }
        legs.append(leg)
        core.register(leg, call: self)
        // An agent whose phone rings past the queues is busy for them.
        if let user = leg.user, !forQueue { core.engage(user, in: self) }
        publish(
            .legStarted(
                LegStarted(
                    leg: leg.id.index,
                    target: leg.target,
                    user: route.user,
                    trunk: route.trunk?.name,
                    address: leg.address,
                    sipCallID: leg.sipCallID,
                    transferredBy: transfer?.from,
                    leadsOut: leadsOut ? true : nil
                )
            )
        )
        if route.trunk != nil, !startsUponAnswer, let shown = substitute(towards: route) {
            publish(.note("leg \(leg.id.index) shows \(shown.number) for the caller"))
        }
        return leg.id.index
    }

    /// Whether a leg over this trunk makes a user's call an outbound one: whoever he calls is outside. Neither whom somebody hands a party on
    /// to, nor where a queue's agent sends its callers is that.
    private func leadOut(over trunk: TrunkID?) -> Bool {
        guard trunk != nil, direction == .internal, !startsUponAnswer, transfer == nil, !hasSpoken else { return false }
        if case .queued = stage { return false }
        direction = .outbound
        return true
    }

    /// `after`: how the call came here where somebody we rang sent it on; `near`: another call's port that this one is to be mixed with.
    func makeLeg(
        _ route: TargetRoute,
        after history: DiversionHistory? = nil,
        near neighbour: MediaPort? = nil
    ) -> Leg? {
        let legID = LegID(call: id, index: legs.count)
        let isV6 = route.flows.first?.remote.ip.unmapped.isV6 ?? false
        guard let port = core.openPort(for: legID, near: neighbour ?? anyPort, isV6: isV6) else {
            return forgo(route, status: 503, why: "no media port is free")
        }
        var described = Leg.Description(sessionID: core.makeSessionID())
        let offer: SessionDescription?
        do throws(SDPFault) {
            offer = try offerForCallee(route.user, port: port, described: &described)
        } catch {
            core.giveUpPort(port.id)
            return forgo(route, status: error.status, why: error.what)
        }
        var past = history ?? self.history
        if history == nil, route.trunk != nil, let missed {
            // Another network is told by whom it comes there, as it is with a 3xx (RFC 5806 §4).
            let author = SIPURI(user: missed.number, host: tenant.domains.first ?? "localhost")
            past.sendOn(by: author, status: missed.status, reason: missed.reason)
        }
        if history == nil { past.goOn(to: route.to.uri) }
        let invitation = Invitation(
            target: route.uri,
            from: shownCaller(to: route),
            to: route.to,
            flows: route.flows,
            maxForwards: maxForwards,
            callID: core.ids.callID(),
            sdp: offer?.write(),
            headers: route.path.map { (.route, $0) } + historyHeaders(past, for: route)
                + identityHeaders(for: route),
            credentials: route.credentials
        )
        described.local = offer
        let session = Session(inviting: invitation, settings: core.settings.session, seed: core.ids.bits())
        var leg = Leg(
            id: legID,
            session: session,
            target: startsUponAnswer ? Leg.caller : route.label,
            user: route.user,
            trunk: route.trunk,
            address: route.flows.first.map { "\($0.remote)" } ?? "",
            sipCallID: invitation.callID,
            described: described
        )
        (leg.history, leg.number, leg.server) = (past, route.to.uri.user, route.flows.first?.remote)
        leg.contact = route.uri
        leg.port = port
        leg.awaitsReport = true
        leg.side = startsUponAnswer ? .caller : legs[anchor].side.opposite
        return leg
    }

    /// A leg that nothing was sent for: carriers bill attempts, and a report of a trunk counts what it did not take.
    func noteAttempt(over trunk: TrunkID, _ label: String, _ number: String, _ result: LegResult, _ why: String) {
        let address = tenant.trunks[trunk.name]?.host ?? ""
        let leadsOut = direction == .outbound || leadOut(over: trunk)
        var leg = Leg(
            id: LegID(call: id, index: legs.count),
            session: .unsent(settings: core.settings.session),
            target: label,
            user: nil,
            trunk: trunk,
            address: address,
            sipCallID: "",
            described: Leg.Description(sessionID: 0)
        )
        (leg.number, leg.occupies, leg.hasEnded) = (number, nil, true)
        legs.append(leg)
        let index = leg.id.index
        publish(
            .legStarted(
                LegStarted(
                    leg: index,
                    target: label,
                    user: nil,
                    trunk: trunk.name,
                    address: address,
                    sipCallID: nil,
                    leadsOut: leadsOut ? true : nil
                )
            )
        )
        finishLeg(index, result, status: nil, reason: why)
    }

    /// No leg comes of a route: its place on the trunk is free again, and the caller is told why.
    private func forgo(_ route: TargetRoute, status: Int, why: String) -> Leg? {
        publish(.note("\(route.label): \(why)"))
        if let trunk = route.trunk {
            core.surroundings?.release(trunk)
            noteAttempt(over: trunk, route.label, route.to.uri.user ?? "", .failed, why)
        }
        lastRejection = Rejection(status: status, phrase: ReasonPhrase.standard(status), isLocal: true)
        return nil
    }

    /// What we offer a callee: the caller's offer as ours, the codec the caller already speaks, or nothing (late offer).
    private func offerForCallee(
        _ user: String?,
        port: MediaPort,
        described: inout Leg.Description
    ) throws(SDPFault) -> SessionDescription? {
        if startsUponAnswer {
            return described.versions.stamp(
                ownOffer(codecs: Self.spokenCodecs, as: described.media(port), direction: .sendrecv)
            )
        }
        if callerIsAnswered {
            // The codec that the caller speaks, and G.711: between its two laws the media plane translates, and there is hardly anybody who
            // could not change over to it.
            let own = codec(of: anchor).map { [$0] + Self.spokenCodecs }
            let offer = ownOffer(
                codecs: own ?? core.settings.codecs,
                as: described.media(port),
                direction: .sendrecv,
                theirs: formats(of: anchor)
            )
            return described.versions.stamp(offer)
        }
        guard let offer = legs[0].described.remote else { return nil }
        return described.versions.stamp(
            try relayOffer(offer, as: described.media(port), preferring: preferredCodecs(towards: user))
        )
    }
}

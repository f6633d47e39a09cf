import Config
import DialPlan
import Events
import SIP
import SIPMessage

/// Where a 3xx of a dialled phone or carrier leads (RFC 3261 §8.1.3.4, §21.3): who rings beside, and the plans that go on afterwards.
extension Call {
    /// The next plan that a 3xx led into has its turn; after the last the one whose dial was sent elsewhere.
    func detour(after outcome: DialOutcome) {
        guard var detour = detours.popLast() else { return }
        guard !detour.later.isEmpty else {
            (plan, history) = (detour.plan, detour.history)
            return proceed(.dialled(outcome))
        }
        let next = detour.later.removeFirst()
        detours.append(detour)
        (plan, history) = (next.run, next.history)
        perform(next.first ?? plan.proceed(.dialled(outcome)))
    }

    /// A plan that a 3xx led into hangs up, and nobody has taken the call: so the dial that was sent elsewhere has failed.
    func detourEnded(_ cause: HangupCause) {
        if cause.passingOn(lastRejection) == cause {
            lastRejection = Rejection(status: cause.status, phrase: ReasonPhrase.standard(cause.status), isLocal: true)
        }
        detour(after: DialOutcome(rawValue: cause.name) ?? DialOutcome(status: cause.status))
    }

    /// Follows a 3xx (RFC 3261 §8.1.3.4), as far as the dial plan would let its author call (a redirect is no way to dial abroad).
    func follow(_ rejection: Rejection, of index: Int, in dial: inout Dial) -> Bool {
        guard redirects < core.settings.maximumRedirects else {
            publish(.note("redirected too often: \(redirects) times"))
            return false
        }
        redirects += 1
        stage = .dialing(dial)
        let (ways, onward) = leads(
            of: rejection,
            from: index,
            timeout: dial.request.timeout,
            callerID: dial.request.callerID
        )
        dial.onward += onward
        if let place = dial.searches.firstIndex(where: { $0.ringing.contains(index) }) {
            dial.searches[place].later.insert(contentsOf: ways, at: 0)
        } else {
            dial.searches.append(Search(ringing: [index], later: ways))
        }
        return searchOn(after: index, in: &dial) || !onward.isEmpty
    }

    /// An attempt is over: when it was the last of those that a 3xx named with one `q`, those with the next are rung. False: nobody is.
    @discardableResult func searchOn(after index: Int, in dial: inout Dial) -> Bool {
        guard let place = dial.searches.firstIndex(where: { $0.ringing.contains(index) }) else { return false }
        dial.searches[place].ringing.removeAll { $0 == index }
        stage = .dialing(dial)
        while dial.searches[place].ringing.isEmpty, !dial.searches[place].later.isEmpty {
            let group = dial.searches[place].later.removeFirst()
            let made = group.flatMap { ring($0) }
            dial.searches[place].ringing = made
            dial.attempts += made
            stage = .dialing(dial)
            for next in made { act(on: next) { session, _ in session.start() } }
        }
        return !dial.searches[place].ringing.isEmpty
    }

    /// Rings where a 3xx leads to, if there is a way by now.
    func ring(_ redirect: Redirect) -> [Int] {
        var routes = redirect.routes ?? []
        if redirect.routes == nil, case .routes(let found) = reach(redirect.request) { routes = found }
        return routes.filter { !isRung($0) && !isLoop($0.user, redirect.history) }
            .compactMap { invite($0, after: redirect.history) }
    }

    /// What rings for this call is not rung once more (RFC 3261 §8.1.3.4: an address joins the targets once).
    private func isRung(_ route: TargetRoute) -> Bool {
        route.user != nil
            && legs.contains {
                $0.user == route.user && $0.contact == route.uri && $0.progress == .trying && !$0.session.isEnded
            }
    }

    /// Where a 3xx leads to, as far as its author may call there: who rings, together those of the same `q`, and the plans that this is
    /// part of.
    func leads(
        of rejection: Rejection,
        from index: Int,
        timeout: Duration,
        callerID: String? = nil
    ) -> (ways: [[Redirect]], onward: [Onward]) {
        let domain = tenant.domains.first ?? "localhost"
        var history = legs[index].history
        history.sendOn(
            by: SIPURI(user: legs[index].number ?? to, host: domain),
            status: rejection.status,
            told: legs[index].trunk == nil ? [] : rejection.diversions
        )
        var branch = 0
        var named: Set<String> = []
        var onward: [Onward] = []
        func way(to contact: SIPURI, isFirst: Bool) -> Redirect? {
            guard branch < Self.mostContacts, let number = contact.number, !isLoop(number, history) else { return nil }
            guard legs[index].trunk != nil || isOwn(contact) else {
                publish(.note("leg \(index) redirects to \(contact), which is not of tenant \(tenant.id)"))
                return nil
            }
            // Whom it names again joins the targets once (RFC 3261 §8.1.3.4).
            guard named.insert(number).inserted else { return nil }
            let onTrunk = legs[index].trunk.map { trunk in
                let target = DialTarget.trunk(trunk.name, number: number)
                return Instruction.dial(DialRequest(target: target, timeout: timeout, callerID: callerID))
            }
            var asDialled = onTrunk == nil ? tenant.internalPlan.map { run(of: $0, to: number, by: legs[index]) } : nil
            guard let first = onTrunk ?? asDialled?.start(), first != .noRoute else { return nil }
            publish(.note("leg \(index) redirects to \(number)"))
            branch += 1
            var next = history
            next.goOn(to: SIPURI(user: number, host: domain), branch: branch)
            var way: Redirect?
            var isRungAlready = false
            if case .dial(let request) = first {
                if !isFirst {
                    way = Redirect(request: request, history: next)
                } else if case .routes(let all) = reach(request) {
                    let routes = all.filter { !isRung($0) && !isLoop($0.user, history) }
                    isRungAlready = routes.isEmpty && all.contains(where: isRung)
                    way = routes.isEmpty ? nil : Redirect(request: request, routes: routes, history: next)
                }
            }
            if var run = asDialled {
                // Who can be rung rings at once, beside the others; the plan goes on when they will not.
                let isRinging = way != nil || isRungAlready
                if isRinging { for entry in run.takeTrail() { publish(Event(entry, plan: run.plan)) } }
                onward.append(Onward(run: run, first: isRinging ? nil : first, history: history))
            }
            return way
        }
        let ways = rejection.contacts.enumerated().map { place, group in
            group.compactMap { way(to: $0, isFirst: place == 0) }
        }
        return (ways, onward)
    }

    /// Of one 3xx so many are followed.
    private static let mostContacts = 4

    func isLoop(_ number: String?, _ history: DiversionHistory) -> Bool {
        guard let number, history.wasSentOn(by: number) else { return false }
        publish(.note("not to \(number) again, who has sent this call on already"))
        return true
    }
}

extension Rejection {
    /// Names other places for the call; 305 names a proxy for it, and what 380 names is no call (RFC 3261 §21.3.4, §21.3.5).
    var isRedirect: Bool { (300..<400).contains(status) && status != 305 && status != 380 }
}

import ACD
public import Calls
public import Config
public import Events
import DialPlan
import NetAddress
public import SIP
import SIPMessage
public import Timebase

/// What an administrator or supervisor may ask of the running switch.
extension Engine {
    public struct TrunkStatus: Sendable {
        public var id: TrunkID
        public var address: String
        public var isUp: Bool
        public var since: Moment?
        public var reason: String?
        /// Seconds that it is to be left alone, as it asked for; nil: none.
        public var rest: Int?
        public var roundTrip: Duration?
        /// Whether it is asked from time to time.
        public var isProbed: Bool
        public var activeCalls: Int
        public var maxCalls: Int?
        /// Its calls that were refused for its limits, and those of them that have no record.
        public var turnedAway: UInt64
        public var unrecorded: UInt64
        /// nil: it is not registered with.
        public var registration: RegistrationClient.State?
        public var isRegistered: Bool
    }

    public struct Refusal: Error, Equatable {
        public var code: String
        public var what: String
        public var mend: String

        static let draining = Refusal(
            code: "draining",
            what: "the switch is shutting down",
            mend: "try again after the restart"
        )

        static func notRegistered(_ number: String) -> Refusal {
            Refusal(
                code: "not-registered",
                what: "no phone of \(number) is registered",
                mend: "register it, then look with: gudok registrations"
            )
        }
    }

    /// Since the switch began, those that it made itself included.
    public var callsStarted: UInt64 { calls.opened }
    public var liveCalls: [LiveCall] { calls.liveCalls }
    public var callCount: Int { calls.liveCallCount }
    /// Entries in every table that only a leak would leave behind.
    public var residue: [String: Int] {
        var residue = calls.residue
        residue["transactions"] = transactions.count
        residue["errands"] = errands.count
        residue["registrations-leaving"] = registrations.values.count { !$0.isWanted }
        return residue
    }

    public var trunkStatuses: [TrunkStatus] {
        let clients = Dictionary(
            registrations.values.filter(\.isWanted).map { ($0.id, $0.client) },
            uniquingKeysWith: { $1 }
        )
        return trunks.map { id, monitor in
            TrunkStatus(
                id: id,
                address: monitor.address,
                isUp: monitor.isUp,
                since: monitor.downSince,
                reason: monitor.lastFailure,
                rest: monitor.rest(now: now.instant),
                roundTrip: monitor.roundTrip,
                isProbed: monitor.trunk.probe.isEnabled,
                activeCalls: monitor.activeCalls,
                maxCalls: monitor.trunk.maxCalls,
                turnedAway: monitor.turnedAway,
                unrecorded: monitor.unrecorded,
                registration: clients[id]?.state,
                isRegistered: clients[id]?.isRegistered(at: now.instant) ?? false
            )
        }
        .sorted { $0.id.description < $1.id.description }
    }

    public func bindings(at moment: Moment) -> [(UserID, Binding)] { registrar.allBindings(now: moment.instant) }

    public func restore(_ registrations: [StoredRegistration], at moment: Moment) {
        enter(moment)
        defer { settle() }
        apply(registrar.restore(registrations, now: now))
    }

    /// Rings a user, and upon the answer calls `to` as that user would.
    public func originate(
        from number: String,
        to: String,
        tenant name: String?,
        at moment: Moment
    ) throws(Refusal) -> CallID {
        enter(moment)
        defer { settle() }
        guard !isDraining else { throw Refusal.draining }
        let tenant = try chooseTenant(name)
        guard let user = tenant.users[number] else {
            throw Refusal(
                code: "no-such-user",
                what: "tenant \(tenant.id) has no user \(number)",
                mend: "see: gudok registrations"
            )
        }
        guard let plan = tenant.internalPlan else {
            throw Refusal(
                code: "no-dialplan",
                what: "tenant \(tenant.id) has no dial plan 'internal'",
                mend: "add it to the tenant's dialplans"
            )
        }
        // Nobody is rung for a number that leads nowhere.
        guard to.isDialable, plan.route(called: to, caller: number) != nil || plan.queue(of: to) != nil else {
            throw Refusal(
                code: "no-number",
                what: "no rule of the plan \(plan.name) takes '\(to)'",
                mend: "name a number that \(number) could dial"
            )
        }
        guard case .routes(let routes) = reach(.user(number), of: tenant) else {
            throw Refusal.notRegistered(number)
        }
        let identity = CallerIdentity(
            tenant: tenant,
            direction: plan.leadsOut(from: to, caller: number) ? .outbound : .internal,
            number: number,
            name: user.name,
            trunk: nil,
            user: number,
            plan: plan
        )
        guard let id = calls.originate(from: identity, over: routes, to: to) else {
            throw Refusal(code: "no-port", what: "no media port is free", mend: "widen media.ports")
        }
        return id
    }

    public func hangUp(_ id: CallID, by actor: AuditedAct.Actor, at moment: Moment) -> Bool {
        enter(moment)
        defer { settle() }
        return calls.hangUp(id, reason: "administrator", by: actor)
    }

    /// Whose call this is; nil: it does not live.
    public func tenant(ofCall id: CallID) -> TenantID? { calls.tenant(of: id) }

    /// The one that is named, or the only one.
    public func chooseTenant(_ name: String?) throws(Refusal) -> Tenant {
        if let name {
            guard let tenant = configuration.tenants[TenantID(name)] else {
                throw Refusal(
                    code: "no-such-tenant",
                    what: "no tenant '\(name)'",
                    mend: "see the files in the tenants folder"
                )
            }
            return tenant
        }
        guard configuration.tenants.count == 1, let only = configuration.tenants.values.first else {
            throw Refusal(code: "which-tenant", what: "there are several tenants", mend: "name one: ?tenant=")
        }
        return only
    }

    /// Puts a new configuration in force. Calls in progress finish on the one they began with.
    public func apply(_ next: Configuration, changes: [String], at moment: Moment) {
        enter(moment)
        defer { settle() }
        let before = configuration.tenants
        let node = next.node.taken(by: configuration.node)
        configuration = Configuration(node: node, tenants: next.tenants)
        calls.settings = CallSettings(node)
        trackTrunks()
        calls.dispatch { $0.configure(next.tenants, at: now) }
        for (tenant, old) in before {
            for user in old.users.keys where next.tenants[tenant]?.users[user] == nil {
                calls.remember(UserID(tenant: tenant, number: user))
            }
            for queue in old.queues.keys where next.tenants[tenant]?.queues[queue] == nil {
                calls.remember(QueueID(tenant: tenant, name: queue))
            }
        }
        tellReachability()
        apply(registrar.keep({ configuration.tenants[$0.tenant]?.users[$0.number] != nil }, now: now))
        keepSubscriptions()
        bus.publish(.configurationApplied(changes: changes), tenant: nil, at: now)
    }

    /// Tells what somebody did to the switch, or to one of its tenants.
    public func note(_ act: AuditedAct, at moment: Moment) {
        enter(moment)
        defer { settle() }
        // Whatever name a request has: only a tenant who is there has records to be told in.
        let owner = act.tenant.flatMap { configuration.tenants[$0] == nil ? nil : $0 }
        bus.publish(.audited(act), tenant: owner, at: now)
    }

    /// No new calls from now on.
    public func drain(at moment: Moment) {
        enter(moment)
        defer { settle() }
        isDraining = true
        leaveRegistrars()
        calls.suspendCallbacks()
    }

    /// Ends what is left.
    public func hangUpEverything(reason: String, at moment: Moment) {
        enter(moment)
        defer { settle() }
        calls.takeBackAttempts(because: reason)
        for id in calls.callIDs { _ = calls.hangUp(id, reason: reason) }
    }

    /// What the registrar wants done: kept, forgotten, asked, told.
    func apply(_ actions: [RegistrarAction]) {
        for action in actions {
            switch action {
            case .store(let registration):
                outlet.store(.put(registration))
                registrationsTouched.insert(registration.user)
            case .remove(let registration):
                outlet.store(.remove(registration))
                registrationsTouched.insert(registration.user)
            case .publish(let event, let tenant):
                bus.publish(event, tenant: tenant, at: now)
                follow(event, of: tenant)
            case .moved(let user, let old, let new): calls.goOn(user, over: new, insteadOf: old)
            case .probe(let probe):
                let transaction = send(
                    makeOptions(to: probe.contact.asRequestURI, flow: probe.flow),
                    over: [probe.flow]
                )
                errands[transaction] = .keepAlive(probe)
            }
        }
    }
}

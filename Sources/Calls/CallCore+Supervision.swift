import ACD
public import Config
public import DialPlan
public import Events

/// Who may be in whose talk.
extension CallCore {
    /// A talk that somebody may be let into.
    struct Admission {
        var call: Call
        /// The operator's extension.
        var agent: String
        /// His leg, where he was asked for and not the call.
        var operatorsLeg: Int?

        func attendant(_ user: String, by call: CallID, _ mode: SupervisionMode) -> Attendant {
            Attendant(
                call: call,
                user: user,
                mode: mode,
                operatorsLeg: operatorsLeg,
                hears: operatorsLeg == nil ? nil : agent
            )
        }
    }

    /// More in one talk hear nothing that the others do not.
    static let mostAttendants = 4

    /// Looks whether `user` may be in the talk; the rights are those of the configuration in force.
    func admit(
        _ user: String?,
        of tenant: Tenant,
        to request: SupervisionRequest
    ) throws(SupervisionRefusal) -> Admission {
        let user = try supervisor(user, of: tenant)
        let (call, agent, operatorsLeg) = try find(request.subject, of: tenant.id)
        try checkApart(user, from: call)
        guard call.isTalk else {
            throw SupervisionRefusal(.notTalking, "nobody talks in call \(call.id) yet", mend: "see: gudok calls")
        }
        guard request.mode != .takeOver || call.hasRoomForLegs else {
            throw SupervisionRefusal(.tooManyLegs, "call \(call.id) has had \(call.legs.count) legs", mend: "end it")
        }
        let others = call.attendants.count { $0.user != user }
        guard others < Self.mostAttendants else {
            throw SupervisionRefusal(
                .tooMany,
                "\(others) supervisors are in call \(call.id)",
                mend: "wait until one of them leaves"
            )
        }
        return Admission(call: call, agent: agent, operatorsLeg: operatorsLeg)
    }

    /// Who supervises, by the role that he has now.
    func supervisor(_ user: String?, of tenant: Tenant) throws(SupervisionRefusal) -> String {
        if let user, let role = tenant.users[user]?.role, role.maySupervise { return user }
        throw SupervisionRefusal(
            .notAllowed,
            "\(user ?? "a caller who is no user") is no supervisor of tenant \(tenant.id)",
            mend: "give the user the role supervisor or administrator"
        )
    }

    /// Nobody listens to himself, at whatever phone he talks.
    func checkApart(_ user: String, from call: Call) throws(SupervisionRefusal) {
        let himself = UserID(tenant: call.tenant.id, number: user)
        let speaks = call.legs.indices.contains { index in
            let leg = call.legs[index]
            return !leg.isOver && (leg.user == user || call.speaker(at: index) == himself)
        }
        guard speaks || call.served?.agent == himself else { return }
        throw SupervisionRefusal(.inTheCall, "\(user) is in call \(call.id) himself", mend: "name another call")
    }

    private func find(
        _ subject: SupervisionRequest.Subject,
        of tenant: TenantID
    ) throws(SupervisionRefusal) -> (Call, agent: String, leg: Int?) {
        switch subject {
        case .call(let id):
            // Another tenant's call is none.
            guard let call = call(id), !call.isEnding, call.tenant.id == tenant else {
                throw SupervisionRefusal(.noSuchCall, "no call \(id) is up", mend: "see: gudok calls")
            }
            return (call, call.operatorsNumber, nil)
        case .agent(let number):
            let agent = UserID(tenant: tenant, number: number)
            let known = acd.agentView(agent)?.currentCall.flatMap { call($0) }
            if let known, known.isTalk { return (known, number, known.leg(of: number)) }
            // Of several calls of his, the one that he talks in and came to last.
            let his = everyCall.filter { $0.tenant.id == tenant && $0.isTalk && $0.operatorsNumber == number }
            guard let call = his.max(by: { $0.id < $1.id }) else {
                throw SupervisionRefusal(.notTalking, "\(number) talks with nobody", mend: "see: gudok agents")
            }
            return (call, number, call.leg(of: number))
        }
    }

    /// The supervisor's own call, when he is in this talk or on his way into it.
    func attendance(of user: String, in call: Call) -> CallID? { call.attendants.first { $0.user == user }?.call }

    /// Supervisors and the calls that they are in must know of each other; in words, where they did not.
    func mendSupervision() -> [String] {
        var faults: [String] = []
        for call in calls(where: { !$0.isEnding && ($0.supervisedCall != nil || !$0.attendants.isEmpty) }) {
            for attendant in call.attendants where self.call(attendant.call)?.supervisedCall != call.id {
                faults.append("\(attendant.call) is in the talk of \(call.id), and is not")
                call.supervisorLeft(attendant.call)
            }
            guard let other = call.supervisedCall.map({ self.call($0) }) else { continue }
            if other?.isEnding ?? true || !(other?.attendants.contains { $0.call == call.id } ?? false) {
                faults.append("\(call.id) is in the talk of a call that does not know it")
                call.end(.answered, by: .switch, cause: .normal, reason: "supervised-call-ended")
            }
        }
        return faults
    }

    // MARK: by the engine's word

    public struct Supervision: Sendable {
        /// The supervisor's own call.
        public var call: CallID
        public var supervised: CallID
        public var agent: String
        public var mode: SupervisionMode
        /// His phone rings; false: he was in the talk, and only the mode is another.
        public var isNew: Bool
    }

    /// Changes the mode of one who is in the talk already; nil: he is not.
    public func changeSupervision(
        _ request: SupervisionRequest,
        by user: String,
        of tenant: Tenant,
        actor: AuditedAct.Actor
    ) throws(SupervisionRefusal) -> Supervision? {
        let admission = try admit(user, of: tenant, to: request)
        guard let own = attendance(of: user, in: admission.call) else { return nil }
        let isOther = admission.call.follow(own, admission)
        call(own)?.changeSupervision(to: request.mode, ofOther: isOther, by: actor)
        return Supervision(
            call: own,
            supervised: admission.call.id,
            agent: admission.agent,
            mode: request.mode,
            isNew: false
        )
    }

    /// Rings the supervisor; upon his answer he is let into the talk. nil: no port is free, or there is no way to him.
    public func originateSupervision(
        _ request: SupervisionRequest,
        from identity: CallerIdentity,
        over routes: [TargetRoute]
    ) throws(SupervisionRefusal) -> Supervision? {
        let admission = try admit(identity.user, of: identity.tenant, to: request)
        let subject = SupervisionRequest(mode: request.mode, subject: .call(admission.call.id))
        let made = originate(
            from: identity,
            over: routes,
            to: admission.agent.isEmpty ? admission.call.shownToSupervisors : admission.agent,
            opening: .supervise(subject),
            near: admission.call.anyPort
        )
        guard let made, let own = call(made), let user = identity.user else { return nil }
        own.supervisedCall = admission.call.id
        admission.call.attendants.append(admission.attendant(user, by: made, request.mode))
        admission.call.changeOver()
        return Supervision(
            call: made,
            supervised: admission.call.id,
            agent: admission.agent,
            mode: request.mode,
            isNew: true
        )
    }
}

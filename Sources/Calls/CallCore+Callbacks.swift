import ACD
import Config
import DialPlan
public import Events
import Timebase

/// Callers who do not wait on the line, but are called back when their turn comes.
///
/// The place stands in the queue as any caller's. The agent whose turn it is is rung first, and calls the number upon his answer: there
/// are never more such calls than agents for them, and nobody is called to hear that nobody is there.
extension CallCore {
    /// Keeps the wish of a call's caller, with the place that he had in the queue.
    func callBack(_ number: String, in queue: QueueID, askedBy call: Call) -> CallbackAnswer {
        guard CallbackNumber.isOne(number) else { return refuseCallback(of: number, "it is no number", askedBy: call) }
        guard leadsSomewhere(number, from: queue, of: call.tenant) else {
            let why = "the plan 'internal' lets none of queue \(queue.name)'s agents call it"
            log(.warning, "'\(number)' asks to be called back and is refused: \(why)", call: call.id)
            return refuseCallback(of: number, why, askedBy: call)
        }
        if let standing = callbacks.wish(of: number, in: queue) {
            // This call missed nothing either, as long as that wish stands.
            call.publish(.variable(name: "callback", value: standing))
            return .known
        }
        guard !callbacks.isFull else {
            log(.warning, "\(CallbackBook.most) callers are to be called back: no more are taken", call: call.id)
            return .refused
        }
        let place = call.place.flatMap { $0.queue == queue ? $0 : nil }
        var callback = Callback(id: ids.sortable(at: now.wall), queue: queue, number: number, requested: now.wall)
        callback.skill = place?.requiredSkill ?? 0
        callbacks.set(callback)
        tell(callback, in: call.id)
        stand(callback, at: place, waited: call.waitedInQueues)
        return .accepted
    }

    private func refuseCallback(of number: String, _ why: String, askedBy call: Call) -> CallbackAnswer {
        call.publish(.note("'\(number)' cannot be called back: \(why)"))
        return .refused
    }

    /// Whether the operators' plan may call somebody for such a number when one of the queue's agents dials it: what a caller names himself
    /// must be no feature code.
    private func leadsSomewhere(_ number: String, from queue: QueueID, of tenant: Tenant) -> Bool {
        guard let plan = tenant.internalPlan, let agents = tenant.queues[queue.name]?.agents else { return false }
        return agents.contains { agent in
            var variables = ["called": number, "caller": agent.user, "tenant": tenant.id.name]
            let leadsOut = plan.leadsOut(from: number, caller: agent.user)
            variables["direction"] = (leadsOut ? CallDirection.outbound : .internal).rawValue
            var run = PlanRun(plan: plan, variables: variables)
            switch run.start() {
            case .noRoute, .hangup: return false
            case let instruction: return instruction.mayCallBack
            }
        }
    }

    private func tell(_ callback: Callback, in call: CallID?, because reason: String? = nil) {
        bus.publish(
            .callbackChanged(callback.changed(because: reason)),
            tenant: callback.queue.tenant,
            call: call,
            at: now
        )
    }

    /// Stands in the queue under the name of the call that is to be.
    private func stand(_ callback: Callback, at place: Dispatcher.Place? = nil, waited: Duration = .zero) {
        var standing = callback
        let attempt = CallID(ids.sortable(at: now.wall))
        (standing.call, standing.state) = (attempt, .waiting)
        callbacks.set(standing)
        guard !areCallbacksSuspended else { return }
        let entry = Dispatcher.Entry(
            call: attempt,
            queue: callback.queue,
            number: callback.number,
            requiredSkill: callback.skill,
            carried: waited,
            isCallback: true,
            place: place
        )
        dispatch { $0.enter(entry, at: now) }
    }

    /// What was open at the end of the last run stands again, in the order of the wishes.
    public func restore(_ open: [CallbackChanged], of tenant: TenantID) {
        for change in open.sorted(by: { $0.id < $1.id }) where change.state.isOpen && callbacks[change.id] == nil {
            var callback = Callback(
                id: change.id,
                queue: QueueID(tenant: tenant, name: change.queue),
                number: change.number,
                requested: WallTime(milliseconds: change.requestedMilliseconds)
            )
            (callback.attempts, callback.agent, callback.skill) = (change.attempts, change.agent, change.skill)
            // The switch cut that attempt off, and no caller was busy or away: it does not count.
            if change.state == .calling {
                callback.attempts = max(0, change.attempts - 1)
                tell(callback, in: nil, because: "engine-restart")
            }
            callback.next = change.nextMilliseconds.map { WallTime(milliseconds: $0) }
            callbacks.set(callback)
            guard !putOffAgain(callback) else { continue }
            let since = change.nextMilliseconds ?? change.requestedMilliseconds
            let waited = max(0, now.wall.milliseconds - since)
            stand(callback, waited: .milliseconds(min(waited, 30 * 86_400_000)))
        }
    }

    /// Whether the pause before the next attempt goes on in this run. It is never longer than the queue has it: a clock may have been set back.
    private func putOffAgain(_ callback: Callback) -> Bool {
        guard let next = callback.next, next > now.wall, let rules = rules(of: callback) else { return false }
        let left = Duration.milliseconds(next.milliseconds - now.wall.milliseconds)
        timers.start(.callback(callback.id), at: now.instant + min(left, rules.retryAfter))
        return true
    }

    /// nil: the queue is no more.
    private func rules(of callback: Callback) -> Queue.CallingBack? {
        surroundings?.tenant(callback.queue.tenant)?.queues[callback.queue.name]?.callingBack
    }

    /// No agent is rung any more, and nobody called whom an agent has not called yet: the switch is about to end, and the next run goes on
    /// with them. What was not an attempt yet does not count as one.
    public func suspendCallbacks() {
        areCallbacksSuspended = true
        for callback in callbacks.all where callback.state == .waiting {
            guard let attempt = callback.call else { continue }
            var standing = callback
            standing.call = nil
            callbacks.set(standing)
            dispatch { $0.leave(attempt, .closed, at: now) }
            call(attempt)?.end(.cancelled, by: .switch, cause: .normal, reason: "shutdown")
        }
    }

    /// The switch ends what is left, and no caller was busy or away: an attempt that this cuts off does not count, and the next run goes
    /// on with it at once. Before the calls end.
    public func takeBackAttempts(because reason: String) {
        for callback in callbacks.all where callback.state == .calling {
            guard let attempt = callback.call.flatMap({ call($0) }), attempt.isAttempt else { continue }
            var standing = callback
            (standing.call, standing.state) = (nil, .waiting)
            standing.attempts = max(0, callback.attempts - 1)
            callbacks.set(standing)
            tell(standing, in: attempt.id, because: reason)
        }
    }

    /// Whose it was; nil: there is none that is open.
    public func cancelCallback(_ id: String, of tenant: TenantID?) -> TenantID? {
        guard let callback = callbacks[id], tenant == nil || callback.queue.tenant == tenant else { return nil }
        conclude(callback, .cancelled, because: "cancelled", in: callback.call.flatMap { call($0)?.id })
        guard let attempt = callback.call else { return callback.queue.tenant }
        dispatch { $0.leave(attempt, .closed, at: now) }
        call(attempt)?.end(.cancelled, by: .switch, cause: .normal, reason: "cancelled")
        return callback.queue.tenant
    }

    func callbackDue(_ id: String) {
        guard let callback = callbacks[id] else { return }
        // Who could not be reached has had his turn: he stands behind those who came meanwhile.
        stand(callback)
    }

    // MARK: an attempt

    /// Its turn has come: the agent is rung in the call that will be the attempt. False: there is no such callback.
    func beginAttempt(_ attempt: CallID, by agent: UserID, device: String) -> Bool {
        guard let callback = callbacks[attempt] else { return false }
        guard let tenant = surroundings?.tenant(callback.queue.tenant), let plan = tenant.internalPlan,
            case .routes(let routes) = phones(of: device, of: tenant), let first = routes.first
        else {
            dispatch { $0.offerFailed(attempt, agent: agent, .unavailable, at: now) }
            return true
        }
        let identity = CallerIdentity(
            tenant: tenant,
            direction: plan.leadsOut(from: callback.number, caller: agent.number) ? .outbound : .internal,
            number: tenant.queues[callback.queue.name]?.number ?? agent.number,
            name: nil,
            trunk: nil,
            user: agent.number,
            plan: plan
        )
        let call = Call(id: attempt, core: self, identity: identity, to: callback.number, maxForwards: 70, at: now)
        call.callback = callback.id
        call.startsUponAnswer = true
        guard originate(call, over: first, source: "queue \(callback.queue.name)") else {
            offerFailed(attempt, agent: agent)
            return true
        }
        call.publish(.note("callback \(callback.id): \(callback.number) asked for it at \(callback.requested)"))
        call.ringForCallback(agent, others: Array(routes.dropFirst()))
        return true
    }

    /// The agent has answered, and calls the number.
    func attemptBegan(_ call: Call, by agent: UserID) {
        guard var callback = callbacks[call.id] else { return }
        callback.attempts += 1
        (callback.agent, callback.state, callback.next) = (agent.number, .calling, nil)
        callbacks.set(callback)
        tell(callback, in: call.id)
    }

    func attemptSucceeded(_ call: Call) {
        guard let callback = callbacks[call.id] else { return }
        conclude(callback, .done, because: nil, in: call.id)
    }

    /// The call is over, or the queue wants the place no more; nothing is done for what is concluded.
    func attemptFailed(_ attempt: CallID, because reason: String) {
        guard var callback = callbacks[attempt] else { return }
        guard let rules = rules(of: callback), callback.attempts < rules.attempts else {
            return conclude(callback, .failed, because: reason, in: call(attempt)?.id)
        }
        (callback.call, callback.state) = (nil, .waiting)
        callback.next = now.wall.advanced(by: rules.retryAfter)
        callbacks.set(callback)
        timers.start(.callback(callback.id), at: now.instant + rules.retryAfter)
        tell(callback, in: call(attempt)?.id, because: reason)
    }

    private func conclude(_ callback: Callback, _ state: CallbackState, because reason: String?, in call: CallID?) {
        timers.stop(.callback(callback.id))
        callbacks.remove(callback)
        var concluded = callback
        (concluded.state, concluded.next) = (state, nil)
        tell(concluded, in: call, because: reason)
    }
}

extension Instruction {
    /// What a plan may do to call somebody back, whom nobody has vouched for.
    var mayCallBack: Bool {
        switch self {
        case .dial, .ringing, .localTime, .record, .http, .play, .say, .hangup, .noRoute: true
        case .answer, .echo, .ask, .queue, .agent, .callback, .supervise, .pickup, .park: false
        }
    }
}

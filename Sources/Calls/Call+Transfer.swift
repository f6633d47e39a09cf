import ACD
import Config
import DialPlan
import Events
import Media
import SIP
import Timebase

/// One of two who speak hands the other on: blind, to a number that the plan leads to (RFC 5589 §6).
///
/// The party that is handed on becomes the one that the plan serves, with the plan of whoever sends it: whatever a dialled number
/// leads to takes it, a phone, a queue or a menu. Until then whoever gave it away keeps his leg; when nobody takes it, it is his again.
extension Call {
    /// More ends of one call would be no call any more, but somebody's game with it.
    private static let mostLegs = 64

    /// Phones that a queue or a group rang in vain are not counted: nobody was ever at their end.
    var hasRoomForLegs: Bool { legs.count { !$0.rangInVain } < Self.mostLegs }

    /// Refuses what cannot be handed on now.
    func checkTransfer(by index: Int) throws(TransferRefusal) {
        guard transfer == nil, relayed == nil else { throw .busy }
        guard case .talking(let peer) = stage, index == anchor || index == peer else {
            throw TransferRefusal(.notTalking, "nobody talks in call \(id)", mend: "see: gudok calls")
        }
        guard hasRoomForLegs else {
            throw TransferRefusal(
                .tooManyLegs,
                "call \(id) has had \(legs.count) legs",
                mend: "end it, and begin another"
            )
        }
    }

    /// The other party of a talk goes to `target`, with the rights of whoever sends it there.
    func transfer(
        by index: Int,
        to target: String,
        word: String,
        outside: OutsideReferral? = nil
    ) throws(TransferRefusal) {
        try checkTransfer(by: index)
        guard target.isDialable else {
            throw TransferRefusal(.noNumber, "there is no number to transfer to", mend: "name one")
        }
        let party = party(at: counterpart(of: index) ?? anchor)
        let route = try route(to: target, by: legs[index], for: party)
        beginTransfer(.blind, by: index, to: target, word: word, outside: outside)
        switch route {
        case .plan(var run):
            let first = run.start()
            plan = run
            perform(first)
        case .trunk(let request):
            plan = PlanRun(plan: DialPlan(name: "transfer"), variables: plan.variables)
            perform(.dial(request))
        }
    }

    /// By the administrator's word: the operator's party, or a caller whom nobody speaks with yet.
    func transfer(to target: String, word: String) throws(TransferRefusal) {
        switch stage {
        case .talking(let peer): return try transfer(by: operatorsLeg(speakingWith: peer), to: target, word: word)
        case .queued, .telling, .asking, .echoing, .parked: try redirect(to: target, word: word)
        case .deciding, .answering, .dialing, .introducing, .consulting, .supervising, .sounding, .ending:
            throw TransferRefusal(.notTalking, "nobody talks in call \(id)", mend: "see: gudok calls")
        }
    }

    /// Takes the caller out of where he is. Whom nobody takes, and who waited in a queue, goes back to his place there.
    private func redirect(to target: String, word: String) throws(TransferRefusal) {
        guard transfer == nil else { throw .busy }
        let variables = plan.variables.merging(["called": target]) { $1 }
        var run = tenant.internalPlan.map { PlanRun(plan: $0, variables: variables) }
        // Where no rule takes the number he stays where he is, with his place.
        guard target.isDialable, let first = run?.start(), first != .noRoute, let run else {
            throw TransferRefusal(
                .noNumber,
                "there is no way to '\(target)'",
                mend: "name a number of the internal plan"
            )
        }
        if case .queue(let request) = first, !mayWait(request) {
            throw TransferRefusal(
                .notAllowed,
                "queue '\(request.queue)' takes nobody now",
                mend: "send him elsewhere; he stays where he is"
            )
        }
        publish(.note("\(word) sends the caller to \(target)"))
        entries = [:]
        history.beginAnew()
        keptPlace = nil
        // Until he is parked, or somebody else sends him on: the plan may first ask a URL.
        sending = word
        if case .queued(let stay) = stage {
            core.dispatch { [self] in $0.leave(id, .transferred, at: now) }
            leaveQueue(stay)
            noteWayBack(to: stay.queue, waited: waitedInQueues)
        } else {
            for timer in [CallTimer.nextKey, .parkEnds] { core.timers.stop(.call(id, timer)) }
            sayings += 1
            stopTone()
        }
        plan = run
        perform(first)
    }

    private enum Route {
        case plan(PlanRun)
        case trunk(DialRequest)
    }

    /// Where a number leads whom `author` sends there: where he could have called himself (docs/decisions.md).
    private func route(to target: String, by author: Leg, for party: CallParty) throws(TransferRefusal) -> Route {
        if let trunk = author.trunk {
            return .trunk(DialRequest(target: .trunk(trunk.name, number: target), timeout: Step.Dial.defaultTimeout))
        }
        guard let internalPlan = tenant.internalPlan else {
            throw TransferRefusal(
                .notAllowed,
                "tenant \(tenant.id) has no dial plan 'internal'",
                mend: "add it to the tenant's dialplans"
            )
        }
        return .plan(run(of: internalPlan, to: target, by: author, for: party))
    }

    /// A plan that finds its rule as if its author had dialled the number, and runs for the party that he sends there (nil: whom the call
    /// serves).
    func run(of plan: DialPlan, to number: String, by author: Leg, for party: CallParty? = nil) -> PlanRun {
        var run = PlanRun(plan: plan, variables: self.plan.variables.merging(["called": number]) { $1 })
        run.serve((party ?? servedParty).variables, sentBy: author.user ?? from)
        return run
    }

    /// Takes the party out of the talk, and keeps what the call goes back to.
    func beginTransfer(
        _ kind: TransferKind,
        by index: Int,
        to target: String,
        word: String,
        with other: CallID? = nil,
        outside: OutsideReferral? = nil
    ) {
        guard let party = counterpart(of: index) else { return }
        sending = nil
        calledBack()
        // Whom a queue's agent hands on is that queue's, whoever called it.
        if served?.leg == index { wayBack?.leg = party }
        // It is somebody's word that sends the party there, and not a plan that goes round in circles.
        entries = [:]
        // Its author is answered before anything comes of it.
        act(on: index) { $0.acceptReferral(now: $1) }
        if let outside { core.surroundings?.respond(outside.transaction, with: outside.acceptance()) }
        transfer = Transfer(
            kind: kind,
            from: index,
            target: target,
            plan: plan,
            anchor: anchor,
            policy: isToBeRecorded,
            outside: outside
        )
        reportTransfer(100)
        publish(
            .transferStarted(
                TransferStarted(leg: index, party: party, kind: kind, target: target, by: word, otherCall: other)
            )
        )
        takeOut(party)
        // He may fall silent now.
        configureMedia(index)
    }

    /// The party hears music, and is the plan's, until somebody has it.
    private func takeOut(_ party: Int) {
        unheard = nil
        // What was said until now is a segment of its own.
        stopRecording()
        leaveHold(party)
        anchor = party
        (lastRejection, isRinging, missed) = (nil, false, nil)
        history.beginAnew()
        if let music = music(served?.queue) { say([], loop: music) } else { unbridge(party) }
    }

    /// Tells whoever asked by REFER how far it is.
    func reportTransfer(_ status: Int) {
        guard let transfer, case .underWay = transfer.stage else { return }
        act(on: transfer.from) { session, _ in session.report(status) }
        if let request = self.transfer?.outside?.report(status), let hop = transfer.outside?.nextHop {
            core.send(request, over: hop)
        }
    }

    /// And what has become of it.
    private func concludeTransfer(_ done: Transfer, _ status: Int) {
        publish(
            .transferEnded(
                TransferEnded(leg: done.from, target: done.target, isDone: status == 200, sipCode: status)
            )
        )
        act(on: done.from) { session, _ in session.concludeReferral(status) }
        guard var outside = done.outside, let request = outside.conclude(status) else { return }
        core.send(request, over: outside.nextHop)
    }

    /// What the plan wants for a party that is on its way: the switch itself may take it.
    func followTransfer(into instruction: Instruction) {
        guard transfer != nil || sending != nil, takesParty(instruction) else { return }
        settleTransfer()
        wayBack = nil
    }

    private func takesParty(_ instruction: Instruction) -> Bool {
        switch instruction {
        case .answer, .echo, .play, .say, .ask: true
        // Where he may not wait nobody has him.
        case .queue(let request): mayWait(request)
        case .agent, .supervise, .pickup, .ringing, .dial, .park, .localTime, .record, .http, .callback, .hangup,
            .noRoute:
            false
        }
    }

    /// Somebody has the party, or the switch itself.
    func settleTransfer() {
        guard let done = transfer else { return }
        transfer = nil
        switch done.stage {
        case .underWay:
            concludeTransfer(done, 200)
            letGo(done.from, reason: "transferred")
        case .returning: publish(.note("whoever transferred the party has it again"))
        }
        isToBeRecorded = done.policy
        beginNextService()
        askForVoice(of: anchor)
        followHold()
    }

    /// Somebody's place is another's now: his leg ends, and with it his work in this call.
    func letGo(
        _ index: Int,
        _ result: LegResult = .transferred,
        _ words: String = "Transferred",
        reason: String
    ) {
        finishLeg(index, result, status: 200, reason: reason)
        stopHolding(index)
        act(on: index) { $0.hangUp(reason: "Q.850;cause=16;text=\"\(words)\"", now: $1) }
        release(index)
        dismissListeners(of: index)
        if served?.leg == index { endService() }
    }

    func endService() {
        guard let service = served else { return }
        core.end(service, in: self)
        served = nil
    }

    /// Whoever gives the party away hung up before anybody took it: the transfer goes on without him (RFC 5589 §6).
    func transferorLeft() {
        guard let transfer else { return }
        stopHolding(transfer.from)
        release(transfer.from)
        dismissListeners(of: transfer.from)
        if served?.leg == transfer.from { endService() }
    }

    /// The transfer that he believes to have left behind who hangs up now: many phones do so upon the 202, and this one failed faster than they
    /// can hear of it.
    func transferUnheard(by index: Int) -> Transfer? {
        guard let unheard, unheard.transfer.from == index, case .talking = stage else { return nil }
        let isUnheard = legs[index].session.isReportUnheard(now: now.instant) ?? (now.instant < unheard.until)
        return isUnheard ? unheard.transfer : nil
    }

    /// He is rung for the party, as if he had hung up before nobody took it.
    func leftUnheard(_ failed: Transfer) {
        guard let party = counterpart(of: failed.from) else { return }
        publish(.note("leg \(failed.from) hung up before it could know that nobody took the party"))
        takeOut(party)
        var returning = failed
        returning.stage = .returning
        transfer = returning
        transferorLeft()
        bringBack(returning)
    }

    // MARK: nobody takes it

    /// Whoever wants no NOTIFYs hangs up sooner.
    private static let hearing: Duration = .seconds(1)

    func transferFailed(_ cause: HangupCause) {
        guard var failed = transfer else { return }
        switch failed.stage {
        case .underWay:
            concludeTransfer(failed, cause.status)
            guard legs[failed.from].isOver else { return giveBack(failed) }
            failed.stage = .returning
            bringBack(failed)
        case .returning: giveUp(plan: failed.plan)
        }
    }

    /// Rings whoever gave the party away, and is gone, for it.
    func bringBack(_ returning: Transfer) {
        guard let user = legs[returning.from].user else { return giveUp(plan: returning.plan) }
        transfer = returning
        plan = PlanRun(plan: DialPlan(name: "transfer"), variables: returning.plan.variables)
        perform(.dial(DialRequest(target: .user(user), timeout: Step.Dial.defaultTimeout)))
    }

    /// The two speak with each other again.
    private func giveBack(_ failed: Transfer) {
        transfer = nil
        unheard = (failed, now.instant + Self.hearing)
        plan = failed.plan
        let party = anchor
        anchor = failed.anchor
        enter(.talking(failed.isByPeer ? failed.from : party))
        stopTone()
        configureMedia(failed.from)
        isToBeRecorded = failed.policy
        followHold()
        talkBegan()
        guard !legs[failed.from].holds else { return }
        speakAgain(party, with: failed.from)
        askForVoice(of: party)
    }

    /// Nobody is there to take it back: back into the queue it came from, be it that others had it since, else it is told so and let go.
    func giveUp(plan old: PlanRun) {
        transfer = nil
        let way = wayBack.flatMap { $0.leg == anchor ? $0 : nil }
        keptPlace = way?.place
        guard let way else {
            plan = run(in: old.plan, variables: old.variables, steps: [])
            return tell(["transfer-failed"])
        }
        // An agent may be free for him: nothing is said before he is in the line.
        waitedInQueues = way.waited
        plan = way.plan
        proceed(.done)
    }

    private func run(in plan: DialPlan, variables: [String: String], steps: [Step]) -> PlanRun {
        PlanRun(plan: plan, variables: variables.merging(servedParty.variables) { $1 }, steps: steps)
    }

    /// Whom the plan serves leaves this queue, and may come back to it.
    func noteWayBack(to queue: QueueID, waited: Duration) {
        let known = queueRequest.flatMap { $0.queue == queue.name ? $0 : nil }
        let request = known ?? QueueRequest(queue: queue.name)
        let entry = Step.QueueEntry(name: request.queue, priority: request.priority, skill: request.skill)
        let steps = [Step(.queue(entry))]
        wayBack = WayBack(
            leg: anchor,
            // Whoever was called back, or asked first by a colleague, came by no plan of his own.
            plan: known == nil
                ? run(in: plan.plan, variables: plan.variables, steps: steps) : plan.beginning(with: steps),
            place: place.flatMap { $0.queue == queue ? $0 : nil },
            waited: waited
        )
    }

    /// Nobody took a caller who was sent to a number: back to where he waited. False: he waited nowhere, or is somebody's.
    func comesBack() -> Bool {
        guard sending != nil, let wayBack, wayBack.leg == anchor else { return false }
        publish(.note("nobody takes him there: back to where he waited"))
        sending = nil
        giveUp(plan: plan)
        return true
    }

    /// The call ends with the party on its way.
    func abandonTransfer() {
        guard let left = transfer else { return }
        transfer = nil
        guard case .underWay = left.stage else { return }
        concludeTransfer(left, 487)
    }
}

extension Instruction {
    /// The working state of whoever dials it, or his right to be in a talk: nothing for somebody who is sent there.
    var isOnesOwn: Bool {
        switch self {
        case .agent, .supervise, .pickup: true
        default: false
        }
    }
}

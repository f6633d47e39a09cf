import ACD
import Config
import DialPlan
import Events
import Timebase

/// A call that is an attempt to call somebody back: an agent is rung as for any caller of the queue, and then calls the number.
extension Call {
    /// Whoever is to be called back has not answered yet.
    var isAttempt: Bool { callback != nil }

    /// The first agent's phones; the leg of the first of them is there already.
    func ringForCallback(_ agent: UserID, others: [TargetRoute]) {
        guard let queue = core.callbacks[id]?.queue else { return }
        enter(.queued(QueueStay(queue: queue, entered: now)))
        ring(agent, [0] + others.compactMap { invite($0, forQueue: true) })
    }

    /// The agent is there: he is the caller of the number, by the plan that he could call it by.
    func callNumber(by agent: UserID, at index: Int) {
        startsUponAnswer = false
        (callerIsAnswered, awaitsCallee) = (true, true)
        anchor = index
        core.timers.start(.call(id, .maximumDuration), at: now.instant + core.settings.maximumDuration)
        core.attemptBegan(self, by: agent)
        plan = PlanRun(plan: plan.plan, variables: plan.variables.merging(["caller": agent.number]) { $1 })
        follow { $0.start() }
    }

    /// The two talk: from here on it is a call of the queue like any other, with the caller as the one who is served.
    func callerIsBack() {
        guard isAttempt, case .talking(let caller) = stage else { return }
        callback = nil
        enter(.talking(anchor))
        anchor = caller
        wayBack?.leg = caller
        calleeAnswered()
        let shortest = served.map { settings(of: $0.queue).shortTalk } ?? .zero
        guard shortest > .zero else { return calledBack() }
        core.timers.start(.call(id, .calledBack), at: now.instant + shortest)
    }

    /// They have talked for `short_talk`, or somebody else gets whoever was called back: his wish is fulfilled. Nothing is done in other calls.
    func calledBack() {
        core.timers.stop(.call(id, .calledBack))
        core.attemptSucceeded(self)
    }

    /// An agent who is gone before that has called nobody back, as he would have answered nobody.
    func dropCallback(by index: Int) {
        guard !isAttempt, isTalk, transfer == nil, served?.leg == index else { return }
        core.attemptFailed(id, because: OfferResult.dropped.rawValue)
    }
}

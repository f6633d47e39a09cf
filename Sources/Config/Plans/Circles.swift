import DialPlan
import Events

/// Flows that only ever go on to each other: on no way through them does a step take time, or end the call.
struct Circles {
    /// A flow, by the name that the tenant gives its plan.
    struct Place: Hashable {
        var plan: String
        var flow: String
    }

    private let plans: [String: DialPlan]
    /// Where a queue sends callers whom it does not let in at all: that takes no time, as nobody waits.
    private let overflows: (_ queue: String) -> [Place]
    /// Flows out of which some way leads.
    private var open: Set<Place> = []

    /// The circles of one plan alone, in which each queue is one that callers wait in.
    init(_ plan: DialPlan) { self.init([plan.name: plan]) { _ in [] } }

    /// Those that queues make, too.
    init(of tenant: Tenant) {
        self.init(tenant.dialPlans) { queue in
            tenant.queues[queue]?.overflows.map { Place(plan: $0.destination.dialPlan, flow: $0.destination.flow) }
                ?? []
        }
    }

    private init(_ plans: [String: DialPlan], overflows: @escaping (String) -> [Place]) {
        (self.plans, self.overflows) = (plans, overflows)
        var isNew = true
        while isNew {
            isNew = false
            for (name, plan) in plans {
                for flow in plan.flows.values where !open.contains(Place(plan: name, flow: flow.name)) {
                    guard leadsOut(flow.steps, of: name) else { continue }
                    open.insert(Place(plan: name, flow: flow.name))
                    isNew = true
                }
            }
        }
    }

    /// Of each such flow of a plan its name, and the step that goes on.
    func closed(of plan: DialPlan) -> [(flow: String, position: SourcePosition)] {
        plan.flows.values.filter { !open.contains(Place(plan: plan.name, flow: $0.name)) }
            .map { ($0.name, firstGoto(in: $0.steps) ?? $0.position) }
    }

    /// A flow that is not there is a fault of its own.
    func leadsOut(_ place: Place) -> Bool { open.contains(place) || plans[place.plan]?.flows[place.flow] == nil }

    private func leadsOut(_ steps: [Step], of plan: String) -> Bool {
        let way = way(through: steps, of: plan)
        return way.leadsOut || way.reachesEnd
    }

    /// Whether some way leads to what takes time or ends the call, and whether some way comes to the end of the list.
    private func way(through steps: [Step], of plan: String) -> (leadsOut: Bool, reachesEnd: Bool) {
        var leadsOut = false
        for step in steps {
            switch step.action {
            case .echo, .hangup, .dial, .transfer, .play, .say, .menu, .collect, .http, .supervise:
                return (true, false)
            case .queue(let queue): return (leadsOut || overflows(queue.name).allSatisfy(self.leadsOut), false)
            case .agent(let agent) where agent.user != nil: return (true, false)
            case .answer, .ringing, .set, .record, .callback, .agent, .pickup, .park: break
            case .goto(let flow): return (leadsOut || self.leadsOut(Place(plan: plan, flow: flow)), false)
            case .when, .hours:
                let branches = step.action.branches.map { way(through: $0, of: plan) }
                leadsOut = leadsOut || branches.contains { $0.leadsOut }
                guard branches.contains(where: \.reachesEnd) else { return (leadsOut, false) }
            }
        }
        return (leadsOut, true)
    }

    private func firstGoto(in steps: [Step]) -> SourcePosition? {
        for step in steps {
            if case .goto = step.action { return step.position }
            for branch in step.action.branches {
                if let found = firstGoto(in: branch) { return found }
            }
        }
        return nil
    }
}

import DialPlan

/// Flows that only ever go on to each other: on no way through them does a step take time, or end the call.
struct Circles {
    private let plan: DialPlan
    /// Flows out of which some way leads.
    private var open: Set<String> = []

    init(_ plan: DialPlan) {
        self.plan = plan
        var isNew = true
        while isNew {
            isNew = false
            for flow in plan.flows.values where !open.contains(flow.name) && leadsOut(flow.steps) {
                open.insert(flow.name)
                isNew = true
            }
        }
    }

    /// Of each such flow its name, and the step that goes on.
    var closed: [(flow: String, position: SourcePosition)] {
        plan.flows.values.filter { !open.contains($0.name) }.map { ($0.name, firstGoto(in: $0.steps) ?? $0.position) }
    }

    private func leadsOut(_ steps: [Step]) -> Bool {
        let way = way(through: steps)
        return way.leadsOut || way.reachesEnd
    }

    /// Whether some way leads to what takes time or ends the call, and whether some way comes to the end of the list.
    private func way(through steps: [Step]) -> (leadsOut: Bool, reachesEnd: Bool) {
        var leadsOut = false
        for step in steps {
            switch step.action {
            case .echo, .hangup, .dial, .transfer, .queue, .play, .say, .menu, .collect, .http, .supervise:
                return (true, false)
            case .agent(let agent) where agent.user != nil: return (true, false)
            case .answer, .ringing, .set, .record, .callback, .agent, .pickup, .park: break
            // A flow that is not there is a fault of its own.
            case .goto(let flow): return (leadsOut || open.contains(flow) || plan.flows[flow] == nil, false)
            case .when, .hours:
                let branches = step.action.branches.map(way)
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

import DialPlan
import Events

extension Event {
    /// A decision of the dial plan, as the call's story tells it.
    init(_ entry: TrailEntry, plan: DialPlan) {
        switch entry {
        case .routed(let match, let line): self = .routed(dialplan: plan.name, match: match, line: line)
        case .step(let step, _): self = .step(step)
        case .note(let note, _): self = .note(note)
        case .variable(let name, let value, _): self = .variable(name: name, value: value)
        }
    }
}

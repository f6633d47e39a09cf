public import Config
import DialPlan
import Foundation

extension ConfigurationFiles {
    /// The prompts that plans name and nobody has recorded, in whatever language: their callers would hear nothing.
    ///
    /// Whoever checks is told of them; a switch starts all the same, as its prompts may come later.
    public func missingPrompts(in configuration: Configuration) -> [ConfigFault] {
        let paths = [PromptStore.shipped, promptsFolder].flatMap { PromptStore.files(below: $0) }
        var known: Set<Substring> = []
        for path in paths {
            let name = path.dropLast(".wav".count)
            known.insert(name)
            if let slash = name.firstIndex(of: "/") { known.insert(name[name.index(after: slash)...]) }
        }
        var faults: Set<ConfigFault> = []
        for plan in configuration.tenants.values.flatMap(\.dialPlans.values) {
            for step in plan.allSteps {
                for name in step.prompts.compactMap(\.constant) where !known.contains(name[...]) {
                    faults.insert(
                        ConfigFault(
                            file: plan.file,
                            position: step.position,
                            code: .deadReference,
                            problem: "there is no prompt '\(name)'",
                            mend:
                                "record it as \(promptsFolder.lastPathComponent)/LANGUAGE/\(name).wav beside the plans"
                        )
                    )
                }
            }
        }
        return faults.sorted()
    }
}

extension Step {
    fileprivate var prompts: [Template] {
        switch action {
        case .play(let prompts): prompts
        case .menu(let menu): [menu.prompt] + (menu.invalid.map { [$0] } ?? [])
        case .collect(let collect): collect.prompt.map { [$0] } ?? []
        case .answer, .ringing, .echo, .record, .hangup, .goto, .dial, .transfer, .when, .set, .say, .http, .hours,
            .supervise, .queue, .callback, .agent:
            []
        }
    }
}

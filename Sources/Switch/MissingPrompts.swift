public import Config
import DialPlan
import Foundation

extension ConfigurationFiles {
    /// The recordings that plans and queues name and nobody has made, in whatever language: their callers would hear nothing.
    ///
    /// Whoever checks or applies is refused for them; a switch starts all the same and says so, as its prompts may come later.
    public func missingPrompts(in configuration: Configuration) -> [ConfigFault] {
        let paths = [PromptStore.shipped, promptsFolder].flatMap { PromptStore.files(below: $0) }
        var known: Set<Substring> = []
        for path in paths {
            let name = path.dropLast(".wav".count)
            known.insert(name)
            if let slash = name.firstIndex(of: "/") { known.insert(name[name.index(after: slash)...]) }
        }
        var named: [PromptReference] = []
        for tenant in configuration.tenants.values {
            named += tenant.prompts
            for plan in tenant.dialPlans.values {
                for step in plan.allSteps {
                    named += step.prompts.compactMap(\.constant).map {
                        PromptReference(name: $0, file: plan.file, position: step.position)
                    }
                }
            }
        }
        let faults = named.filter { !known.contains($0.name[...]) }.map { prompt in
            ConfigFault(
                file: prompt.file,
                position: prompt.position,
                code: .deadReference,
                problem: "there is no prompt '\(prompt.name)'",
                mend: "record it as \(promptsFolder.lastPathComponent)/LANGUAGE/\(prompt.name).wav beside the plans"
            )
        }
        return Set(faults).sorted()
    }
}

extension Step {
    fileprivate var prompts: [Template] {
        switch action {
        case .play(let prompts): prompts
        case .menu(let menu): [menu.prompt] + (menu.invalid.map { [$0] } ?? [])
        case .collect(let collect): collect.prompt.map { [$0] } ?? []
        case .answer, .ringing, .echo, .record, .hangup, .goto, .dial, .transfer, .when, .set, .say, .http, .hours,
            .supervise, .pickup, .park, .queue, .callback, .agent:
            []
        }
    }
}

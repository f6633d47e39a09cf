public import DialPlan

extension Tenant {
    /// What is wrong with steps that a URL gave to a call in this plan, which has these variables and speaks this language.
    ///
    /// `isRecorded` says whether a prompt can be heard in a language.
    public func faults(
        in steps: [Step],
        within plan: DialPlan,
        variables: [String: String],
        language: String,
        isRecorded: (_ prompt: String, _ language: String) -> Bool
    ) -> [ConfigFault] {
        let faults = FaultList()
        let all = DialPlan.all(steps)
        let checker = PlanChecker(plan: plan, tenant: self, faults: faults, added: all, set: variables.keys)
        for step in all { checker.check(step) }
        let languages = [language] + all.flatMap(\.languages).map { $0.expanded(with: variables) }
        for step in all {
            let missing = step.prompts.compactMap(\.constant).filter { prompt in
                !languages.contains { isRecorded(prompt, $0) }
            }
            for prompt in missing {
                faults.add(
                    plan.file,
                    step.position,
                    .deadReference,
                    "there is no prompt '\(prompt)'",
                    mend: "record it, or name one that is there"
                )
            }
        }
        return faults.sorted
    }
}

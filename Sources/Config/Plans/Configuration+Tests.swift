import DialPlan

extension Configuration {
    /// The tests of the dial plans that fail, a line each: file, line, name, and what is missing.
    public var failedPlanTests: [String] {
        tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
            tenant.dialPlans.values.sorted { $0.name < $1.name }.flatMap { plan in
                PlanTester(plan) { tenant.destination(of: $0, upon: $1) }.runAll().compactMap { result in
                    result.missed.map { missed in
                        "\(plan.file):\(result.test.position.line): the test '\(result.test.name)' fails: "
                            + "'\(missed)' does not happen, but \(result.happened.map(\.description).joined(separator: ", "))"
                    }
                }
            }
        }
    }
}

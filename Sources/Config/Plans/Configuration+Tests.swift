public import DialPlan
import Events
import Foundation
import Timebase

/// A test of a dial plan that does not come out as it says.
public struct FailedPlanTest: Hashable, Sendable, CustomStringConvertible {
    /// The plan's.
    public var file: String
    /// File, line, name, and what is missing.
    public var description: String
}

extension Configuration {
    /// The tests of the dial plans that fail.
    public var failedPlanTests: [FailedPlanTest] {
        tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
            tenant.dialPlans.values.sorted { $0.name < $1.name }.flatMap { plan in
                tenant.tester(of: plan).runAll().compactMap { result in
                    result.missed.map { missed in
                        let happened = result.happened.map(\.description).joined(separator: ", ")
                        let place = "\(plan.file):\(result.test.position.line)"
                        return FailedPlanTest(
                            file: plan.file,
                            description: "\(place): the test '\(result.test.name)' fails: "
                                + "'\(missed)' does not happen, but \(happened)"
                        )
                    }
                }
            }
        }
    }
}

extension Tenant {
    /// Takes simulated calls through a plan as the tenant's own would go.
    public func tester(of plan: DialPlan) -> PlanTester {
        let owner = PlanTester.Owner(
            tenant: id.name,
            nameOf: { users[$0]?.name },
            refusal: { user, agent in
                guard users[user]?.role.maySupervise ?? false else { return .rejected }
                // Nobody is let into his own talk.
                return user == agent ? .unavailable : nil
            },
            localTime: { LocalTime(at: $0, in: TimeZone(identifier: $1 ?? timeZone) ?? .gmt) }
        )
        return PlanTester(plan, of: owner) { wayOut(of: $0, upon: $1, key: $2) }
    }
}

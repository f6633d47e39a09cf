import ArgumentParser
import Config
import DialPlan
import Events
import Foundation
import Records
import Switch
import Timebase

struct DialPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dialplan",
        abstract: "Tests dial plans, and shows the way of a call through them.",
        subcommands: [TestPlans.self, RoutePlan.self]
    )
}

/// Runs the tests that are written in the plans, as TAP, with what happened where it was not what was expected.
struct TestPlans: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Runs the tests written in the dial plans against a simulated call, no network."
    )

    @Argument(help: "A folder of dial plans, each alone; the node's own, as its tenants use them, if left out.")
    var folder: String?
    @OptionGroup var config: ConfigOption

    func run() throws {
        var number = 0
        var failures = 0
        for suite in try suites() {
            let results = suite.tester.runAll()
            for result in results {
                number += 1
                failures += result.hasPassed ? 0 : 1
                print(report(result, number, suite.plan))
            }
            let untested = PlanTester.untested(suite.plan, results)
            let rules = suite.plan.routes.count
            let lines =
                untested.isEmpty ? "" : "; not tested: lines \(untested.map { "\($0)" }.joined(separator: ", "))"
            print("# \(suite.plan.file): \(rules - untested.count) of \(rules) rules tested\(lines)")
        }
        print("1..\(number)")
        if failures > 0 { throw Failure("\(failures) of \(number) tests failed; mend the plan, or the test") }
    }

    private func report(_ result: PlanTester.Result, _ number: Int, _ plan: DialPlan) -> String {
        let place = "\(plan.file):\(result.test.position.line)"
        guard let missed = result.missed else { return "ok \(number) - \(result.test.name)" }
        return """
            not ok \(number) - \(result.test.name)
              at: \(place)
              expected: \(result.test.expectations.map(\.description).joined(separator: ", "))
              happened: \(result.happened.map(\.description).joined(separator: ", "))
              missing:  \(missed)
            """
    }

    private struct Suite {
        var plan: DialPlan
        var tester: PlanTester
    }

    /// Each plan as its tenants use it, or alone when a folder is named.
    private func suites() throws -> [Suite] {
        guard let folder, !isOwn(folder) else {
            let configuration = try read { try config.files().configuration() }
            return configuration.tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
                tenant.dialPlans.values.sorted { $0.name < $1.name }.map { plan in
                    Suite(plan: plan, tester: tenant.tester(of: plan))
                }
            }
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = names.sorted().filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        guard !files.isEmpty else { throw Failure("\(folder) holds no dial plans; name a folder of .yaml files") }
        print("# without a tenant: lists are empty, and what a queue's keys and time-outs lead to is not followed")
        return try files.compactMap { name in
            let url = URL(fileURLWithPath: folder).appending(path: name)
            let text = try read {
                try ConfigurationFiles.read(url, named: ConfigurationFiles.shown("\(folder)/\(name)"))
            }
            let (plan, faults) = DialPlan.read(text)
            guard let plan else { throw Failure(faults.map(\.description).joined(separator: "\n")) }
            return Suite(plan: plan, tester: PlanTester(plan))
        }
    }

    /// The folder of the node's file: its plans are some tenant's.
    private func isOwn(_ folder: String) -> Bool {
        let named = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        return (try? config.files().dialPlansFolder.resolvingSymlinksInPath().path) == named
    }

    private func read<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch let failure as Failure { throw failure } catch {
            throw Failure("\(error.inWords)")
        }
    }
}

/// What would happen to a call.
struct RoutePlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route",
        abstract: "Prints each rule tried, and the path that a call would take."
    )

    @Option(name: .long, help: "The caller's number.") var from: String
    @Option(name: .long, help: "The caller's name; a user's own if left out.") var name: String?
    @Option(name: .long, help: "The number dialled.") var to: String
    @Option(
        name: .long,
        help: """
            When: 2026-01-07T10:00 on the clock of the place, or 2026-01-07T10:00:00+03:00; a Wednesday noon if left out.
            """
    ) var at: String?
    @Option(name: .long, help: "The trunk that the call comes by; a user's own call if left out.") var trunk: String?
    @Option(name: .long, help: "Whose call; may be left out when there is one tenant.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        let owner = try await config.tenantInForce(tenant)
        let planName = try planName(of: owner)
        guard let plan = owner.dialPlans[planName] else {
            throw Failure("tenant \(owner.id) has no dial plan '\(planName)'")
        }
        var test = PlanTest(name: "route", from: from, to: to, trunk: trunk, expectations: [])
        test.callerName = name
        if let at {
            guard let time = PlanTest.Time(written: at) else {
                throw Failure("'\(at)' is no time; write 2026-01-07T10:00, or 2026-01-07T10:00:00+03:00")
            }
            test.at = time
        }
        print("\(plan.file) (\(planName))")
        for route in plan.routes {
            let (takes, why) = route.verdict(called: to, caller: from, trunk: trunk ?? "")
            print("  line \(route.position.line): '\(route.match)' \(takes ? "takes it" : "- \(why)")")
            if takes { break }
        }
        let result = owner.tester(of: plan).run(test)
        for entry in result.trail {
            switch entry {
            case .routed: break
            // A queue's own number leads into it without a line that says so.
            case .step(let step, let line): print(line > 0 ? "  line \(line): \(step)" : "  \(step)")
            case .note(let note, _): print("    \(note)")
            case .variable(let name, let value, _): print("    \(name) = '\(value)'")
            }
        }
        print("  → \(result.happened.map(\.description).joined(separator: ", "))")
    }

    private func planName(of tenant: Tenant) throws -> String {
        guard let trunk else { return "internal" }
        guard let known = tenant.trunks[trunk] else { throw Failure("tenant \(tenant.id) has no trunk '\(trunk)'") }
        guard let plan = known.dialPlan else { throw Failure("trunk \(trunk) has no dial plan: its calls get 404") }
        return plan
    }
}

import Config
import DialPlan
import Testing

/// What is said of plans that are not written as they are meant.
@Suite struct PlanFaultTests {
    private func faults(_ steps: String) -> [String] {
        let text = "routes:\n  - match: \".\"\n    do:\n\(steps)\n"
        return DialPlan.read(ConfigurationText(name: "x.yaml", text: text)).faults.map(\.description)
    }

    private static let separate =
        "is a step of its own [unknown-key]; write it as the next item of the list, with a `-` before it"

    @Test(arguments: [
        (
            "- {answer: , echo: }",
            ["4:9: error: the step 'answer' takes no value", "4:20: error: 'echo' \(PlanFaultTests.separate)"]
        ),
        ("- {set: {a: 1}, echo: }", ["4:23: error: 'echo' \(PlanFaultTests.separate)"]),
        (
            "- {dial: , queue: sales}",
            ["4:9: error: the step 'dial' needs a value", "4:18: error: 'queue' \(PlanFaultTests.separate)"]
        ),
        ("- answer:", ["4:9: error: the step 'answer' takes no value [wrong-type]; write `- answer`"]),
        ("- dial", ["4:9: error: the step 'dial' needs a value [missing-key]; write {dial: …}"]),
    ])
    func `two steps in an item, and a step without a value, are called that`(item: String, expected: [String]) {
        let found = faults("      \(item)")
        #expect(found.count == expected.count, "\(found)")
        for (line, start) in zip(found, expected) { #expect(line.hasPrefix("x.yaml:\(start)"), "\(found)") }
    }

    @Test func `a second document is called that`() {
        let found = faults("      - echo\n---\nroutes: []")
        #expect(
            found.count == 1 && found[0].contains("error: a second document begins here [yaml]; remove the line `---`")
        )
    }

    @Test(arguments: [
        (#"- dial: {user: "{calle}", timeout: 5s}"#, "4:22: error: there is no variable 'calle'"),
        (#"- hangup: bussy"#, "4:17: error: 'bussy' is no cause"),
        (#"- {goto: nowhere}"#, "4:16: error: the plan has no flow 'nowhere'"),
        (#"- {when: {direction: [inbound, sideways]}, then: [echo]}"#, "4:38: error: direction is never 'sideways'"),
        (#"- {when: {direct: inbound}, then: [echo]}"#, "4:17: error: there is no variable 'direct'"),
        (#"- set: {a: x, called: y}"#, "4:21: error: 'called' is the switch's own variable"),
        (#"- {dial: {trunk: one, number: "1 2"}}"#, "4:37: error: '1 2' is no number"),
        (#"- {say: {number: many}}"#, "4:24: error: 'many' is no number"),
        // What is under a key of a menu stands there, though the menu itself has the same word.
        (
            #"- {menu: {prompt: busy2, keys: {"1": [{hangup: busy2}]}}}"#, "4:54: error: 'busy2' is no cause"
        ),
    ])
    func `the word that is wrong is where the fault is`(step: String, expected: String) {
        let found = faults("      \(step)")
        #expect(found.first?.hasPrefix("x.yaml:\(expected)") == true, "\(found)")
    }
}

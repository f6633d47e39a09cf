import Config
import DialPlan
import Foundation
import Testing

/// Small texts that stand for more than any machine can look at. Without a bound these tests do not end.
@Suite(.timeLimit(.minutes(1))) struct EndlessTextTests {
    private func faults(_ plan: String) -> [String] {
        DialPlan.read(ConfigurationText(name: "x.yaml", text: plan)).faults.map(\.description)
    }

    /// A plan whose flow is so many `when`s, each alias in both branches of the next.
    private func nested(_ levels: Int) -> String {
        let steps = (1...levels)
            .map {
                "    - &a\($0) {when: {caller: \"1\"}, then: [*a\($0 - 1)], otherwise: [*a\($0 - 1)]}\n"
            }
            .joined()
        return """
            flows:
              f:
                - &a0 {when: {caller: "1"}, then: [ringing]}
            \(steps)routes: [{match: ".", do: [{goto: f}]}]

            """
    }

    @Test func `aliases of aliases are a fault where they become too many`() throws {
        #expect(faults(nested(5)) == [])
        let found = faults(nested(30))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("x.yaml:15:") == true, "\(found)")
        #expect(found.first?.contains("stand for more than 100000 values [yaml]; write out") == true, "\(found)")
    }

    @Test func `an answer's aliases may stand for less`() {
        func answer(_ copies: Int) -> String {
            "- &a {set: {x: 1, y: 2, z: 3}}\n" + String(repeating: "- *a\n", count: copies)
        }
        let few = DialPlan.readSteps(ConfigurationText(name: "u", text: answer(50)))
        #expect(few.steps?.count == 51)
        let many = DialPlan.readSteps(ConfigurationText(name: "u", text: answer(500)))
        #expect(many.steps == nil && many.faults.first?.position.column == 3)
    }

    /// Yams hashes the keys while it composes.
    @Test(arguments: [
        (40, "? *a40\n: 1", "stand for more"), (2, "? *a2\n: 1", "a key is no text"),
        (2, "{*a2 : 1}: 2", "a key is no text"), (2, "? [*a0]\n: 1", "a key is no text"),
    ])
    func `aliases in keys are a fault before anybody looks into them`(count: Int, last: String, fault: String) {
        let anchors = (1...count).map { "k\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }.joined(separator: "\n")
        let found = faults("k0: &a0 x\n\(anchors)\n\(last)\n")
        #expect(found.count == 1 && found[0].contains(fault), "\(found)")
    }

    @Test func `aliases that nest lists too deeply are a fault`() {
        let open = String(repeating: "[", count: 900)
        let close = String(repeating: "]", count: 900)
        let found = faults("a: &a \(open)x\(close)\nb: \(open)*a\(close)\n")
        #expect(found.count == 1 && found[0].contains("nested too deeply"), "\(found)")
    }

    @Test(arguments: [
        ("a: *b\n", "x.yaml:1:4: error: there is no anchor '&b' before the alias '*b'"),
        ("a: &a [*a]\n", "x.yaml:1:8: error: there is no anchor '&a'"),
        ("{a: &a x, b: {*a:*a}}\n", "x.yaml:1:15: error: there is no anchor '&a:*a'"),
        ("\"*1\": a\n\"*1\": b\n", "the key '*1' is given twice"),
        ("# Пять *звёзд*, *five\na: [\n", "x.yaml:3:1: error: "),
    ])
    func `what only looks like an alias, and faults beside it, are told as they are written`(
        text: String,
        fault: String
    ) {
        #expect(faults(text).contains { $0.contains(fault) }, "\(faults(text))")
    }

    @Test func `a star is what it was in quotes, numbers and templates`() {
        let plan = """
            # *nobody
            routes:
              - {match: "*21", do: [{set: &kept {x: "a *b", y: 'a: *c', z: a *d}}, {set: *kept}, {hangup: normal}]}
              - match: '*8'
                do:
                  - set: {x: "**2"}
                  - hangup: normal
            """
        let read = DialPlan.read(ConfigurationText(name: "x.yaml", text: plan))
        #expect(read.faults == [])
        let steps = read.plan?.routes.first?.steps.prefix(2).map(\.action)
        #expect(steps?.first == steps?.last && steps?.count == 2)
    }

    @Test(arguments: [
        "((((){255}){255}){255}){255}", "(((|){255}){255}){255}", "((((){0,255}){0,255}){0,255}){0,255}",
        String(repeating: "|", count: 70_000),
    ])
    func `a regular expression of nothing, multiplied, is too large`(source: String) {
        #expect(throws: Pattern.Fault.self) { try RegularExpression(source) }
    }
}

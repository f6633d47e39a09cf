import Foundation
import Testing

/// Who copies an example out of the documents has files that load.
@Suite("Examples of the documents")
struct DocumentExampleTests {
    /// What an example names and does not have itself, by the key under which it would.
    private static let tenant = [
        "users": "users: [{extension: \"1001\", password: x}, {extension: \"1002\", password: x}]",
        "trunks": "trunks: [{name: carrier, host: 192.0.2.1}]",
        "queues": "queues: [{name: sales}, {name: support}]",
    ]
    private static let plan = ["routes": "routes: [{match: \".\", do: [{hangup: busy}]}]"]
    private static let planKeys: Set<String> = ["routes", "flows", "tests"]

    private struct Example: CustomTestStringConvertible {
        var document: String
        var line: Int
        var text: String
        var testDescription: String { "\(document):\(line)" }
    }

    private static func examples() throws -> [Example] {
        try ["dialplan", "queues", "configuration", "agents", "api", "schema"].flatMap { name -> [Example] in
            let place = RunningSwitch.packageRoot.appending(path: "docs/\(name).md")
            let lines = try String(contentsOf: place, encoding: .utf8).components(separatedBy: "\n")
            return lines.indices.filter { lines[$0] == "```yaml" }.map { start in
                let text = lines[(start + 1)...].prefix { $0 != "```" }.joined(separator: "\n")
                return Example(document: "\(name).md", line: start + 1, text: text)
            }
        }
    }

    /// The pieces of an example by their keys; rules alone are a plan's.
    private static func pieces(_ text: String) -> [String: String] {
        guard !text.hasPrefix(" ") else { return ["routes": "routes:\n\(text)"] }
        var pieces: [String: String] = [:]
        var key = ""
        for line in text.components(separatedBy: "\n") {
            if let first = line.first, first != " ", let colon = line.firstIndex(of: ":") {
                key = String(line[..<colon])
            }
            pieces[key, default: ""] += line + "\n"
        }
        return pieces
    }

    private static func joined(_ own: [String: String], over common: [String: String]) -> String {
        common.merging(own) { $1 }.values.sorted().joined(separator: "\n") + "\n"
    }

    @Test func `each of them is taken by check`() throws {
        let examples = try Self.examples()
        #expect(examples.count >= 6)
        for example in examples {
            let folder = try RunningSwitch.makeFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let pieces = Self.pieces(example.text)
            let files = [
                "gudok.yaml": "{node: x, sip: {listen: [\"udp://127.0.0.1:0\"]}, media: {address: 127.0.0.1}}",
                "tenants/a.yaml":
                    "tenant: a\ndomains: [a.test]\ndialplans: {internal: plan.yaml, incoming: plan.yaml}\n"
                    + Self.joined(pieces.filter { !Self.planKeys.contains($0.key) }, over: Self.tenant),
                "dialplans/plan.yaml": Self.joined(pieces.filter { Self.planKeys.contains($0.key) }, over: Self.plan),
            ]
            for (name, text) in files {
                try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            }
            let command = try ChildProcess(RunningSwitch.binary, ["check", "--config", "gudok.yaml"], in: folder)
            #expect(command.exitCode(within: 20) == 0, "\(example.testDescription): \(command.text)")
        }
    }

    @Test func `the prompts that ship are listed where prompts are described`() throws {
        let root = RunningSwitch.packageRoot
        let table = try String(contentsOf: root.appending(path: "Sources/Prompts/prompts.tsv"), encoding: .utf8)
        let document = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        // What stands before the numbers is heard as a whole; the rest are pieces that `say` puts together.
        for line in table.components(separatedBy: "\n").prefix(while: { $0 != "# Numbers" }) where !line.hasPrefix("#")
        {
            let name = line.prefix { $0 != "\t" }
            #expect(document.contains("`\(name)`"), "\(name)")
        }
    }

    @Test func `reasons of calls and their legs are listed where the schema is described`() throws {
        let root = RunningSwitch.packageRoot
        let document = try String(contentsOf: root.appending(path: "docs/schema.md"), encoding: .utf8)
        let folder = root.appending(path: "Sources/Calls")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let failures = root.appending(path: "Sources/SIP/Sessions/Session.swift")
        let texts = try (files + [failures]).map { try String(contentsOf: $0, encoding: .utf8) }
        let reasons = texts.flatMap {
            $0.matches(of: /(?:reason: |because: |Missing = |Expired = |Gone = |Answer = )"([a-z-]+)"/)
        }
        #expect(reasons.count > 20)
        for reason in Set(reasons.map(\.1)) { #expect(document.contains("`\(reason)`"), "\(reason)") }
    }
}

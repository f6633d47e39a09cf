import Foundation
import Testing

/// Steps that a URL answers, over TLS whose certificate is believed or not.
@Suite("Steps from URLs")
struct StepRequestTests {
    /// A server of files with a certificate of its own making.
    private final class SecureServer {
        let folder: URL
        let port: Int
        private let process: ChildProcess

        init(steps: String = #"[{"hangup": "declined"}]"#) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let make = try ChildProcess(
                "/usr/bin/env",
                [
                    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                    "certificate.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1",
                ],
                in: folder
            )
            guard make.exitCode(within: 30) == 0 else { throw CocoaError(.fileWriteUnknown) }
            try steps.write(to: folder.appending(path: "steps"), atomically: true, encoding: .utf8)
            process = try ChildProcess(
                "/usr/bin/env",
                [
                    "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "certificate.pem", "-key", "key.pem",
                    "-WWW",
                ],
                in: folder
            )
            guard process.waitFor(10, { $0.contains("ACCEPT 127.0.0.1:") }) else { throw CocoaError(.fileReadUnknown) }
            let text = process.text.components(separatedBy: "ACCEPT 127.0.0.1:").last ?? ""
            port = Int(text.prefix { $0.isNumber }) ?? 0
        }

        deinit {
            process.signal(SIGKILL)
            process.exitCode(within: 5)
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private static func plan(_ url: String) -> String {
        """
        routes:
          - match: "."
            do: [{http: {url: "\(url)", timeout: 3s, fallback: [{hangup: busy}]}}]
        """
    }

    /// What a caller is answered.
    private static func answer(_ running: RunningSwitch) throws -> String? {
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        caller.send(caller.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        return caller.final("INVITE")?.startWord
    }

    @Test func `a certificate is believed by its authority alone, and for its own name`() throws {
        let server = try SecureServer()
        let authority = "tls: {ca_file: \(server.folder.path)/certificate.pem}"
        let url = "https://localhost:\(server.port)/steps"
        #expect(try Self.answer(RunningSwitch(node: authority, incoming: Self.plan(url))) == "603")
        let strict = try RunningSwitch(incoming: Self.plan(url))
        #expect(try Self.answer(strict) == "486")
        #expect(strict.process.waitFor(5) { $0.contains("no step from \(url): ") && $0.contains("certificate") })
        let numbered = try RunningSwitch(
            node: authority,
            incoming: Self.plan("https://127.0.0.2:\(server.port)/steps")
        )
        #expect(try Self.answer(numbered) == "486")
    }

    @Test(arguments: [
        #"[{"goto": "nowhere"}]"#, #"[{"queue": "none"}]"#, #"[{"set": {"x": "{unknown}"}}]"#,
        #"[{"play": "unrecorded"}]"#,
        #"[{"when": {"caller": "1"}, "then": [{"menu": {"prompt": "unrecorded", "keys": {"1": ["echo"]}}}]}]"#,
    ])
    func `steps that name what is not there are no usable answer`(steps: String) throws {
        let server = try SecureServer(steps: steps)
        let authority = "tls: {ca_file: \(server.folder.path)/certificate.pem}"
        let plan = Self.plan("https://localhost:\(server.port)/steps")
        let running = try RunningSwitch(node: authority, incoming: plan)
        #expect(try Self.answer(running) == "486")
        #expect(running.process.waitFor(5) { $0.contains("the steps from the URL cannot be done") })
    }

    /// Lists in which each alias is two of the one before.
    private static let aliases =
        #"- &a0 {when: {caller: "1"}, then: [answer]}"# + "\n"
        + (1...24)
        .map { #"- &a\#($0) {when: {caller: "1"}, then: [*a\#($0 - 1)], otherwise: [*a\#($0 - 1)]}"# }
        .joined(separator: "\n")

    @Test(arguments: [
        (aliases, "stand for more than"),
        (#"[{"when": {"caller": "/((((){255}){255}){255}){255}/"}, "then": []}]"#, "too large"),
    ])
    func `a small answer that would be endless is the fallback, and everybody else is served meanwhile`(
        steps: String,
        fault: String
    ) throws {
        let server = try SecureServer(steps: steps)
        let authority = "tls: {ca_file: \(server.folder.path)/certificate.pem}"
        let url = "https://localhost:\(server.port)/steps"
        let running = try RunningSwitch(node: authority, incoming: Self.plan(url))
        #expect(try Self.answer(running) == "486")
        #expect(running.process.waitFor(5) { $0.contains("no step from \(url): ") && $0.contains(fault) })
    }

    @Test func `what is no answer of 200 with steps is the fallback, in time`() throws {
        let running = try RunningSwitch()
        for url in [
            // Another service of this machine, which answers 404, and 200 with something else.
            "http://127.0.0.1:\(running.httpPort)/nothing", "http://127.0.0.1:\(running.httpPort)/healthz",
            "http://127.0.0.1:1/", "https://127.0.0.1:\(running.httpPort)/healthz",
        ] {
            let asking = try RunningSwitch(incoming: Self.plan(url))
            #expect(try Self.answer(asking) == "486", "\(url)")
        }
    }

    @Test func `a file of authorities that is none is a fault with its place`() throws {
        let running = try RunningSwitch()
        let file = running.folder.appending(path: "gudok.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        for (path, fault) in [("nothing.pem", "cannot be read"), ("gudok.yaml", "holds no certificate")] {
            try (text + "\ntls: {ca_file: \(path)}\n").write(to: file, atomically: true, encoding: .utf8)
            let checked = try running.gudok("check")
            #expect(checked.code == 1 && checked.text.contains(":16: error: '\(path)' \(fault)"), "\(checked.text)")
        }
    }
}

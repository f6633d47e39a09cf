import Foundation
import Testing

/// The real binary with a configuration of its own, in a folder of its own, on ports that the kernel gave it.
final class RunningSwitch {
    let folder: URL
    let process: ChildProcess
    let sipPort: UInt16
    let tcpPort: UInt16
    /// For UDP, at the other address.
    let portBeside: UInt16
    let httpPort: UInt16
    /// The carrier's port: `trunk carrier` of the tenant `demo` is this address and port.
    let carrier: WirePeer?
    /// Another run will go on with the folder.
    var isFolderKept = false

    /// With `carrierPort` the test starts the carrier itself; `address` is that of its listeners and of its
    /// media, `beside` another one of either; the other texts are added to the files as they are.
    init(
        carrierPort: UInt16? = nil,
        address: String = "127.0.0.1",
        beside other: String? = nil,
        codecs: String = "PCMA, PCMU",
        node: String = "",
        httpNames: [String] = [],
        trunk: String = "",
        users: String = "",
        tenant: String = "",
        incoming: String = RunningSwitch.incomingPlan,
        internalPlan: String = RunningSwitch.internalPlan,
        folder existing: URL? = nil,
        arguments: [String] = []
    ) throws {
        let folder = try existing ?? Self.makeFolder()
        self.folder = folder
        carrier = carrierPort == nil ? try WirePeer() : nil
        let port = carrierPort ?? carrier?.port ?? 0
        if existing == nil {
            try Self.write(
                folder,
                addresses: [address] + (other.map { [$0] } ?? []),
                codecs: codecs,
                node: node,
                httpNames: httpNames,
                trunk: trunk,
                users: users,
                tenant: tenant,
                carrierPort: port,
                incoming: incoming,
                internalPlan: internalPlan
            )
        }
        process = try ChildProcess(
            Self.binary,
            ["serve", "--config", folder.appending(path: "gudok.yaml").path] + arguments,
            in: folder
        )
        let isReady = process.waitFor(30) { $0.contains("ready sip=") && $0.contains("http=") }
        let text = process.text
        guard isReady, let line = text.components(separatedBy: "\n").first(where: { $0.hasPrefix("ready ") }) else {
            throw StartFailure(output: text)
        }
        sipPort = Self.port(after: "udp://\(address):", in: line)
        tcpPort = Self.port(after: "tcp://\(address):", in: line)
        portBeside = other.map { Self.port(after: "udp://\($0):", in: line) } ?? 0
        httpPort = Self.port(after: "http=127.0.0.1:", in: line)
    }

    struct StartFailure: Error { var output: String }

    /// What a listing said in the place of rows.
    struct NoRows: Error {
        var command: [String]
        var output: String
    }

    /// Runs a command of the same binary against this switch.
    func gudok(_ arguments: String..., within seconds: Double = 20) throws -> (code: Int32?, text: String) {
        try gudok(arguments, within: seconds)
    }

    func gudok(_ arguments: [String], within seconds: Double = 20) throws -> (code: Int32?, text: String) {
        let configuration = ["--config", folder.appending(path: "gudok.yaml").path]
        let command = try ChildProcess(Self.binary, arguments + configuration, in: folder)
        let code = command.exitCode(within: seconds)
        return (code, command.text)
    }

    /// The rows of a listing as JSON objects.
    func rows(_ arguments: String...) throws -> [[String: Any]] {
        let configuration = ["--format", "json", "--config", folder.appending(path: "gudok.yaml").path]
        let command = try ChildProcess(Self.binary, arguments + configuration, in: folder)
        command.exitCode(within: 20)
        guard let rows = try? JSONSerialization.jsonObject(with: Data(command.text.utf8)) as? [[String: Any]] else {
            throw NoRows(command: arguments, output: command.text)
        }
        return rows
    }

    /// `/metrics`.
    func page() throws -> String {
        let curl = try ChildProcess("/usr/bin/env", ["curl", "-s", "http://127.0.0.1:\(httpPort)/metrics"])
        curl.exitCode(within: 10)
        return curl.text
    }

    /// One number of `/metrics`, over all its labels.
    func metric(_ name: String) throws -> Double {
        try page().split(separator: "\n").filter { $0.hasPrefix(name) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    struct Reply {
        var status: Int
        /// Where the next page is.
        var next: String?
        /// The header `Allow`.
        var allow: String?
        var text: String

        var rows: [[String: Any]] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]) ?? []
        }
    }

    /// Asks over HTTP.
    func http(
        _ target: String,
        method: String = "GET",
        headers: [String] = [],
        body: String? = nil
    ) throws -> Reply {
        let fields = headers.flatMap { ["-H", $0] }
        let place = "http://127.0.0.1:\(httpPort)\(target)"
        let way = (method == "HEAD" ? ["--head"] : ["-X", method]) + (body.map { ["--data-raw", $0] } ?? [])
        let curl = try ChildProcess("/usr/bin/env", ["curl", "-s", "-i"] + way + fields + [place])
        curl.exitCode(within: 10)
        let parts = curl.text.replacing("\r\n", with: "\n").split(separator: "\n\n", maxSplits: 1)
        let head = parts.first?.split(separator: "\n") ?? []
        let link = head.first { $0.lowercased().hasPrefix("link:") && $0.contains(#"rel="next""#) }
        let allow = head.first { $0.lowercased().hasPrefix("allow: ") }
        return Reply(
            status: head.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0,
            next: link?.split { "<>".contains($0) }.dropFirst().first.map(String.init),
            allow: allow.map { String($0.dropFirst("allow: ".count)) },
            text: parts.count > 1 ? String(parts[1]) : ""
        )
    }

    /// Ends it as an administrator would.
    @discardableResult
    func stop() -> Int32? {
        process.signal(SIGTERM)
        return process.exitCode(within: 40)
    }

    deinit {
        process.signal(SIGKILL)
        process.exitCode(within: 5)
        if !isFolderKept, ProcessInfo.processInfo.environment["KEEP_FOLDERS"] == nil {
            try? FileManager.default.removeItem(at: folder)
        }
    }

    /// The executable that was built with these tests.
    static let binary: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "gudok")
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder), !isFolder.boolValue {
                return candidate.path
            }
            folder.deleteLastPathComponent()
        }
        return packageRoot.appending(path: ".build/debug/gudok").path
    }()

    static let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func port(after prefix: String, in line: String) -> UInt16 {
        guard let range = line.range(of: prefix) else { return 0 }
        return UInt16(line[range.upperBound...].prefix { $0.isNumber }) ?? 0
    }

    static func makeFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString.prefix(8))")
        for name in ["tenants", "dialplans"] {
            try FileManager.default.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        return folder
    }

    private static func write(
        _ folder: URL,
        addresses: [String],
        codecs: String,
        node: String,
        httpNames: [String],
        trunk: String,
        users: String,
        tenant: String,
        carrierPort: UInt16,
        incoming: String,
        internalPlan: String
    ) throws {
        let listen = addresses.flatMap { ["\"udp://\($0):0\"", "\"tcp://\($0):0\""] }.joined(separator: ", ")
        let media = addresses.map { "\"\($0.trimmingCharacters(in: ["[", "]"]))\"" }.joined(separator: ", ")
        let files = [
            "gudok.yaml": """
            node: test
            data: ./data
            sip:
              listen: [\(listen)]
            media: {address: \(addresses.count == 1 ? media : "[\(media)]"), ports: 30000-39999, codecs: [\(codecs)]}
            http: {listen: "127.0.0.1:0", names: [\(httpNames.joined(separator: ", "))]}
            tenants: ./tenants
            dialplans: ./dialplans
            \(node)
            """,
            "tenants/demo.yaml": """
            tenant: demo
            domains: [demo.test]
            timezone: Europe/Moscow
            users:
              - {extension: "1001", name: Anna, password: anna-demo-1, role: operator}
              - {extension: "1002", name: Boris, password: boris-demo-2, role: operator}
              - {extension: "1003", name: Vera, password: vera-demo-3, role: supervisor}
            \(users)
            trunks:
              - name: carrier
                host: 127.0.0.1
                port: \(carrierPort)
                transport: udp
                accept_from: [127.0.0.1]
                identify_port: \(carrierPort)
                dialplan: incoming
                \(trunk)
            dialplans: {internal: internal.yaml, incoming: incoming.yaml}
            \(tenant)
            """,
            "dialplans/incoming.yaml": incoming,
            "dialplans/internal.yaml": internalPlan,
        ]
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
    }

    static let incomingPlan = """
        routes:
          - match: "100x"
            do: [{dial: {user: "{called}", timeout: 20s}}]
          - match: "600"
            do: [answer, echo]
          - match: "."
            do: [{hangup: not-found}]
        """

    static let internalPlan = """
        routes:
          - match: "1xxx"
            do:
              - dial: {user: "{called}", timeout: 20s}
              - when: {dial_result: [no-answer, busy, unavailable]}
                then: [{hangup: "{dial_result}"}]
          - match: "600"
            do: [answer, echo]
          - match: "+."
            do: [{dial: {trunk: carrier, number: "{called}", timeout: 60s}}]
          - match: "."
            do: [{hangup: not-found}]
        """
}

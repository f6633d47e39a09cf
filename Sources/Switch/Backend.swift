import ACD
import Config
import ControlAPI
import DialPlan
import Engine
import Events
import Foundation
import Records
import Reports
import Timebase
import Trace

/// Answers the control interface: one place for every path.
struct Backend: ControlBackend {
    /// The node holds the server, which holds this.
    private weak let node: Node?

    init(_ node: Node) { self.node = node }

    func answer(_ request: ControlRequest) async -> ControlReply {
        guard let node else {
            return .problem(status: 503, code: "stopping", what: "the switch is stopping", mend: "start it again")
        }
        do {
            return try await route(request, node)
        } catch {
            return problem(error)
        }
    }

    private func problem(_ error: any Error) -> ControlReply {
        switch error {
        case let refusal as Engine.Refusal:
            let status = refusal.code == "not-allowed" ? 403 : 409
            return .problem(status: status, code: refusal.code, what: refusal.what, mend: refusal.mend)
        case let fault as QueryReader.Fault:
            return .problem(status: 400, code: "bad-query", what: fault.what, mend: fault.mend)
        case let fault as Reporter.Fault:
            return .problem(status: 400, code: "bad-query", what: fault.description, mend: "see docs/api.md")
        default: return .problem(status: 500, code: "internal", what: "\(error)", mend: "look into the switch's log")
        }
    }

    func events(for request: ControlRequest) async -> EventStream? {
        guard request.method == "GET", request.path == ["api", "v1", "events"], let node else { return nil }
        do {
            return .open(try await node.events(for: request))
        } catch {
            return .refused(problem(error))
        }
    }

    private func route(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let path = request.path
        switch (request.method, path.first, path.count) {
        case ("GET", "healthz", 1): return .text("ok\n")
        case ("GET", "readyz", 1):
            return await node.isReady ? .text("ready\n") : .text("draining\n", status: 503)
        case ("GET", "metrics", 1):
            return ControlReply(
                contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: Array(try await node.metrics().utf8)
            )
        case (_, "api", 3...) where path[1] == "v1":
            return try await object(request, Array(path.dropFirst(2)), node)
        default: return notFound(request)
        }
    }

    private func object(_ request: ControlRequest, _ path: [String], _ node: Node) async throws -> ControlReply {
        let tenant = request.query["tenant"]
        switch (request.method, path[0], path.count) {
        case ("GET", "registrations", 1):
            let rows = try await node.handle.ask { core in
                core.turn { engine, now in engine.bindings(at: now).map { RegistrationRow($0, $1) } }
            }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        case ("GET", "calls", 1):
            let rows = try await node.handle.ask { core in
                core.turn { engine, now in engine.liveCalls.map { CallRow($0, now: now) } }
            }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        case ("GET", "trunks", 1):
            let rows = try await node.handle.ask { $0.engine.trunkStatuses.map(TrunkRow.init) }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        case ("GET", "queues", 1): return .json(try await node.queueRows(of: tenant))
        case ("GET", "agents", 1): return .json(try await node.agentRows(of: tenant))
        case ("GET", "stats", 2):
            guard let kind = Reporter.Kind(rawValue: path[1]) else { return notFound(request) }
            guard let report = try await node.report(kind, for: request) else {
                return .problem(
                    status: 404,
                    code: "no-such-tenant",
                    what: "no such tenant, or none is named and there are several",
                    mend: "name one with ?tenant="
                )
            }
            return report
        case ("POST", "calls", 3) where path[2] == "supervise":
            return try await supervise(.call(CallID(path[1])), request, node)
        case ("POST", "calls", 3) where path[2] == "transfer":
            return try await transfer(CallID(path[1]), request, node)
        case ("POST", "calls", 3) where path[2] == "recording":
            return try await changeRecording(of: CallID(path[1]), request, node)
        case ("POST", "agents", 3) where path[2] == "supervise":
            return try await supervise(.agent(path[1]), request, node)
        case ("POST", "agents", 2): return try await changeAgent(path[1], request, node)
        case ("GET", "trace", 2):
            let id = CallID(path[1])
            guard let trace = try await node.handle.ask({ $0.records.liveTrace(of: id) }) else {
                return notFound(request)
            }
            return .json(trace)
        case ("POST", "calls", 1): return try await originate(request, node)
        case ("DELETE", "calls", 2): return try await hangUp(CallID(path[1]), request, node)
        case ("POST", "apply", 1): return try await apply(request, node)
        case ("GET", "tenants", 2): return try await export(path[1], request, node)
        case ("GET", "cdr", 1): return try await node.records(for: request)
        case ("GET", "recordings", 1): return try await node.recordings(for: request)
        case ("GET", "audit", 1): return try await node.auditEntries(for: request)
        case ("GET", "callbacks", 1): return try await node.callbacks(for: request)
        case ("DELETE", "callbacks", 2): return try await cancelCallback(path[1], request, node)
        default: return notFound(request)
        }
    }

    private func notFound(_ request: ControlRequest) -> ControlReply {
        .problem(
            status: 404,
            code: "not-found",
            what: "there is no \(request.method) /\(request.path.joined(separator: "/"))",
            mend: "see docs/api.md"
        )
    }

    private struct Origination: Decodable {
        var from: String
        var to: String
        var tenant: String?
    }

    private func originate(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        guard let wanted = try? JSONDecoder().decode(Origination.self, from: Data(request.body)) else {
            return .problem(
                status: 400,
                code: "bad-body",
                what: "the body is no call",
                mend: #"send {"from": "1001", "to": "600"}"#
            )
        }
        let id = try await node.handle.ask { core in
            try core.turn { try $0.originate(from: wanted.from, to: wanted.to, tenant: wanted.tenant, at: $1) }
        }
        await node.note(
            AuditedAct(by: .init(request.peer), "call", "call \(id)", detail: "\(wanted.from) → \(wanted.to)")
        )
        return .json(["call_id": id.value], status: 201)
    }

    private func hangUp(_ id: CallID, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let found = try await node.handle.ask { core in core.turn { $0.hangUp(id, at: $1) } }
        guard found else {
            return .problem(status: 404, code: "no-such-call", what: "no call \(id) is up", mend: "see: gudok calls")
        }
        await node.note(AuditedAct(by: .init(request.peer), "hangup", "call \(id)"))
        return .json(["call_id": id.value])
    }

    private struct AgentChange: Decodable {
        var action: String
        var reason: String?
        var device: String?
        var seconds: Int?
        var tenant: String?
    }

    private func changeAgent(_ number: String, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let wanted = try? JSONDecoder().decode(AgentChange.self, from: Data(request.body))
        let command: Dispatcher.AgentCommand
        switch wanted?.action {
        case "login": command = .logIn(device: wanted?.device)
        case "logout": command = .logOut
        case "pause": command = .pause(reason: wanted?.reason ?? "break")
        case "unpause": command = .unpause
        case "end-wrap-up": command = .endWrapUp
        case "extend-wrap-up": command = .extendWrapUp(.seconds(min(max(wanted?.seconds ?? 60, 1), 86_400)))
        case "block": command = .block
        case "unblock": command = .unblock
        default:
            return .problem(
                status: 400,
                code: "bad-body",
                what: "the body is no change of an agent",
                mend: #"send {"action": "login|logout|pause|unpause|end-wrap-up|extend-wrap-up|block|unblock"}"#
            )
        }
        let tenant = wanted?.tenant ?? request.query["tenant"]
        let actor = AuditedAct.Actor(request.peer)
        let view = try await node.handle.ask { core in
            try core.turn { try $0.perform(command, agent: number, tenant: tenant, by: actor, at: $1) }
        }
        return .json(AgentRow(view, name: nil, today: nil))
    }

    private struct Application: Decodable {
        struct File: Decodable {
            var name: String
            var text: String
        }

        var files: [File]
        var dry_run: Bool?
        /// Though tests of dial plans fail.
        var force: Bool?
    }

    private func apply(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        guard let wanted = try? JSONDecoder().decode(Application.self, from: Data(request.body)) else {
            return .problem(
                status: 400,
                code: "bad-body",
                what: "the body holds no files",
                mend: #"send {"files": [{"name": "demo.yaml", "text": "…"}]}"#
            )
        }
        let texts = wanted.files.map { ConfigurationText(name: $0.name, text: $0.text) }
        do {
            let changes = try await node.apply(
                texts,
                isDryRun: wanted.dry_run ?? false,
                isForced: wanted.force ?? false,
                by: .init(request.peer)
            )
            return .json(["changes": changes])
        } catch let trouble as ConfigurationFiles.Trouble {
            return .problem(
                status: 422,
                code: "bad-configuration",
                what: trouble.lines.joined(separator: "\n"),
                mend: "mend the files; nothing was changed"
            )
        }
    }

    private func export(_ tenant: String, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        guard let text = try await node.handle.ask({ $0.engine.configuration.tenants[TenantID(tenant)]?.export() })
        else {
            return .problem(status: 404, code: "no-such-tenant", what: "no tenant \(tenant)", mend: "check the name")
        }
        await node.note(
            AuditedAct(by: .init(request.peer), "export", "tenant \(tenant)", tenant: TenantID(tenant))
        )
        return ControlReply(contentType: "application/yaml", body: Array(text.utf8))
    }
}

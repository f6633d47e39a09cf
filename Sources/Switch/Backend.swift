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
            return .problem(
                status: Self.status(of: refusal),
                code: refusal.code,
                what: refusal.what,
                mend: refusal.mend
            )
        case let fault as QueryReader.Fault:
            return .problem(status: 400, code: "bad-query", what: fault.what, mend: fault.mend)
        case let fault as BodyFault:
            return .problem(status: 400, code: "bad-body", what: fault.what, mend: fault.mend)
        case let fault as Reporter.Fault:
            // Reports name filters as the command line does.
            let what = fault.description.replacing("--", with: "")
            return .problem(status: 400, code: "bad-query", what: what, mend: "see docs/api.md")
        case let fault as Misreading:
            let name = fault.name.replacing("-", with: "_")
            return .problem(status: 400, code: "bad-query", what: "\(name) \(fault.what)", mend: fault.mend)
        case let full as WorkerPool.Full:
            return .problem(
                status: 503,
                code: "too-many-requests",
                what: "\(full)",
                mend: "ask again in a moment"
            )
        case let fault as OpeningFault:
            return .problem(status: 500, code: "internal", what: fault.what, mend: fault.mend)
        default:
            return .problem(status: 500, code: "internal", what: "\(error.inWords)", mend: "look into the switch's log")
        }
    }

    /// What a path or a tenant's name leads to is there or not; all else is at odds with how things stand.
    private static func status(of refusal: Engine.Refusal) -> Int {
        switch refusal.code {
        case "not-allowed": 403
        case "no-such-agent", "no-such-call", "no-such-callback", "no-such-tenant": 404
        default: 409
        }
    }

    func events(for request: ControlRequest) async -> EventStream? {
        guard request.method == "GET", request.path == ["api", "v1", "events"], let node else { return nil }
        do {
            if let name = request.query["tenant"],
                try await node.handle.ask({ $0.engine.configuration.tenants[TenantID(name)] }) == nil
            {
                return .refused(noTenant(name))
            }
            return .open(try await node.events(for: request))
        } catch {
            return .refused(problem(error))
        }
    }

    private func route(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let matching = Route.all.filter { $0.parameters(of: request.path) != nil }
        guard let route = matching.first(where: { $0.method == request.method }) else {
            return matching.isEmpty ? notFound(request) : notAllowed(request, matching.map(\.method))
        }
        let parameters = route.parameters(of: request.path) ?? []
        if let refusal = try await refuse(route, parameters, request, node) {
            await noteRefusal(of: route, parameters, request, node)
            return refusal
        }
        return try await route.answer(self, Route.Asked(request: request, parameters: parameters, node: node))
    }

    /// Whoever would act upon another tenant's call is known.
    private func noteRefusal(
        of route: Route,
        _ parameters: [String],
        _ request: ControlRequest,
        _ node: Node
    ) async {
        guard route.isOfCall, let name = route.act, let call = parameters.first, let tenant = request.query["tenant"]
        else { return }
        var act = AuditedAct(by: .init(request.peer), name, "call \(call)", tenant: TenantID(tenant), outcome: .refused)
        act.detail = "tenant \(tenant) has no such call"
        await node.note(act)
    }

    /// What names a tenant is about that tenant alone: there is no other's call for it.
    private func refuse(
        _ route: Route,
        _ parameters: [String],
        _ request: ControlRequest,
        _ node: Node
    ) async throws -> ControlReply? {
        if route.method != "GET" {
            // Acts have everything else in their bodies.
            var query = QueryReader(request.query)
            _ = query.text("tenant")
            try query.finish()
        }
        guard let name = request.query["tenant"] else { return nil }
        let tenant = TenantID(name)
        let call = route.isOfCall ? parameters.first.map { CallID($0) } : nil
        let (isKnown, owner) = try await node.handle.ask { core in
            let engine = core.engine
            return (engine.configuration.tenants[tenant] != nil, call.flatMap { engine.tenant(ofCall: $0) })
        }
        // One that is gone may have left records.
        let folder = await RecordFolder(node.files.dataFolder)
        guard try isKnown || folder.tenants.contains(tenant) else { return noTenant(name) }
        guard let call, let owner, owner != tenant else { return nil }
        return noCall(call)
    }

    /// The tenant that an act is about, named in its query or its body; nil: none is named.
    func tenant(_ body: String?, _ request: ControlRequest) throws -> String? {
        let query = request.query["tenant"]
        if let query, let body, query != body {
            throw QueryReader.Fault(
                what: "the query names the tenant '\(query)', and the body '\(body)'",
                mend: "name one tenant"
            )
        }
        return query ?? body
    }

    private func noTenant(_ name: String) -> ControlReply {
        .problem(status: 404, code: "no-such-tenant", what: "no tenant \(name)", mend: "check the name")
    }

    func noCall(_ id: CallID) -> ControlReply {
        .problem(status: 404, code: "no-such-call", what: "no call \(id) is up", mend: "see: gudok calls")
    }

    func notFound(_ request: ControlRequest) -> ControlReply {
        .problem(
            status: 404,
            code: "not-found",
            what: "there is no \(request.method) /\(request.path.joined(separator: "/"))",
            mend: "see docs/api.md"
        )
    }

    /// RFC 9110 §15.5.6.
    private func notAllowed(_ request: ControlRequest, _ methods: [String]) -> ControlReply {
        let allowed = Set(methods + (methods.contains("GET") ? ["HEAD"] : [])).sorted()
        var reply = ControlReply.problem(
            status: 405,
            code: "method-not-allowed",
            what: "/\(request.path.joined(separator: "/")) has no \(request.method)",
            mend: "use \(allowed.joined(separator: " or "))"
        )
        reply.allow = allowed
        return reply
    }

    private struct Origination: BodyObject {
        enum CodingKeys: CodingKey, CaseIterable { case from, to, tenant }
        var from: String
        var to: String
        var tenant: String?
    }

    func originate(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let wanted = try request.read(
            Origination.self,
            or: BodyFault(what: "the body is no call", mend: #"send {"from": "1001", "to": "600"}"#)
        )
        let tenant = try tenant(wanted.tenant, request)
        let (actor, way) = (AuditedAct.Actor(request.peer), "\(wanted.from) → \(wanted.to)")
        let id: CallID
        let owner: TenantID?
        do {
            (id, owner) = try await node.handle.ask { core in
                try core.turn { engine, now in
                    let id = try engine.originate(from: wanted.from, to: wanted.to, tenant: tenant, at: now)
                    return (id, engine.tenant(ofCall: id))
                }
            }
        } catch {
            await node.note(AuditedAct(by: actor, "call", way).refused(error, tenant: tenant))
            throw error
        }
        await node.note(AuditedAct(by: actor, "call", "call \(id)", tenant: owner, detail: way))
        return .json(["call_id": id.value], status: 201)
    }

    func hangUp(_ id: CallID, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let actor = AuditedAct.Actor(request.peer)
        let (owner, found) = try await node.handle.ask { core in
            core.turn { engine, now in (engine.tenant(ofCall: id), engine.hangUp(id, by: actor, at: now)) }
        }
        var act = AuditedAct(by: actor, "hangup", "call \(id)", tenant: owner)
        guard found else {
            (act.tenant, act.outcome) = (request.query["tenant"].map { TenantID($0) }, .refused)
            act.detail = "no call \(id) is up"
            await node.note(act)
            return noCall(id)
        }
        await node.note(act)
        return .json(["call_id": id.value])
    }

    private struct AgentChange: BodyObject {
        enum CodingKeys: CodingKey, CaseIterable { case action, reason, queue, device, seconds, tenant }
        var action: String
        var reason: String?
        var queue: String?
        var device: String?
        var seconds: Int?
        var tenant: String?

        func checkKeys(of action: AgentAction) throws(BodyFault) {
            let given: [AgentAction.Option: Bool] = [
                .device: device != nil, .reason: reason != nil, .queue: queue != nil, .seconds: seconds != nil,
            ]
            guard let option = action.firstRefused(of: given) else { return }
            throw BodyFault(what: "'\(action.rawValue)' takes no \(option.rawValue)", mend: "leave it out")
        }

        /// A minute where nothing is said.
        var moreWrapUp: Int {
            get throws(BodyFault) {
                let seconds = seconds ?? 60
                guard (1...86_400).contains(seconds) else {
                    throw BodyFault(
                        what: "a wrap-up is not extended by \(seconds) s",
                        mend: "give seconds from 1 to 86400"
                    )
                }
                return seconds
            }
        }
    }

    func changeAgent(_ number: String, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let fault = BodyFault(
            what: "the body is no change of an agent",
            mend: #"send {"action": "\#(AgentAction.allCases.map(\.rawValue).joined(separator: "|"))"}"#
        )
        let wanted = try request.read(AgentChange.self, or: fault)
        guard let action = AgentAction(rawValue: wanted.action) else { throw fault }
        try wanted.checkKeys(of: action)
        let command: Dispatcher.AgentCommand
        switch action {
        case .login: command = .logIn(device: wanted.device)
        case .logout: command = .logOut
        case .pause:
            let tenant = try tenant(wanted.tenant, request)
            let usual = try await node.handle.ask { core in
                try core.turn { engine, _ in try engine.pauseReason(of: number, tenant: tenant) }
            }
            let reason = wanted.reason ?? usual
            command = wanted.queue.map { .pauseIn(queue: $0, reason: reason) } ?? .pause(reason: reason)
        case .unpause: command = wanted.queue.map { .unpauseIn(queue: $0) } ?? .unpause
        case .endWrapUp: command = .endWrapUp
        case .extendWrapUp: command = .extendWrapUp(.seconds(try wanted.moreWrapUp))
        case .block: command = .block
        case .unblock: command = .unblock
        }
        let tenant = try tenant(wanted.tenant, request)
        let actor = AuditedAct.Actor(request.peer)
        let view = try await node.handle.ask { core in
            try core.turn { try $0.perform(command, agent: number, tenant: tenant, by: actor, at: $1) }
        }
        let rows = try await node.agentRows(of: view.id.tenant.name, agent: number)
        return .json(rows.first ?? AgentRow(view, name: nil, today: nil))
    }

    private struct ApplicationBody: BodyObject {
        struct File: BodyObject {
            enum CodingKeys: CodingKey, CaseIterable { case name, text }
            var name: String
            var text: String
        }

        enum CodingKeys: CodingKey, CaseIterable { case files, remove, dry_run, force }
        var files: [Strict<File>]?
        /// Names of what was applied and has no file.
        var remove: [String]?
        var dry_run: Bool?
        /// Though tests of dial plans fail.
        var force: Bool?

        var application: Application {
            Application(
                files: (files ?? []).map { ConfigurationText(name: $0.object.name, text: $0.object.text) },
                remove: remove ?? [],
                isDryRun: dry_run ?? false,
                isForced: force ?? false
            )
        }
    }

    func apply(_ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        // The files are of any tenants.
        try QueryReader(request.query).finish()
        let fault = BodyFault(
            what: "the body holds no files",
            mend: #"send {"files": [{"name": "demo.yaml", "text": "…"}]}, or names in "remove""#
        )
        let wanted = try request.read(ApplicationBody.self, or: fault)
        guard wanted.files != nil || wanted.remove != nil else { throw fault }
        do {
            return .json(try await node.apply(wanted.application, by: .init(request.peer)))
        } catch let trouble as ConfigurationFiles.Trouble {
            return .problem(
                status: 422,
                code: "bad-configuration",
                what: trouble.lines.joined(separator: "\n"),
                mend: "\(trouble.mend ?? "mend the files"); nothing was changed"
            )
        }
    }

    /// `named` is the tenant that the query names: another's is not there for it.
    func export(
        _ tenant: String,
        named: String?,
        _ request: ControlRequest,
        _ node: Node
    ) async throws -> ControlReply {
        guard named == nil || named == tenant,
            // A tenant's lists are long: calls do not wait until they are written out.
            let text = try await node.handle.ask({ $0.engine.configuration.tenants[TenantID(tenant)] })?.export()
        else { return noTenant(tenant) }
        await node.note(
            AuditedAct(by: .init(request.peer), "export", "tenant \(tenant)", tenant: TenantID(tenant))
        )
        return ControlReply(contentType: "application/yaml", body: Array(text.utf8))
    }
}

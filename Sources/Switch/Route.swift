import ControlAPI
import DialPlan
import Engine
import Events
import Records
import SIP

/// What the control interface answers: a method, a path, and what is done for it.
struct Route: Sendable {
    /// A request that came here.
    struct Asked {
        let request: ControlRequest
        /// The segments that `*` stands for.
        let parameters: [String]
        let node: Node
    }

    typealias Answer = @Sendable (Backend, Asked) async throws -> ControlReply

    let method: String
    /// The path's first parameter is a call.
    let isOfCall: Bool
    private let pattern: [Substring]
    let answer: Answer

    /// In a path, `*` is any one segment.
    init(_ method: String, _ path: String, _ answer: @escaping Answer) {
        (self.method, self.answer) = (method, answer)
        isOfCall = path.hasPrefix("api/v1/calls/*") || path.hasPrefix("api/v1/trace/*")
        pattern = path.split(separator: "/")
    }

    /// As the audit log calls it; nil: nothing is done to anything.
    var act: String? {
        switch method {
        case "GET": nil
        case "DELETE": "hangup"
        default: pattern.last.map(String.init)
        }
    }

    /// nil: the path is another.
    func parameters(of path: [String]) -> [String]? {
        guard path.count == pattern.count else { return nil }
        var found: [String] = []
        for (segment, part) in zip(path, pattern) {
            if part == "*" { found.append(segment) } else if segment != part { return nil }
        }
        return found
    }

    /// The first that fits answers.
    static let all: [Route] =
        node + live + kept + objects + acts + [
            // The stream itself is no answer of this kind: this is what HEAD is told, and what names the path.
            Route("GET", "api/v1/events") { _, _ in ControlReply(contentType: "text/event-stream", body: []) }
        ]

    private static let node = [
        Route("GET", "healthz") { _, _ in .text("ok\n") },
        Route("GET", "readyz") { _, asked in
            let trouble = await asked.node.whyNotReady
            return trouble.map { .text("\($0)\n", status: 503) } ?? .text("ready\n")
        },
        Route("GET", "metrics") { _, asked in
            ControlReply(
                contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: Array(try await asked.node.metrics().utf8)
            )
        },
    ]

    private static let live = [
        Route("GET", "api/v1/registrations") { _, asked in
            let tenant = try asked.tenantAlone()
            let rows = try await asked.node.handle.ask { core in
                core.turn { engine, now in engine.bindings(at: now).map { RegistrationRow($0, $1) } }
            }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        },
        Route("GET", "api/v1/calls") { _, asked in
            let tenant = try asked.tenantAlone()
            let rows = try await asked.node.handle.ask { core in
                core.turn { engine, now in engine.liveCalls.map { CallRow($0, now: now) } }
            }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        },
        Route("GET", "api/v1/trunks") { _, asked in
            let tenant = try asked.tenantAlone()
            let rows = try await asked.node.handle.ask { $0.engine.trunkStatuses.map(TrunkRow.init) }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        },
        Route("GET", "api/v1/sinks") { _, asked in
            let tenant = try asked.tenantAlone()
            let desk = await asked.node.delivery
            let rows = try await asked.node.reading.run { desk.rows() }
            return .json(rows.filter { tenant == nil || $0.tenant == tenant })
        },
        Route("GET", "api/v1/queues") { _, asked in .json(try await asked.node.queueRows(of: asked.tenantAlone())) },
        Route("GET", "api/v1/agents") { _, asked in .json(try await asked.node.agentRows(of: asked.tenantAlone())) },
        Route("GET", "api/v1/trace/*") { backend, asked in
            let id = CallID(asked.parameters[0])
            guard let trace = try await asked.node.handle.ask({ $0.records.liveTrace(of: id) }) else {
                return backend.noCall(id)
            }
            return .json(trace)
        },
    ]

    private static let kept = [
        Route("GET", "api/v1/cdr") { _, asked in try await asked.node.records(for: asked.request) },
        Route("GET", "api/v1/recordings") { _, asked in try await asked.node.recordings(for: asked.request) },
        Route("GET", "api/v1/audit") { _, asked in try await asked.node.auditEntries(for: asked.request) },
        Route("GET", "api/v1/callbacks") { _, asked in try await asked.node.callbacks(for: asked.request) },
        Route("GET", "api/v1/stats/*") { backend, asked in
            guard let question = ReportQuestion(rawValue: asked.parameters[0]) else {
                return backend.notFound(asked.request)
            }
            return try await asked.node.report(question, for: asked.request)
        },
        Route("GET", "api/v1/configuration") { backend, asked in
            // Its secrets are for those who may read the data folder.
            guard case .process = asked.request.peer else { return backend.notFound(asked.request) }
            try QueryReader(asked.request.query).finish()
            return .json(await asked.node.files.texts)
        },
        Route("GET", "api/v1/tenants/*") { backend, asked in
            try await backend.export(asked.parameters[0], named: asked.tenantAlone(), asked.request, asked.node)
        },
    ]

    private static let acts = [
        Route("POST", "api/v1/calls") { backend, asked in try await backend.originate(asked.request, asked.node) },
        Route("DELETE", "api/v1/calls/*") { backend, asked in
            try await backend.hangUp(CallID(asked.parameters[0]), asked.request, asked.node)
        },
        Route("POST", "api/v1/calls/*/supervise") { backend, asked in
            try await backend.supervise(.call(CallID(asked.parameters[0])), asked.request, asked.node)
        },
        Route("POST", "api/v1/calls/*/transfer") { backend, asked in
            try await backend.transfer(CallID(asked.parameters[0]), asked.request, asked.node)
        },
        Route("POST", "api/v1/calls/*/recording") { backend, asked in
            try await backend.changeRecording(of: CallID(asked.parameters[0]), asked.request, asked.node)
        },
        Route("POST", "api/v1/agents/*") { backend, asked in
            try await backend.changeAgent(asked.parameters[0], asked.request, asked.node)
        },
        Route("POST", "api/v1/agents/*/supervise") { backend, asked in
            try await backend.supervise(.agent(asked.parameters[0]), asked.request, asked.node)
        },
        Route("POST", "api/v1/apply") { backend, asked in try await backend.apply(asked.request, asked.node) },
        Route("DELETE", "api/v1/callbacks/*") { backend, asked in
            try await backend.cancelCallback(asked.parameters[0], asked.request, asked.node)
        },
    ]
}

extension Route.Asked {
    /// The one filter of the live objects.
    func tenantAlone() throws -> String? {
        var query = QueryReader(request.query)
        let tenant = query.text("tenant")
        try query.finish()
        return tenant
    }
}

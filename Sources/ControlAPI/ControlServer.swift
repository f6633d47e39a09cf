import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Listening
import Logging
public import NIOCore
import NIOPosix
import ServiceLifecycle

/// The control interface on the data folder's socket and on `http.listen`: the same requests, the same answers.
public actor ControlServer {
    public enum Fault: Error, CustomStringConvertible, Equatable {
        case alreadyServed(String)
        case cannotListen(String, why: String)

        public var description: String {
            switch self {
            case .alreadyServed(let path):
                "another gudok serves this data folder (\(path)); stop it, or choose another folder with `data:`"
            case .cannotListen(let place, let why):
                "cannot listen on \(place): \(why); free it, or choose another with `http.listen`"
            }
        }
    }

    /// The system's words for why a socket could not be had, without where in the library that came out.
    public static func reason(of error: any Error) -> String {
        (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }

    /// The longest request body.
    static let longestBody = 8 * 1024 * 1024

    private let backend: any ControlBackend
    private let group: any EventLoopGroup
    /// How long a connection may be idle, or a request be on its way in.
    private let patience: TimeAmount
    /// On each listener, and as many that follow the events.
    private let mostConnections: Int
    private var services: [(group: ServiceGroup, task: Task<Void, any Error>)] = []
    private var socketPath: String?

    public init(
        backend: any ControlBackend,
        group: any EventLoopGroup,
        patience: TimeAmount = .seconds(30),
        mostConnections: Int = 256
    ) {
        (self.backend, self.group, self.patience) = (backend, group, patience)
        self.mostConnections = mostConnections
    }

    /// Throws where another switch answers on the control socket.
    public static func requireUnserved(socket path: String) async throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard await !ControlClient(socketPath: path).isAnswered() else { throw Fault.alreadyServed(path) }
    }

    /// Serves the control socket, with access for its owner alone.
    public func listen(socket path: String) async throws {
        try await Self.requireUnserved(socket: path)
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        // Made in a folder that nobody else may enter, and moved to its place once its rights are right.
        let folder = path + ".new"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fresh = folder + "/s"
        let place = SocketPlace(fresh)
        defer { withExtendedLifetime(place) {} }
        _ = try await serve(.unixDomainSocket(path: place.path), named: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: fresh)
        try FileManager.default.moveItem(atPath: fresh, toPath: path)
        socketPath = path
    }

    /// Serves the control socket anew where its file was taken away.
    public func renewSocket() async throws {
        guard let socketPath, !FileManager.default.fileExists(atPath: socketPath) else { return }
        try await listen(socket: socketPath)
    }

    /// Serves HTTP; port 0 takes a free one. Requests may also ask for us by these `names`.
    ///
    /// - Returns: the port.
    public func listen(host: String, port: UInt16, names: [String] = []) async throws -> UInt16 {
        let place = BindAddress.hostname(host, port: Int(port))
        let address = try await serve(place, named: "\(host):\(port)", by: OwnNames(names))
        return UInt16(truncatingIfNeeded: address?.port ?? Int(port))
    }

    public func stop() async {
        for service in services { await service.group.triggerGracefulShutdown() }
        for service in services { _ = await service.task.result }
        services = []
        if let socketPath { try? FileManager.default.removeItem(atPath: socketPath) }
    }

    /// Whoever reaches the control socket asks for nobody else: there, `names` is nil.
    private func serve(
        _ address: BindAddress,
        named name: String,
        by names: OwnNames? = nil
    ) async throws -> SocketAddress? {
        let (backend, patience, places) = (backend, patience, ConnectionPlaces(most: mostConnections))
        // The last of all are for whoever comes by the control socket.
        let spare = names == nil ? 0 : SpareDescriptors.last
        let responder = CallbackResponder { (request: Request, context: ControlContext) in
            if let refusal = names.flatMap({ Self.refusal(of: request, $0) }) { return Self.response(refusal) }
            return try await places.asking(context.channel) {
                try await Self.respond(to: request, backend: backend, context, places)
            }
        }
        var logger = Logger(label: "gudok.http")
        logger.logLevel = .critical
        let (running, signal) = AsyncStream<SocketAddress?>.makeStream()
        let application = Application(
            responder: responder,
            // Neither a request that comes in drop by drop nor connections without one take the place of others for long.
            server: HTTPServerBuilder { responder in
                let http = HTTP1Channel(responder: responder, configuration: .init(idleTimeout: patience))
                return PlacedChannel(inner: HostMarkingChannel(http: http), places: places, spare: spare)
            },
            configuration: ApplicationConfiguration(address: address, serverName: "gudok"),
            onServerRunning: { channel in
                try? await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(), position: .first)
                }.get()
                signal.yield(channel.localAddress)
                signal.finish()
            },
            eventLoopGroupProvider: .shared(group),
            logger: logger
        )
        let serviceGroup = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [application], logger: logger)
        )
        let task = Task {
            defer { signal.finish() }
            try await serviceGroup.run()
        }
        for await local in running {
            services.append((serviceGroup, task))
            return local
        }
        if case .failure(let error) = await task.result { throw Fault.cannotListen(name, why: Self.reason(of: error)) }
        throw Fault.cannotListen(name, why: "the server stopped at once")
    }

    private static func stream(_ events: AsyncStream<ServerEvent>) -> Response {
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            for await event in events { try await writer.write(ByteBuffer(string: event.text)) }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: body
        )
    }

    private static func respond(
        to request: Request,
        backend: any ControlBackend,
        _ context: ControlContext,
        _ places: ConnectionPlaces
    ) async throws -> Response {
        let reply: ControlReply
        let isHead = request.method == .head
        do {
            // Who says how much it will be need not send it first.
            let told = request.headers[.contentLength].flatMap { Int($0) } ?? 0
            guard told <= longestBody else { throw NIOTooManyBytesError(maxBytes: longestBody) }
            let buffer = try await request.body.collect(upTo: longestBody)
            if var asked = ControlRequest(
                method: isHead ? "GET" : request.method.rawValue,
                target: request.uri.string,
                body: Array(buffer.readableBytesView),
                peer: await context.peer
            ) {
                asked.lastEventID = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
                switch isHead ? nil : await backend.events(for: asked) {
                case .open(let events):
                    if places.follow(context.channel) { return stream(events) }
                    reply = .problem(
                        status: 503,
                        code: "too-many-requests",
                        what: "\(places.most) follow the events here already",
                        mend: "end one of them, or come back later"
                    )
                case .refused(let refusal): reply = refusal
                case nil: reply = await backend.answer(asked)
                }
            } else {
                reply = .problem(
                    status: 400,
                    code: "bad-target",
                    what: "the path is malformed, or a parameter is given twice",
                    mend: "write each parameter once, and % before two hexadecimal digits; see docs/api.md"
                )
            }
        } catch is NIOTooManyBytesError {
            reply = .problem(
                status: 413,
                code: "body-too-long",
                what: "the body is too long",
                mend: "send at most \(longestBody) bytes"
            )
        }
        var answer = response(reply)
        if let file = reply.file { answer = try await serve(file, as: answer, to: request, context) }
        return isHead ? answer.createHeadResponse() : answer
    }

    /// The file, or the part of it that is asked for.
    private static func serve(
        _ file: ServedFile,
        as answer: Response,
        to request: Request,
        _ context: ControlContext
    ) async throws -> Response {
        var answer = answer
        let tag = file.tag.map { "\"\($0)\"" }
        answer.headers[.acceptRanges] = "bytes"
        answer.headers[.cacheControl] = "no-store"
        answer.headers[.contentDisposition] = "inline; filename=\"\(file.name)\""
        answer.headers[.eTag] = tag
        // A part of another state of the file would not fit to what the peer has.
        let isOfThis = request.headers[.ifRange].map { $0 == tag } ?? true
        var range = 0...max(0, file.octets - 1)
        switch ByteRange(isOfThis ? request.headers[.range] : nil, of: file.octets) {
        case .whole: break
        case .part(let part):
            range = part
            answer.status = .partialContent
            answer.headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound)/\(file.octets)"
        case .unsatisfiable:
            var refusal = response(
                .problem(
                    status: 416,
                    code: "bad-range",
                    what: "the range begins behind the end of \(file.octets) octets",
                    mend: "ask for a part that is there"
                )
            )
            refusal.headers[.contentRange] = "bytes */\(file.octets)"
            return refusal
        }
        answer.body = try await FileIO().loadFile(path: file.path, range: range, context: context)
        return answer
    }

    /// Nobody proves who he is here, so the pages that an administrator happens to look at must not act in his place.
    private static func refusal(of request: Request, _ names: OwnNames) -> ControlReply? {
        // The first is the request's, and is none of the fields (RFC 9112 §3.2).
        if HTTPField.Name("Host").map({ request.headers.contains($0) }) == true {
            return .problem(
                status: 400,
                code: "bad-host",
                what: "the request has two Host fields",
                mend: "send one, with the name that you ask by"
            )
        }
        if HTTPField.Name(MissingHostMark.name).map({ request.headers.contains($0) }) == true {
            return .problem(
                status: 400,
                code: "bad-host",
                what: "the request has no Host field",
                mend: "send one, with the name that you ask by"
            )
        }
        if !names.contain(authority: request.head.authority) {
            return .problem(
                status: 421,
                code: "foreign-host",
                what: "'\(request.head.authority ?? "")' is no name of this switch",
                mend: "ask by its address, or add the name to http.names"
            )
        }
        guard isForeign(request, names) else { return nil }
        return .problem(
            status: 403,
            code: "foreign-origin",
            what: "a web page of another origin asks",
            mend: "ask from a program, or from a page of this address"
        )
    }

    /// Whether a browser sends it for a page that is not ours (Fetch §3.1, the header `Origin`). Behind a proxy ours is of a name in
    /// `http.names`, whatever the proxy asks us by.
    private static func isForeign(_ request: Request, _ names: OwnNames) -> Bool {
        guard let name = HTTPField.Name("Origin"), let origin = request.headers[name] else { return false }
        guard let page = URLComponents(string: origin), let host = page.host, let asked = request.head.authority else {
            return true
        }
        if asked.lowercased() == (page.port.map { "\(host):\($0)" } ?? host).lowercased() { return false }
        return !names.isConfigured(host)
    }

    private static func response(_ reply: ControlReply) -> Response {
        var headers: HTTPFields = [.contentType: reply.contentType]
        if let next = reply.next, let link = HTTPField.Name("Link") { headers[link] = "<\(next)>; rel=\"next\"" }
        if !reply.allow.isEmpty { headers[.allow] = reply.allow.joined(separator: ", ") }
        return Response(
            status: HTTPResponse.Status(code: reply.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
        )
    }
}

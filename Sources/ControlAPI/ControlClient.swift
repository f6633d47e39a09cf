import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks the running switch, over the control socket of its data folder.
public struct ControlClient: Sendable {
    public enum Fault: Error, CustomStringConvertible, Equatable {
        /// Nobody listens on the socket.
        case notRunning(String)
        /// The socket, or the folder that it lies in, is somebody else's.
        case notAllowed(String)
        case broken(String)
        /// It took the request, and is silent since; whether it answers anything at all.
        case silent(Duration, isAlive: Bool)

        public var description: String {
            switch self {
            case .notRunning(let path): "no switch is running on \(path); start it with: gudok serve"
            case .notAllowed(let path): "\(path) is not yours to use; run this as the owner of the data folder"
            case .broken(let why): "the switch broke off its answer: \(why)"
            case .silent(let patience, isAlive: true):
                "the switch has not answered this within \(patience.components.seconds) s; it answers other requests, so look at its disk and its log"
            case .silent(let patience, isAlive: false):
                "the switch does not answer within \(patience.components.seconds) s: it hangs; look at its log and its stack, or start it again"
            }
        }
    }

    public let socketPath: String
    public init(socketPath: String) { self.socketPath = socketPath }

    /// Whether anybody listens on the socket.
    public func isAnswered() async -> Bool {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(2))
        guard let channel = try? await connect(bootstrap) else { return false }
        try? await channel.close()
        return true
    }

    private func connect(_ bootstrap: ClientBootstrap) async throws -> any Channel {
        let place = SocketPlace(socketPath)
        defer { withExtendedLifetime(place) {} }
        return try await bootstrap.connect(unixDomainSocketPath: place.path).get()
    }

    /// A switch that answers nothing at all is known sooner than one that has much to read.
    private static let patience: Duration = .seconds(60)
    private static let patienceOfLife: Duration = .seconds(10)

    public func send(_ request: ControlRequest) async throws -> ControlReply {
        try await send(request, within: Self.patience, alive: Self.patienceOfLife)
    }

    /// Waits for the answer for as long as the switch gives a sign of life meanwhile.
    func send(
        _ request: ControlRequest,
        within patience: Duration,
        alive patienceOfLife: Duration
    ) async throws -> ControlReply {
        try await withThrowingTaskGroup(of: ControlReply?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await exchange(request, within: patience, or: .silent(patience, isAlive: true)) }
            group.addTask {
                try await Task.sleep(for: patienceOfLife / 2)
                let fault = Fault.silent(patienceOfLife, isAlive: false)
                _ = try await exchange(ControlRequest(path: ["healthz"]), within: patienceOfLife / 2, or: fault)
                return nil
            }
            while let reply = try await group.next() {
                if let reply { return reply }
            }
            throw CancellationError()
        }
    }

    private func exchange(
        _ request: ControlRequest,
        within patience: Duration,
        or fault: Fault
    ) async throws -> ControlReply {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ControlReply.self)
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(.seconds(5)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(ReplyCollector(promise: promise))
            }
        }
        let channel: any Channel
        do {
            channel = try await connect(bootstrap)
        } catch {
            promise.fail(error)
            let isDenied = [EACCES, EPERM].contains((error as? IOError)?.errnoCode)
            throw isDenied ? Fault.notAllowed(socketPath) : Fault.notRunning(socketPath)
        }
        let timeout = loop.scheduleTask(in: TimeAmount(patience)) { promise.fail(fault) }
        defer {
            timeout.cancel()
            channel.close(promise: nil)
        }
        var head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method),
            uri: request.target
        )
        head.headers.add(name: "host", value: "gudok")
        head.headers.add(name: "content-length", value: "\(request.body.count)")
        head.headers.add(name: "connection", value: "close")
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: request.body))), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }
}

/// Puts one response together. Lives on its channel's loop.
private final class ReplyCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<ControlReply>
    private var reply = ControlReply(status: 0, contentType: "", body: [])

    init(promise: EventLoopPromise<ControlReply>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            reply.status = Int(head.status.code)
            reply.contentType = head.headers.first(name: "content-type") ?? ""
        case .body(let part): reply.body += part.readableBytesView
        case .end: promise.succeed(reply)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ControlClient.Fault.broken("the connection was closed"))
    }
}

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
        /// It took the request, and is silent since.
        case silent(seconds: Int64)

        public var description: String {
            switch self {
            case .notRunning(let path): "no switch is running on \(path); start it with: gudok serve"
            case .notAllowed(let path): "\(path) is not yours to use; run this as the owner of the data folder"
            case .broken(let why): "the switch broke off its answer: \(why)"
            case .silent(let seconds):
                "the switch does not answer within \(seconds) s: it hangs; look at its log and its stack, or start it again"
            }
        }
    }

    public let socketPath: String
    public init(socketPath: String) { self.socketPath = socketPath }

    /// Whether anybody listens on the socket.
    public func isAnswered() async -> Bool {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(2))
        guard let channel = try? await bootstrap.connect(unixDomainSocketPath: socketPath).get() else { return false }
        try? await channel.close()
        return true
    }

    /// What is read from files, and what reads them anew, may take long, in seconds.
    private static func patience(for request: ControlRequest) -> Int64 {
        let long = ["apply", "audit", "callbacks", "cdr", "recordings", "stats"]
        return request.path.dropFirst(2).first.map { long.contains($0) } ?? false ? 60 : 10
    }

    public func send(_ request: ControlRequest) async throws -> ControlReply {
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
            channel = try await bootstrap.connect(unixDomainSocketPath: socketPath).get()
        } catch {
            promise.fail(error)
            let isDenied = [EACCES, EPERM].contains((error as? IOError)?.errnoCode)
            throw isDenied ? Fault.notAllowed(socketPath) : Fault.notRunning(socketPath)
        }
        let seconds = Self.patience(for: request)
        let timeout = loop.scheduleTask(in: .seconds(seconds)) {
            promise.fail(Fault.silent(seconds: seconds))
        }
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
        return try await promise.futureResult.get()
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

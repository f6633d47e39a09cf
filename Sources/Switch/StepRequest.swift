import Config
import DialPlan
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Timebase

/// One question to a URL: what is a call to do next? The answer's body is a list of steps, as a dial plan writes them (JSON is
/// YAML too): `[{"queue": "sales"}]`.
struct StepRequest: Sendable {
    struct Fault: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// A longer answer is no list of steps.
    static let longestAnswer = 65_536

    var url: String
    var timeout: Duration

    func send(on loop: any EventLoop) -> EventLoopFuture<[Step]> {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host else {
            return loop.makeFailedFuture(Fault("'\(url)' is no http:// URL (TLS is not built yet)"))
        }
        let answer = loop.makePromise(of: [UInt8].self)
        let target = parts.percentEncodedPath + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
        let wait = TimeAmount.nanoseconds(timeout.wholeNanoseconds)
        let deadline = loop.scheduleTask(in: wait) { answer.fail(Fault("no answer within \(timeout)")) }
        let exchange = Exchange(host: host, target: target.isEmpty ? "/" : target, answer: answer)
        ClientBootstrap(group: loop).connectTimeout(wait)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(exchange)
                }
            }
            .connect(host: host, port: parts.port ?? 80).whenComplete { result in
                guard case .success(let channel) = result else {
                    if case .failure(let error) = result { answer.fail(error) }
                    return
                }
                answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
            }
        return answer.futureResult.always { _ in deadline.cancel() }.flatMapThrowing { body in
            let (steps, faults) = DialPlan.readSteps(
                ConfigurationText(name: url, text: String(decoding: body, as: UTF8.self))
            )
            guard let steps else { throw Fault(faults.map(\.description).joined(separator: "; ")) }
            return steps
        }
    }

    /// `@unchecked Sendable`: made here, and from then on touched by its channel's event loop alone.
    private final class Exchange: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = HTTPClientResponsePart
        typealias OutboundOut = HTTPClientRequestPart
        private let host: String
        private let target: String
        private let answer: EventLoopPromise<[UInt8]>
        private var body: [UInt8] = []

        init(host: String, target: String, answer: EventLoopPromise<[UInt8]>) {
            (self.host, self.target, self.answer) = (host, target, answer)
        }

        func channelActive(context: ChannelHandlerContext) {
            var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target)
            head.headers = ["Host": host, "Accept": "application/json", "Connection": "close"]
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                guard head.status == .ok else { return answer.fail(Fault("status \(head.status.code)")) }
            case .body(let part):
                body += part.readableBytesView
                if body.count > StepRequest.longestAnswer { answer.fail(Fault("the answer is too long")) }
            case .end: answer.succeed(body)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { answer.fail(Fault("the answer broke off")) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answer.fail(error)
            context.close(promise: nil)
        }
    }
}

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Connections of HTTP/1, as the library serves them, but for requests of HTTP/1.1 without a field `Host`: what comes out of the library's pipeline
/// has no version any more, and only an older request may be without (RFC 9112 §3.2).
struct HostMarkingChannel: ServerChildChannel {
    let http: HTTP1Channel

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(MissingHostMark(), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}

/// Marks a request that needs a field `Host` and has none, with a field that no peer needs to send; who does is refused himself.
final class MissingHostMark: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    static let name = "X-Gudok-No-Host"

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version.minor > 0,
            !head.headers.contains(name: "Host")
        else { return context.fireChannelRead(data) }
        head.headers.add(name: Self.name, value: "")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}

import Glibc
public import NIOCore

/// Lets a listener rest for which no descriptor is left: whoever waits to be accepted would keep the loop busy without end. The library's own
/// handler puts the next reading off, and not the one that has failed, which stays asked for.
public final class AcceptPause: ChannelInboundHandler {
    public typealias InboundIn = any Channel

    private static let pause: TimeAmount = .milliseconds(500)

    public init() {}

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains((error as? IOError)?.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenFailure { _ in }
        context.eventLoop.scheduleTask(in: Self.pause) {
            channel.setOption(.autoRead, value: true).whenFailure { _ in }
        }
    }
}

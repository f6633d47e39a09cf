import NIOCore
import NetAddress

/// Hands datagrams on. A datagram that could not be sent (ICMP, a full buffer) never ends the listener.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private unowned let sockets: SignallingSockets
    private var local: NetAddress.SocketAddress?

    init(_ sockets: SignallingSockets) { self.sockets = sockets }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        if local == nil { local = NetAddress.SocketAddress(context.channel.localAddress) }
        guard let local, let remote = NetAddress.SocketAddress(envelope.remoteAddress) else { return }
        sockets.counters.datagramsReceived &+= 1
        let flow = Flow(transport: .udp, local: local, remote: remote)
        sockets.receiver?.received(Array(envelope.data.readableBytesView), over: flow)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { sockets.counters.sendFailures &+= 1 }
}

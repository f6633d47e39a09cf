import NIOCore
import NetAddress

/// Hands datagrams on.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private unowned let sockets: SignallingSockets
    private let local: NetAddress.SocketAddress

    init(_ sockets: SignallingSockets, local: NetAddress.SocketAddress) {
        (self.sockets, self.local) = (sockets, local)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let remote = NetAddress.SocketAddress(envelope.remoteAddress) else { return }
        sockets.counters.datagramsReceived &+= 1
        let flow = Flow(transport: .udp, local: local, remote: remote)
        sockets.receiver?.received(Array(envelope.data.readableBytesView), over: flow)
    }

    /// The kernel's word that something sent did not arrive. An error that ends the listener has it opened anew.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { sockets.counters.sendFailures &+= 1 }
}

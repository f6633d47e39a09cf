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
        let flow = Flow(transport: .udp, local: asked(envelope.metadata?.packetInfo), remote: remote)
        sockets.receiver?.received(Array(envelope.data.readableBytesView), over: flow)
    }

    /// The address of ours that a peer sent a datagram to, where the listener has them all. What went to many was to none of them.
    private func asked(_ info: NIOPacketInfo?) -> NetAddress.SocketAddress {
        guard local.ip.isUnspecified, let asked = NetAddress.SocketAddress(info?.destinationAddress),
            !asked.ip.isForMany
        else { return local }
        return NetAddress.SocketAddress(asked.ip, local.port)
    }

    /// The kernel's word that something sent did not arrive. An error that ends the listener has it opened anew.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { sockets.counters.sendFailures &+= 1 }
}

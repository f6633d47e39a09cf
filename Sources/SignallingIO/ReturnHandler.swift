import NIOCore

/// Reads what a raw socket hears by ICMP.
final class ReturnHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private unowned let sockets: SignallingSockets
    private let isV6: Bool

    init(_ sockets: SignallingSockets, isV6: Bool) { (self.sockets, self.isV6) = (sockets, isV6) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
        let returned = isV6 ? ReturnedDatagram(icmp6: bytes) : ReturnedDatagram(icmp: bytes)
        if let returned { sockets.take(returned) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

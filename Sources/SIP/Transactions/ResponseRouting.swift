import NetAddress
import SIPMessage

/// Where responses go (RFC 3261 §18.2, RFC 3581 §4).
enum ResponseRouting {
    /// Puts down where a request really came from, on its top Via.
    static func stamp(_ request: inout SIPRequest, via: inout Via, source: Flow) {
        var isChanged = false
        // The peer's own word for these is worth nothing: ours replaces it.
        if via.hasRport {
            via.rport = source.remote.port
            via.received = "\(source.remote.ip)"
            isChanged = true
        } else if IPAddress(via.host)?.unmapped != source.remote.ip.unmapped {
            via.received = "\(source.remote.ip)"
            isChanged = true
        } else if via.received != nil {
            via.received = nil
            isChanged = true
        }
        if isChanged { request.setTopVia(parameters: via.parameters) }
    }

    /// The flow that answers take: the connection that the request came over, and where it has ended a new one to the source
    /// address and the port of the Via; for datagrams the source address with the source port where it was asked for (rport),
    /// else the port of the Via.
    ///
    /// `maddr` is not followed: it would let anybody have us send to whom he names.
    static func replyFlow(via: Via, source: Flow) -> Flow {
        var source = source
        guard !source.transport.isReliable else {
            source.returnPort = via.sentByPort
            return source
        }
        if via.hasRport { return source }
        return source.moved(to: SocketAddress(source.remote.ip, via.sentByPort))
    }
}

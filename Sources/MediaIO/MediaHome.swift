import CLinuxIO
import Glibc
import Media
import NetAddress

/// One of our addresses, which ports are opened at.
struct MediaHome: Sendable {
    let ip: IPAddress
    /// The same as packets are compared with.
    let wire: WireAddress
    let isV6: Bool
    /// It is one of the public network.
    let isPublic: Bool

    init(_ ip: IPAddress) {
        (self.ip, wire, isV6) = (ip, WireAddress(SocketAddress(ip, 0)), ip.isV6)
        isPublic = !ip.isPrivate && !ip.isLoopback
    }

    /// A socket, or a negative errno. DSCP EF (RFC 4594 §4.1: telephony).
    func bind(_ port: UInt16) -> Int32 {
        let place = linux_io_address(high: wire.high, low: wire.low, port: port)
        let descriptor = linux_io_udp_open(place, isV6 ? 1 : 0, 0xB8)
        guard descriptor >= 0, linux_io_is_spare(descriptor, Int32(LINUX_IO_SPARE)) != 0 else { return descriptor }
        linux_io_close(descriptor)
        return -EMFILE
    }

    /// What a socket here cannot send to is as good as unknown: whoever writes decides (RFC 4961).
    func reachable(_ address: SocketAddress?) -> SocketAddress? {
        address.flatMap { $0.ip.unmapped.isV6 == isV6 ? $0 : nil }
    }
}

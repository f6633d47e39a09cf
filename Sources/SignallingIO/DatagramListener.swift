import CLinuxIO
import Glibc
import NIOCore
import NetAddress

/// A UDP socket that is listened on. Datagrams are read through its channel, and sent past it: a channel ends for whatever the kernel has
/// against a single datagram (a port 0, no route, a firewall's word), and anybody can have us answer to such an address.
final class DatagramListener {
    enum Outcome {
        case sent
        /// The kernel has no room now.
        case full
        /// It will never go there.
        case refused(why: String)
    }

    let local: NetAddress.SocketAddress
    let channel: any Channel
    /// Our own name of the channel's socket, which stays ours when the channel is gone.
    private let descriptor: Int32
    private let isV6: Bool
    /// In the order in which they came, until there is room.
    private(set) var waiting: [(bytes: [UInt8], flow: Flow)] = []
    /// What a second of load may have; more is lost, and sent again by its sender's timers.
    private static let mostWaiting = 4_096

    /// Takes over the descriptor.
    init(descriptor: Int32, local: NetAddress.SocketAddress, channel: any Channel) {
        (self.descriptor, self.local, self.channel) = (descriptor, local, channel)
        isV6 = local.ip.isV6
    }

    deinit { linux_io_close(descriptor) }

    func reaches(_ ip: IPAddress) -> Bool { ip.unmapped.isV6 == isV6 }

    func send(_ bytes: [UInt8], over flow: Flow) -> Outcome {
        guard waiting.isEmpty else { return wait(bytes, flow) }
        let outcome = transmit(bytes, over: flow)
        if case .full = outcome { return wait(bytes, flow) }
        return outcome
    }

    /// What waits, as far as there is room; `tell` is told of each that left.
    func retry(_ tell: (Flow, Outcome) -> Void) {
        var count = 0
        for (bytes, flow) in waiting {
            let outcome = transmit(bytes, over: flow)
            if case .full = outcome { break }
            count += 1
            tell(flow, outcome)
        }
        waiting.removeFirst(count)
    }

    private func wait(_ bytes: [UInt8], _ flow: Flow) -> Outcome {
        guard waiting.count < Self.mostWaiting else { return .refused(why: "the socket takes nothing more") }
        waiting.append((bytes, flow))
        return .full
    }

    private func transmit(_ bytes: [UInt8], over flow: Flow) -> Outcome {
        switch put(bytes, over: flow) {
        case 0: return .sent
        case EAGAIN, ENOBUFS, ENOMEM, EINTR: return .full
        case let error: return .refused(why: String(cString: strerror(error)))
        }
    }

    /// An error number; 0: it is sent.
    private func put(_ bytes: [UInt8], over flow: Flow) -> Int32 {
        let family: Int32 = isV6 ? 1 : 0
        var remote = linux_io_address(flow.remote)
        return bytes.withUnsafeBytes { octets in
            if local.ip.isUnspecified, !flow.local.ip.isUnspecified, !flow.leavesFromAnywhere {
                var source = linux_io_address(flow.local)
                let status = linux_io_send_from(
                    descriptor,
                    family,
                    &source,
                    &remote,
                    octets.baseAddress,
                    octets.count
                )
                // An address that has moved to another machine since: from whichever there is.
                guard [EINVAL, EADDRNOTAVAIL, ENETUNREACH].contains(-status) else { return -status }
            }
            return -linux_io_send(descriptor, family, &remote, octets.baseAddress, octets.count)
        }
    }
}

extension linux_io_address {
    init(_ address: NetAddress.SocketAddress) {
        switch address.ip.unmapped {
        case .v4(let bits): self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(bits), port: address.port)
        case .v6(let high, let low): self.init(high: high, low: low, port: address.port)
        }
    }
}

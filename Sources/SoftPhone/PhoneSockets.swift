import CLinuxIO
import Glibc
import Media
import NetAddress

/// The two sockets of the phone, and waiting for either.
final class PhoneSockets {
    struct Fault: Error { var text: String }

    enum Arrival {
        case signalling([UInt8], from: SocketAddress)
        case voice([UInt8], from: SocketAddress)
    }

    let signalling: SocketAddress
    let voice: SocketAddress
    private let descriptors: (signalling: Int32, voice: Int32)
    private let epoll: Int32
    private let inbox: OpaquePointer
    private let isV6: Bool

    /// `port`: of the signalling; 0 takes a free one.
    init(on ip: IPAddress, port: UInt16 = 0) throws(Fault) {
        isV6 = ip.isV6
        let any = WireAddress(SocketAddress(ip, 0))
        let address = linux_io_address(high: any.high, low: any.low, port: 0)
        let own = linux_io_address(high: any.high, low: any.low, port: port)
        descriptors = (
            linux_io_udp_open(own, isV6 ? 1 : 0, 0x60), linux_io_udp_open(address, isV6 ? 1 : 0, 0xB8)
        )
        epoll = linux_io_epoll_make()
        guard descriptors.signalling >= 0, descriptors.voice >= 0, epoll >= 0, let inbox = linux_io_inbox_make() else {
            throw Fault(text: "the phone's sockets cannot be opened on \(ip)")
        }
        self.inbox = inbox
        signalling = SocketAddress(ip, linux_io_port(descriptors.signalling))
        voice = SocketAddress(ip, linux_io_port(descriptors.voice))
        guard linux_io_epoll_add(epoll, descriptors.signalling, 0) == 0,
            linux_io_epoll_add(epoll, descriptors.voice, 1) == 0
        else { throw Fault(text: "the phone's sockets cannot be watched") }
    }

    deinit {
        linux_io_close(descriptors.signalling)
        linux_io_close(descriptors.voice)
        linux_io_close(epoll)
        linux_io_inbox_free(inbox)
    }

    func sendSignalling(_ bytes: [UInt8], to remote: SocketAddress) { send(bytes, descriptors.signalling, remote) }
    func sendVoice(_ bytes: [UInt8], to remote: SocketAddress) { send(bytes, descriptors.voice, remote) }

    private func send(_ bytes: [UInt8], _ descriptor: Int32, _ remote: SocketAddress) {
        let wire = WireAddress(remote)
        var address = linux_io_address(high: wire.high, low: wire.low, port: wire.port)
        // What is lost is repeated by its transaction, or is one packet of voice.
        _ = linux_io_send(descriptor, isV6 ? 1 : 0, &address, bytes, bytes.count)
    }

    /// What comes within so many milliseconds.
    func wait(milliseconds: Int32) -> [Arrival] {
        withUnsafeTemporaryAllocation(of: linux_io_ready.self, capacity: Int(LINUX_IO_READY)) { ready in
            let count = linux_io_epoll_wait(epoll, ready.baseAddress, max(0, milliseconds))
            var arrivals: [Arrival] = []
            for place in 0..<max(0, Int(count)) {
                let isVoice = ready[place].data == 1
                let descriptor = isVoice ? descriptors.voice : descriptors.signalling
                let read = linux_io_receive(descriptor, isV6 ? 1 : 0, inbox)
                guard read > 0, let datagrams = linux_io_inbox_datagrams(inbox) else { continue }
                for index in 0..<Int(read) {
                    let datagram = datagrams[index]
                    let bytes = Array(UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length)))
                    let source = WireAddress(
                        high: datagram.source.high,
                        low: datagram.source.low,
                        port: datagram.source.port
                    ).socketAddress
                    arrivals.append(isVoice ? .voice(bytes, from: source) : .signalling(bytes, from: source))
                }
            }
            return arrivals
        }
    }
}

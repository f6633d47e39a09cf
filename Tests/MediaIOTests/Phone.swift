import Glibc
import RTP

/// A UDP socket on loopback that speaks RTP. It waits for packets a bounded time, and nothing else waits.
final class Phone {
    private let socket: Int32
    let port: UInt16
    var ssrc: UInt32
    var sequence: UInt16 = 1
    var timestamp: UInt32 = 0

    init(ssrc: UInt32, host: UInt32 = 0x7F00_0001) throws {
        self.ssrc = ssrc
        socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = Self.address(host, 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = socket
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, size) | getsockname(fd, $0, &size)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard status == 0 else { throw Fault.cannotBind(errno) }
        wait(milliseconds: 5_000)
    }

    deinit { close(socket) }

    enum Fault: Error { case cannotBind(Int32) }

    /// How long `hear` waits.
    func wait(milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    static func address(_ host: UInt32, _ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = host.bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    func send(_ octets: UnsafeRawBufferPointer, to port: UInt16) {
        var address = Self.address(0x7F00_0001, port)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(socket, octets.baseAddress, octets.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// 20 ms of speech, or what else is given.
    func speak(to port: UInt16, _ payloadType: UInt8 = 8, marker: Bool = false, payload: [UInt8]? = nil) {
        var packet = [UInt8](repeating: 0, count: 12) + (payload ?? [UInt8](repeating: 0xD5, count: 160))
        packet.withUnsafeMutableBytes {
            writeRTPHeader(
                into: $0,
                marker: marker,
                payloadType: payloadType,
                sequence: sequence,
                timestamp: timestamp,
                ssrc: ssrc
            )
        }
        sequence &+= 1
        timestamp &+= 160
        packet.withUnsafeBytes { send($0, to: port) }
    }

    /// The next datagram; nil when none comes in time.
    func hear() -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: 2_048)
        let count = octets.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
        return count < 0 ? nil : Array(octets[..<count])
    }

    /// The next datagram into a buffer that is there already; its length, or less than nothing.
    func hear(into buffer: UnsafeMutableRawBufferPointer) -> Int { recv(socket, buffer.baseAddress, buffer.count, 0) }
}

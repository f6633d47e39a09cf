import Codecs
import Glibc
import Media
import MediaIO
import NetAddress
import RTP

/// Ports of one media thread whose peers are all the same socket on loopback, which nobody reads.
final class ThreadBench {
    private static let loopback = IPAddress.v4(0x7F00_0001)
    private let threads: MediaThreads
    private let peer: Int32
    private var ports: [MediaPort] = []

    init?(ports count: Int) {
        let fd = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var own = Self.address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &own) { own in
            own.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, size) | getsockname(fd, $0, &size) }
        }
        guard fd >= 0, bound == 0,
            let threads = try? MediaThreads(
                threads: 1,
                addresses: OwnAddresses(Self.loopback),
                ports: 20_000...29_999,
                deliver: { _ in }
            )
        else { return nil }
        peer = fd
        self.threads = threads
        let codec = MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000)
        for _ in 0..<count {
            guard let port = try? threads.open(near: nil, isV6: false) else { return nil }
            let remote = SocketAddress(Self.loopback, UInt16(bigEndian: own.sin_port))
            let parameters = MediaParameters(
                remoteRTP: remote,
                remoteRTCP: nil,
                receiveFormats: [codec],
                sendFormats: [codec]
            )
            threads.perform(.configure(port.id, parameters))
            ports.append(port)
        }
    }

    deinit {
        threads.stop()
        close(peer)
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    /// Every port hears the same prompt: the thread's CPU for a second of one caller.
    func prompts(seconds: Int) -> Double {
        let clip = PromptClip(alaw: voice, µlaw: voice)
        for port in ports { threads.perform(.say(port.id, [], loop: clip, token: 0)) }
        return measure(seconds: seconds) { _ in } / Double(ports.count * seconds)
    }

    /// Three ports a call, each of which hears the two others and speaks: the thread's CPU for a second of one call.
    func mixes(seconds: Int) -> Double {
        for call in stride(from: 0, to: ports.count - 2, by: 3) {
            let three = ports[call..<call + 3].map(\.id)
            threads.perform(.mix(three.map { one in MixMember(port: one, hears: three.filter { $0 != one }) }))
        }
        var packet = [UInt8](repeating: 0, count: 172)
        let spent = measure(seconds: seconds) { [ports, peer] number in
            for (index, port) in ports.enumerated() {
                packet.withUnsafeMutableBytes {
                    writeRTPHeader(
                        into: $0,
                        marker: false,
                        payloadType: 8,
                        sequence: UInt16(truncatingIfNeeded: number),
                        timestamp: UInt32(truncatingIfNeeded: number * 160),
                        ssrc: UInt32(index + 1)
                    )
                }
                packet.replaceSubrange(12..., with: frame(number + index * 7))
                var target = Self.address(port.rtpPort)
                withUnsafePointer(to: &target) { target in
                    target.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        _ = sendto(peer, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
            }
        }
        return spent / Double(ports.count / 3 * seconds)
    }

    /// The media thread's CPU while `body` is called every 20 ms, after half a second that is not counted.
    private func measure(seconds: Int, _ body: (Int) -> Void) -> Double {
        let start = monotonicNow()
        var before = 0.0
        for number in 0..<seconds * 50 + 25 {
            if number == 25 { before = cpuSeconds(ofThreads: "gudok-media") }
            body(number)
            pause(until: (number + 1) * 20_000_000, after: start)
        }
        return cpuSeconds(ofThreads: "gudok-media") - before
    }
}

// The media plane alone, to be driven like the plain C relay that it is measured against: N calls of two ports each, bridged;
// no SIP.
//
//   RelayBench IP BASEPORT N > pairs     the calls' port pairs, a line each: "portA portB IP"
//
// One thread, as the C relay has. A signal ends it.

import Glibc
import Media
import MediaIO
import NetAddress

func fail(_ text: String) -> Never {
    let line = Array("RelayBench: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(2)
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let address = IPAddress(arguments[1]), let base = UInt16(arguments[2]),
    let calls = Int(arguments[3]), calls > 0, Int(base) + 4 * calls <= 65_536
else { fail("usage: RelayBench IP BASEPORT N") }

var limit = rlimit()
getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
limit.rlim_cur = limit.rlim_max
setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

/// A bridged call whose peers are on the address itself: the first packet tells their ports.
func open(_ threads: MediaThreads) throws -> (MediaPort, MediaPort) {
    let a = try threads.open(near: nil, isV6: false)
    let b = try threads.open(near: a.id, isV6: false)
    // As the load program sends: what nobody agreed upon is not relayed.
    let codec = MediaFormat(number: 0, encoding: "PCMU", clockRate: 8_000)
    for port in [a, b] {
        let parameters = MediaParameters(
            // The discard port: until the peer speaks, nobody hears.
            remoteRTP: SocketAddress(address, 9),
            remoteRTCP: nil,
            receiveFormats: [codec],
            sendFormats: [codec]
        )
        threads.perform(.configure(port.id, parameters))
    }
    threads.perform(.bridge(a.id, b.id))
    return (a, b)
}

do {
    let last = UInt16(Int(base) + 4 * calls - 1)
    let threads = try MediaThreads(threads: 1, addresses: OwnAddresses(address), ports: base...last) { _ in }
    for _ in 0..<calls {
        let (a, b) = try open(threads)
        print(a.rtpPort, b.rtpPort, address)
    }
    fflush(nil)
    close(STDOUT_FILENO)
    while true { pause() }
} catch {
    fail("\(error)")
}

import NetAddress
import Timebase

/// Peers that take no stream: for a while they are sent datagrams of any length at once, since each attempt holds up a call.
struct StreamlessPeers {
    static let memory: Duration = .seconds(600)
    static let most = 1_000
    private var until: [SocketAddress: Instant] = [:]

    func has(_ peer: SocketAddress, now: Instant) -> Bool { until[peer].map { $0 > now } ?? false }

    mutating func add(_ peer: SocketAddress, now: Instant) {
        if until.count >= Self.most { until = until.filter { $0.value > now } }
        // Whoever has us try more than that within the time costs himself the attempts.
        if until.count >= Self.most { until = [:] }
        until[peer] = now + Self.memory
    }
}

import Synchronization

/// For `/metrics`: what the media threads did, only ever up, but for the ports in use. Written by one thread each, read
/// by any.
public final class MediaCounters: Sendable {
    let relayed = Atomic<UInt64>(0)
    let octets = Atomic<UInt64>(0)
    let lost = Atomic<UInt64>(0)
    let malformed = Atomic<UInt64>(0)
    let foreign = Atomic<UInt64>(0)
    let unagreed = Atomic<UInt64>(0)
    let unsent = Atomic<UInt64>(0)
    let ports = Atomic<Int>(0)
    let portsInUse = Atomic<Int>(0)

    public struct Snapshot: Equatable, Sendable {
        /// Those that we made ourselves among them.
        public var packetsRelayed: UInt64
        /// Of the packets relayed, RTP headers included.
        public var octetsRelayed: UInt64
        /// As the sequence numbers of closed ports tell.
        public var packetsLost: UInt64
        public var packetsMalformed: UInt64
        public var packetsForeign: UInt64
        /// Of payload types that nobody agreed upon.
        public var packetsUnagreed: UInt64
        /// The kernel took them not: full buffers, no route.
        public var packetsUnsent: UInt64
        /// Pairs, in use or not.
        public var ports: Int
        /// Pairs.
        public var portsInUse: Int
    }

    public var snapshot: Snapshot {
        Snapshot(
            packetsRelayed: relayed.load(ordering: .relaxed),
            octetsRelayed: octets.load(ordering: .relaxed),
            packetsLost: lost.load(ordering: .relaxed),
            packetsMalformed: malformed.load(ordering: .relaxed),
            packetsForeign: foreign.load(ordering: .relaxed),
            packetsUnagreed: unagreed.load(ordering: .relaxed),
            packetsUnsent: unsent.load(ordering: .relaxed),
            ports: ports.load(ordering: .relaxed),
            portsInUse: portsInUse.load(ordering: .relaxed)
        )
    }
}

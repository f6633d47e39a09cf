import RTP

/// Packets towards a peer that is sent nothing else, so that the NAT and the firewall before it go on letting the stream through (RFC 6263).
///
/// RTCP on the RTP port, which §5 recommends, is never agreed on here (no `rtcp-mux`), nor is STUN (no ICE). What is left of §4 and is
/// RTP throughout: comfort noise (§4.2, RFC 3389) for a peer that agreed to it, a packet without payload under a number that
/// its description does not name (§4.6) for everybody else, who must ignore it (RFC 3550 §5.1).
struct KeepAlive: Sendable {
    /// Tr of RFC 6263 §7.
    static let interval: Int64 = 15_000_000_000
    /// Octets of the longest one.
    static let longest = 13

    enum Form: Equatable, Sendable {
        case comfortNoise(number: UInt8)
        case unknown(number: UInt8)
    }

    private(set) var form = Form.unknown(number: 127)
    private var quietSince: Int64?
    private var lookedAt: Int64 = 0
    private var packets: UInt64 = 0

    /// `receive` are the formats of our description, `send` those of the peer's.
    mutating func choose(receive: [MediaFormat], send: [MediaFormat]) {
        let noise = send.first { $0.encoding == "CN" && $0.clockRate == 8_000 }
        if let noise, receive.contains(where: { $0.encoding == "CN" && $0.clockRate == 8_000 }) {
            form = .comfortNoise(number: noise.number)
            return
        }
        // Of the dynamic range; a description that names all of it leaves 127, which then means something, yet without payload.
        let free = (UInt8(96)...127).last { number in !send.contains { $0.number == number } }
        form = .unknown(number: free ?? 127)
    }

    /// Asked several times a second with the count of all that was sent, which spares the packets' way a look at the clock: they may
    /// have gone out right after the last look.
    mutating func isDue(sent: UInt64, hasDestination: Bool, now: Int64) -> Bool {
        defer { lookedAt = now }
        guard hasDestination else {
            quietSince = nil
            return false
        }
        guard let since = quietSince, sent == packets else {
            quietSince = quietSince == nil ? now : lookedAt
            packets = sent
            return false
        }
        guard now - since >= Self.interval else { return false }
        quietSince = now
        return true
    }
}

extension OwnVoice {
    /// Of our own source, for its numbers go on with what we speak; not counted as sent, so that no report speaks of it.
    mutating func writeKeepAlive(_ form: KeepAlive.Form, into packet: UnsafeMutableRawBufferPointer) -> Int {
        guard packet.count >= KeepAlive.longest else { return 0 }
        switch form {
        case .comfortNoise(let number):
            writeHeader(into: packet, payloadType: number)
            // -127 dBov, no spectrum (RFC 3389 §3): the quietest there is.
            packet[12] = 127
            return 13
        case .unknown(let number):
            writeHeader(into: packet, payloadType: number)
            return 12
        }
    }
}

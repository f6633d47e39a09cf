import Events
import RTP
import Testing

@testable import Media

@Suite("RTCP read on its way (RFC 3550 §6.4), and the report that comes of it")
struct ControlStateTests {
    private let described = "192.0.2.1:4000"

    /// A sender report whose middle NTP bits are `stamp`.
    private func senderReport(_ stamp: UInt32) -> [UInt8] {
        [0x80, 200, 0, 6] + big(1) + big(stamp >> 16) + big(stamp << 16) + big(0) + big(0) + big(0)
    }

    private func receiverReport(
        lost: Int32,
        fraction: UInt8 = 0,
        jitter: UInt32,
        stamp: UInt32,
        delay: UInt32
    ) -> [UInt8] {
        let losses = UInt32(fraction) << 24 | UInt32(bitPattern: lost) & 0xFF_FFFF
        return [0x81, 201, 0, 7] + big(2) + big(1) + big(losses) + big(0) + big(jitter) + big(stamp) + big(delay)
    }

    private func big(_ word: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }

    private func read(_ packet: [UInt8]) throws -> RTCPPacket {
        try #require(packet.withUnsafeBytes { RTCPPacket($0) })
    }

    @Test func `§6.4.1: the round trip is from the sender report that went to the peer to its answer, less its delay`()
        throws
    {
        var port = port(parameters(described))
        port.noteForwarded(try read(senderReport(0xAABB_CCDD)), now: 10 * second)
        // 70 ms later, of which the peer held it for 20 ms (1311 of 65536).
        let answer = receiverReport(lost: 0, jitter: 0, stamp: 0xAABB_CCDD, delay: 1_311)
        #expect(port.hear(control: answer, from: wire("192.0.2.1:4001"), now: 10 * second + 70_000_000) != nil)
        let roundTrip = try #require(port.report().roundTripMilliseconds)
        #expect(abs(roundTrip - 50) < 0.1)
    }

    @Test(arguments: [
        ("of a report that we did not forward", UInt32(0x1111_1111), UInt32(0)),
        ("without a report", 0, 0), ("held longer than it took", 0xAABB_CCDD, .max),
    ])
    func `no round trip`(name: String, stamp: UInt32, delay: UInt32) throws {
        var port = port(parameters(described))
        port.noteForwarded(try read(senderReport(0xAABB_CCDD)), now: second)
        let answer = receiverReport(lost: 0, jitter: 0, stamp: stamp, delay: delay)
        _ = port.hear(control: answer, from: wire("192.0.2.1:4001"), now: 2 * second)
        #expect(port.report().roundTripMilliseconds == nil, "\(name)")
    }

    @Test func `a stranger's RTCP is refused, and what is no RTCP counted`() {
        var port = port(parameters(described))
        #expect(port.hear(control: senderReport(1), from: wire("198.51.100.9:4001"), now: 0) == nil)
        #expect(port.foreign == 1)
        #expect(port.hear(control: [0x80, 200, 0xFF, 0xFF, 0, 0, 0, 0], from: wire("192.0.2.1:4001"), now: 0) == nil)
        #expect(port.malformed == 1)
    }

    @Test func `RTCP of another port of the peer's host is refused while the peer's own comes`() {
        var port = port(parameters(described))
        #expect(port.hear(control: senderReport(1), from: wire("192.0.2.1:4001"), now: 0) != nil)
        #expect(port.hear(control: senderReport(2), from: wire("192.0.2.1:6666"), now: second) == nil)
        #expect(port.controlDestination == wire("192.0.2.1:4001") && port.foreign == 1)
        // Its NAT has forgotten it.
        #expect(port.hear(control: senderReport(3), from: wire("192.0.2.1:6667"), now: 20 * second) != nil)
        #expect(port.hear(control: senderReport(4), from: wire("192.0.2.1:4001"), now: 21 * second) != nil)
    }

    @Test func `RTCP of a peer whose NAT has moved is taken from its new port at once, and ours leaves the dead one`() {
        var port = port(parameters("10.0.0.5:4000"), isUnreachable: true)
        var peer = Peer("203.0.113.7:61000")
        _ = port.hear(&peer, now: 0)
        #expect(port.hear(control: senderReport(1), from: wire("203.0.113.7:61001"), now: second) != nil)
        peer.address = wire("203.0.113.7:62000")
        #expect(port.hear(&peer, now: 3 * second) == .media && port.news.isRelatched)
        #expect(port.controlDestination == wire("203.0.113.7:62001"))
        #expect(port.hear(control: senderReport(2), from: wire("203.0.113.7:62008"), now: 4 * second) != nil)
        #expect(port.controlDestination == wire("203.0.113.7:62008"))
        // And one port again.
        #expect(port.hear(control: senderReport(3), from: wire("203.0.113.7:6666"), now: 5 * second) == nil)
    }

    @Test func `§6.3.5: whoever still sends RTCP is not silent`() {
        var port = port(parameters(described, timeout: .seconds(5)))
        #expect(port.hear(control: senderReport(1), from: wire("192.0.2.1:4001"), now: 3 * second) != nil)
        #expect(port.overdueSilence(now: 6 * second) == nil)
        #expect(port.overdueSilence(now: 8 * second) == .seconds(5))
    }

    @Test func `RTCP goes to the description, then above the latched port, then to where it was heard from`() {
        var port = port(parameters("10.0.0.5:4000"), isUnreachable: true)
        #expect(port.controlDestination == wire("10.0.0.5:4001"))
        var peer = Peer("203.0.113.7:61000")
        _ = port.hear(&peer, now: 0)
        #expect(port.controlDestination == wire("203.0.113.7:61001"))
        _ = port.hear(control: senderReport(1), from: wire("203.0.113.7:50123"), now: 0)
        #expect(port.controlDestination == wire("203.0.113.7:50123"))
        port.configure(parameters("203.0.113.9:4000"), isUnreachable: false, now: second)
        #expect(port.controlDestination == wire("203.0.113.9:4001"))
    }

    @Test func `the report: both directions, each with its own loss`() throws {
        var port = port(parameters(described))
        var peer = Peer("192.0.2.1:5000")
        for place in 0..<100 where place != 40 {
            peer.sequence = UInt16(place)
            _ = port.hear(&peer, now: Int64(place) * 20_000_000)
        }
        for _ in 0..<100 { port.countSent(172) }
        let heard = receiverReport(lost: 5, jitter: 80, stamp: 0, delay: 0)
        _ = port.hear(control: heard, from: wire("192.0.2.1:5001"), now: 0)
        let report = port.report()
        #expect(report.received.packets == 99 && report.received.lost == 1 && report.received.octets == 99 * 160)
        #expect(report.sent.packets == 100 && report.sent.lost == 5 && report.sent.octets == 100 * 160)
        #expect(report.sent.jitterMilliseconds == 10)
        #expect(report.verdict == .both && report.firstPacketDelayMilliseconds == 0)
        #expect(report.signalledAddress == "192.0.2.1:4000" && report.latchedAddress == "192.0.2.1:5000")
        let (r, sent) = (try #require(report.received.rFactor), try #require(report.sent.rFactor))
        #expect(r > 89 && sent < r)
    }

    @Test func `the report: nothing is said of what nobody told, or what nothing came to tell by`() {
        var port = port(parameters(described))
        for _ in 0..<100 { port.countSent(172) }
        var report = port.report()
        #expect(report.sent.packets == 100 && report.sent.lost == nil && report.sent.jitterMilliseconds == nil)
        #expect(report.received.lost == nil && report.received.jitterMilliseconds == nil)
        let heard = receiverReport(lost: 0, jitter: 0, stamp: 0, delay: 0)
        _ = port.hear(control: heard, from: wire("192.0.2.1:5001"), now: 0)
        report = port.report()
        #expect(report.sent.lost == 0 && report.sent.jitterMilliseconds == 0 && report.sent.duplicates == nil)
    }

    @Test func `the report: of what was sent too, the worst moment that the peer told of`() throws {
        var port = port(parameters(described))
        for _ in 0..<10_000 { port.countSent(172) }
        for (place, fraction) in [UInt8(0), 128, 0].enumerated() {
            let heard = receiverReport(lost: 100, fraction: fraction, jitter: 80, stamp: 0, delay: 0)
            _ = port.hear(control: heard, from: wire("192.0.2.1:4001"), now: Int64(place * 5) * second)
        }
        let sent = port.report().sent
        #expect(try #require(sent.mos) > 4.2)
        #expect(abs(try #require(sent.leastRFactor) - Quality.rFactor(lossPercent: 50, delayMilliseconds: 20)) < 0.01)
    }

    @Test func `the report: a moment of much jitter is worse than one of a lost packet`() throws {
        var port = port(parameters(described))
        for _ in 0..<10_000 { port.countSent(172) }
        // 400 ms without a loss, then none with one in 256.
        for (place, (fraction, jitter)) in [(UInt8(0), UInt32(3_200)), (1, 0)].enumerated() {
            let heard = receiverReport(lost: 1, fraction: fraction, jitter: jitter, stamp: 0, delay: 0)
            _ = port.hear(control: heard, from: wire("192.0.2.1:4001"), now: Int64(place * 5) * second)
        }
        let least = try #require(port.report().sent.leastRFactor)
        #expect(abs(least - Quality.rFactor(lossPercent: 0, delayMilliseconds: 800)) < 0.01, "\(least)")
    }

    @Test(arguments: [(false, false, MediaVerdict.none), (true, false, .receivingOnly), (false, true, .sendingOnly)])
    func `which way voice went`(hears: Bool, sends: Bool, verdict: MediaVerdict) {
        var port = port(parameters(described))
        var peer = Peer(described)
        if hears { _ = port.hear(&peer, now: 0) }
        if sends { port.countSent(172) }
        let report = port.report()
        #expect(report.verdict == verdict)
        #expect(report.sent.mos == nil, "nobody said how it arrived")
    }
}

import RTP
import Testing

@testable import Media

/// What a peer hears of another party before and after it was held (RFC 3550 §6.4.1: lost is what was sent and did not come).
@Suite struct HeldStreamTests {
    /// Passes a packet on; its header as the hearer has it.
    private func pass(_ packet: [UInt8], to relay: inout RelayPort, at now: Int64) -> RTPHeader? {
        var packet = packet
        packet.withUnsafeMutableBytes { relay.pass($0, now: now) }
        return packet.withUnsafeBytes { RTPHeader($0) }
    }

    @Test(arguments: [0, 1, 150, 40_000])
    func `what was held back takes no numbers: the stream goes on under the next, marked`(held: Int) throws {
        var relay = port(parameters("192.0.2.1:4000"))
        var peer = Peer("192.0.2.2:4000")
        var (now, statistics) = (second, StreamStatistics())
        var stamps: [UInt32] = []
        for talk in 0..<2 {
            relay.mode = .bridged(1)
            for place in 0..<10 {
                let sent = peer.timestamp
                let header = try #require(pass(peer.speak(), to: &relay, at: now))
                statistics.receive(header, clockRate: 8_000, at: now)
                stamps.append(header.timestamp &- sent)
                #expect(header.marker == (talk == 1 && place == 0 && held > 0))
                now += 20_000_000
            }
            relay.endRelay()
            for _ in 0..<held {
                _ = peer.speak()
                now += 20_000_000
            }
        }
        #expect(statistics.lost == 0 && statistics.packets == 20 && statistics.duplicates == 0)
        #expect(Set(stamps).count == 1, "the time stamps are the sender's")
        // The sender reads in its own numbers what the hearer says of it: the held packets are none that did not come.
        let highest = UInt32(statistics.highest)
        var report = [UInt8](repeating: 0, count: 32)
        (report[0], report[1], report[3]) = (0x81, 201, 7)
        report.withUnsafeMutableBytes { octets in
            octets.storeBytes(of: peer.ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
            octets.storeBytes(of: highest.bigEndian, toByteOffset: 16, as: UInt32.self)
            relay.restoreNumbers(inReport: octets)
        }
        let told = report.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt32.self).bigEndian }
        #expect(told == highest &+ UInt32(held))
    }

    @Test func `a packet that was overtaken while the bridge was made anew keeps its number`() throws {
        var relay = port(parameters("192.0.2.1:4000"))
        relay.mode = .bridged(1)
        var peer = Peer("192.0.2.2:4000")
        let packets = (0..<4).map { _ in peer.speak() }
        var numbers: [UInt16] = []
        for (place, index) in [0, 2, 1, 3].enumerated() {
            if place == 2 { relay.endRelay() }
            let header = try #require(pass(packets[index], to: &relay, at: second))
            numbers.append(header.sequence &- 100)
        }
        #expect(numbers == [0, 2, 1, 3])
    }

    @Test func `another source after the hold goes on under its own numbers`() throws {
        var relay = port(parameters("192.0.2.1:4000"))
        relay.mode = .bridged(1)
        var (first, other) = (Peer("192.0.2.2:4000"), Peer("192.0.2.3:4000"))
        (other.ssrc, other.sequence) = (0xBEEF, 7_000)
        _ = pass(first.speak(), to: &relay, at: second)
        relay.endRelay()
        #expect(pass(other.speak(), to: &relay, at: 2 * second)?.sequence == 7_000)
    }
}

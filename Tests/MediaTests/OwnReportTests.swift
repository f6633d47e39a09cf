import Events
import NetAddress
import RTP
import Testing

@testable import Media

/// RFC 3550 §6: what a port tells its peer of the stream that it makes itself.
@Suite struct OwnReportTests {
    private static let second: Int64 = 1_000_000_000
    /// What the wall clock said when the port's clock began, since 1900.
    private static let start: Int64 = 3_988_000_000 * second

    private func port() -> RelayPort {
        var port = RelayPort(id: MediaID(rawValue: 1), randomness: 7)
        let pcma = MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000)
        port.configure(
            MediaParameters(
                remoteRTP: SocketAddress(.v4(0x7F00_0001), 4_000),
                remoteRTCP: SocketAddress(.v4(0x7F00_0001), 4_001),
                receiveFormats: [pcma],
                sendFormats: [pcma]
            ),
            isUnreachable: false,
            now: 0
        )
        return port
    }

    private func write(_ port: inout RelayPort, isLast: Bool = false, now: Int64) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: RTCPReport.longest)
        let count = octets.withUnsafeMutableBytes {
            port.writeReport(isLast: isLast, now: now, ntp: Self.start, into: $0)
        }
        return Array(octets[..<count])
    }

    private func speak(_ port: inout RelayPort, frames: Int) {
        let tones = (a: ToneSource(.a), µ: ToneSource(.µ))
        var octets = [UInt8](repeating: 0, count: OwnVoice.longestPacket)
        for _ in 0..<frames {
            _ = octets.withUnsafeMutableBytes { port.voice.writeTone(.ringback, from: tones, into: $0) }
        }
    }

    @Test func `§6.2: reports come every 5 s by lot, the first in half the time`() {
        var port = port()
        var times: [Double] = []
        for tick in 0..<6_000 {
            let now = Self.second + Int64(tick) * 20_000_000
            guard port.reportIsDue(now: now) else { continue }
            times.append(Double(tick) / 50)
            _ = write(&port, now: now)
        }
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect((1.2...3.8).contains(times.first ?? 0))
        #expect(gaps.allSatisfy { (2.5...7.6).contains($0) } && Set(gaps).count > 3)
    }

    @Test func `§6.4.1: a sender report with what was sent, SDES with a CNAME that stays, BYE at the end`() throws {
        var port = port()
        speak(&port, frames: 50)
        let now = 3 * Self.second + Self.second / 2
        let first = write(&port, now: now)
        #expect(first.count == 28 + 36)
        #expect(first[0] == 0x80 && first[1] == 200 && first[3] == 6)
        // The wall clock (3,988,000,003.5 s since 1900), 50 packets, 8,000 octets.
        #expect(Array(first[8..<16]) == [0xED, 0xB4, 0x0D, 0x03, 0x80, 0, 0, 0])
        #expect(Array(first[20..<28]) == [0, 0, 0, 50, 0, 0, 0x1F, 0x40])
        #expect(first[28] == 0x81 && first[29] == 202 && first[36] == 1 && first[37] == 24)
        #expect(first[38..<62].allSatisfy { (48...57).contains($0) || (97...102).contains($0) })
        // Nothing more was sent: a receiver's report.
        let second = write(&port, now: now + 1)
        #expect(second[1] == 201 && second.count == 8 + 36)
        #expect(Array(second[18..<42]) == Array(first[38..<62]))
        let last = write(&port, isLast: true, now: now + 2)
        #expect(last[1] == 200 && last.count == 28 + 36 + 8)
        #expect(Array(last.suffix(8)) == [0x81, 203, 0, 1] + first[4..<8])
        for octets in [first, second, last] {
            let read = octets.withUnsafeBytes { RTCPPacket($0) }
            #expect(read != nil)
        }
    }

    @Test func `§6.4.1, A.3: the block says what came and was lost since the last one, and answers the peer's report`()
        throws
    {
        var port = port()
        let source = WireAddress(SocketAddress(.v4(0x7F00_0001), 4_000))
        func hear(_ numbers: [UInt8]) {
            for number in numbers {
                var packet: [UInt8] =
                    [0x80, 8, 0, number, 0, 0, 0, 0, 9, 9, 9, 9] + [UInt8](repeating: 0xD5, count: 160)
                packet.withUnsafeMutableBytes { _ = port.receive($0, from: source, now: Self.second) }
            }
        }
        hear([1, 2, 4])
        let report: [UInt8] = [0x80, 200, 0, 6, 9, 9, 9, 9, 0, 1, 2, 3, 4, 5, 0, 0] + [UInt8](repeating: 0, count: 12)
        report.withUnsafeBytes { _ = port.receiveControl($0, from: source, now: 2 * Self.second) }
        let octets = write(&port, now: 4 * Self.second)
        let block = try #require(octets.withUnsafeBytes { RTCPPacket($0)?.block })
        #expect(block.ssrc == 0x0909_0909 && block.fractionLost == 64 && block.cumulativeLost == 1)
        #expect(block.highestSequence == 4)
        #expect(block.lastSenderReport == 0x0203_0405 && block.delaySinceLast == 2 * 65_536)
        hear([5, 6])
        let next = write(&port, now: 5 * Self.second)
        let clean = try #require(next.withUnsafeBytes { RTCPPacket($0)?.block })
        #expect(clean.fractionLost == 0 && clean.cumulativeLost == 1)
    }

    @Test func `a peer that wants nothing is told nothing`() {
        var port = RelayPort(id: MediaID(rawValue: 1), randomness: 7)
        #expect(write(&port, now: Self.second).isEmpty)
        let owes = port.owesFarewell
        #expect(!owes)
    }
}

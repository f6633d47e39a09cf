import NetAddress
import RTP
import Testing

@testable import Media

/// RFC 6263: a peer that is sent nothing gets something all the same.
@Suite struct KeepAliveTests {
    private let noise = MediaFormat(number: 13, encoding: "CN", clockRate: 8_000)

    /// Looks as often as the thread does; seconds at which something was due.
    private func dues(
        _ port: inout RelayPort,
        from: Double = 0,
        to: Double,
        sendingAt times: [Double] = []
    )
        -> [Double]
    {
        var dues: [Double] = []
        for look in Int(from * 4)...Int(to * 4) {
            let time = Double(look) / 4
            if port.keepAliveIsDue(now: Int64(time * 1e9)) != nil { dues.append(time) }
            // Right after the look: what the clock knows of it least.
            if times.contains(time) { port.countSent(172) }
        }
        return dues
    }

    private func write(_ port: inout RelayPort) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: RelayPort.longestKeepAlive)
        let count = octets.withUnsafeMutableBytes { port.writeKeepAlive(into: $0) }
        return Array(octets[..<count])
    }

    @Test func `§7: every 15 s, and no longer after the last packet`() {
        var silent = port(parameters("10.0.0.1:4000"))
        #expect(dues(&silent, to: 60) == [15, 30, 45, 60])
        var spoken = port(parameters("10.0.0.1:4000"))
        #expect(dues(&spoken, to: 40, sendingAt: [0, 10, 20]) == [35])
    }

    @Test func `a peer that is sent packets gets nothing else`() {
        var port = port(parameters("10.0.0.1:4000"))
        #expect(dues(&port, to: 120, sendingAt: (0...12).map { Double($0) * 10 }).isEmpty)
    }

    @Test func `nobody is sent anything before an address is known, and then not at once`() {
        var port = port()
        #expect(dues(&port, to: 60).isEmpty)
        port.configure(parameters("10.0.0.1:4000"), isUnreachable: false, now: 60 * second)
        #expect(dues(&port, from: 60.25, to: 80) == [75.25])
    }

    @Test func `§3: a peer that holds keeps its way, where it was heard from`() {
        var holding = parameters("10.0.0.1:4000")
        var port = port(holding)
        var peer = Peer("10.0.0.1:6000")
        #expect(port.hear(&peer, now: 0) == .media)
        (holding.sendsToPeer, holding.receivesFromPeer) = (false, false)
        port.configure(holding, isUnreachable: false, now: 0)
        #expect(port.destination == nil)
        _ = port.keepAliveIsDue(now: 0)
        #expect(port.keepAliveIsDue(now: 15 * second) == wire("10.0.0.1:6000"))
    }

    @Test func `§4.2: comfort noise where both sides named it`() throws {
        var agreed = port(parameters("10.0.0.1:4000", receive: [pcma, noise], send: [pcma, noise]))
        let packet = write(&agreed)
        let header = try #require(packet.withUnsafeBytes { RTPHeader($0) })
        #expect(header.payloadType == 13 && header.payloadLength == 1 && packet.last == 127)
        var offered = port(parameters("10.0.0.1:4000", receive: [pcma], send: [pcma, noise]))
        #expect(try #require(write(&offered).withUnsafeBytes { RTPHeader($0) }).payloadType == 127)
    }

    @Test func `§4.6: else no payload, under a number that the peer has not named, of one source`() throws {
        let opus = MediaFormat(number: 127, encoding: "OPUS", clockRate: 48_000)
        var port = port(parameters("10.0.0.1:4000", send: [opus, pcma, keys(126)]))
        let headers = try (0..<3).map { _ in try #require(write(&port).withUnsafeBytes { RTPHeader($0) }) }
        #expect(headers.allSatisfy { $0.payloadType == 125 && $0.payloadLength == 0 && !$0.marker })
        #expect(Set(headers.map(\.ssrc)).count == 1)
        #expect(headers.map { $0.sequence &- headers[0].sequence } == [0, 1, 2])
    }

    @Test func `a description that names every number leaves one all the same`() throws {
        let all = (UInt8(0)...127).map { MediaFormat(number: $0, encoding: "X", clockRate: 8_000) }
        var port = port(parameters("10.0.0.1:4000", send: all))
        #expect(try #require(write(&port).withUnsafeBytes { RTPHeader($0) }).payloadType == 127)
    }

    @Test func `no statistics, no verdict and no report knows of it`() {
        var port = port(parameters("10.0.0.1:4000"))
        _ = dues(&port, to: 20)
        _ = write(&port)
        let report = port.report()
        #expect(report.sent.packets == 0 && report.verdict == .none)
        let owes = port.owesFarewell
        #expect(!owes)
    }
}

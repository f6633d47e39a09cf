import Testing

@testable import Media

@Suite("Whose packets are the peer's (RFC 4961; RTP bleed)")
struct LatchTests {
    private let described = "192.0.2.1:4000"

    @Test func `before any packet, ours go to the description`() {
        let port = port(parameters(described))
        #expect(port.destination == wire(described))
        #expect(!port.latch.isLatched)
    }

    @Test func `without a description nothing is accepted and nothing goes anywhere`() {
        var port = port()
        var peer = Peer(described)
        #expect(port.hear(&peer, now: 0) == .foreign)
        #expect(port.destination == nil && port.foreign == 1)
    }

    @Test(arguments: [Int64(0), 3, 60])
    func `the described host decides from any port, at any time`(seconds: Int64) {
        var port = port(parameters(described))
        var peer = Peer("192.0.2.1:50000")
        #expect(port.hear(&peer, now: seconds * second) == .media)
        #expect(port.destination == peer.address)
        #expect(port.news.hasFirstPacket && port.firstPacketDelay == seconds * second)
    }

    @Test func `another host decides only while the description is young`() {
        var young = port(parameters(described))
        var peer = Peer("198.51.100.9:4000")
        #expect(young.hear(&peer, now: Latch.learning - 1) == .media)
        #expect(young.destination == peer.address)
        var old = port(parameters(described))
        #expect(old.hear(&peer, now: Latch.learning) == .foreign)
        #expect(old.destination == wire(described))
    }

    @Test func `a latched stream cannot be stolen: strangers are refused and counted, silence or not`() {
        var port = port(parameters(described))
        var (peer, thief) = (Peer(described), Peer("198.51.100.9:4000"))
        (thief.ssrc, thief.sequence) = (peer.ssrc, peer.sequence + 1)
        #expect(port.hear(&peer, now: 0) == .media)
        for at in [1, 4 * second, 60 * second] { #expect(port.hear(&thief, now: at) == .foreign) }
        #expect(port.destination == peer.address && port.foreign == 3)
        #expect(port.received.packets == 1, "a stranger's packets are in no statistics")
    }

    @Test func `the described host takes its stream back from one who was quicker`() {
        for at in [second, 60 * second] {
            var port = port(parameters(described))
            var (thief, peer) = (Peer("198.51.100.9:4000"), Peer(described))
            #expect(port.hear(&thief, now: 0) == .media)
            #expect(port.hear(&peer, now: at) == .media)
            #expect(port.destination == peer.address && port.news.isRelatched)
            #expect(port.hear(&thief, now: at + 1) == .foreign)
        }
    }

    @Test func `the described port takes its stream back from another port of its host`() {
        var port = port(parameters(described))
        var (thief, peer) = (Peer("192.0.2.1:50000"), Peer(described))
        #expect(port.hear(&thief, now: 0) == .media)
        #expect(port.hear(&peer, now: second) == .media)
        #expect(port.destination == peer.address && port.news.isRelatched)
        #expect(port.hear(&thief, now: second + 1) == .foreign)
    }

    @Test func `the described host waits while another's old stream goes on`() {
        var port = port(parameters(described))
        var (other, peer) = (Peer("198.51.100.9:4000"), Peer(described))
        _ = port.hear(&other, now: 0)
        _ = port.hear(&other, now: 9 * second)
        #expect(port.hear(&peer, now: 10 * second) == .foreign)
    }

    @Test func `a private address written from a public place: whoever comes first, whenever`() {
        var port = port(parameters("10.0.0.5:4000"), isUnreachable: true)
        var (peer, thief) = (Peer("203.0.113.7:61000"), Peer("198.51.100.9:4000"))
        #expect(port.hear(&peer, now: 30 * second) == .media)
        #expect(port.hear(&thief, now: 31 * second) == .foreign)
    }

    @Test(arguments: [
        (
            name: "after 2 s, the same source goes on", silence: 2.1, from: "192.0.2.1:4999", ssrc: true, gap: 100,
            moves: true
        ),
        (name: "before", silence: 1.9, from: "192.0.2.1:4999", ssrc: true, gap: 95, moves: false),
        (name: "another source", silence: 3, from: "192.0.2.1:4999", ssrc: false, gap: 100, moves: false),
        (name: "another host", silence: 3, from: "192.0.2.2:4000", ssrc: true, gap: 100, moves: false),
        (name: "numbers that go back", silence: 3, from: "192.0.2.1:4999", ssrc: true, gap: -10, moves: false),
        (name: "numbers far on", silence: 3, from: "192.0.2.1:4999", ssrc: true, gap: 5_000, moves: false),
    ])
    func `a NAT that forgot its mapping`(
        _ row: (name: String, silence: Double, from: String, ssrc: Bool, gap: Int, moves: Bool)
    ) {
        var port = port(parameters(described))
        var peer = Peer(described)
        _ = port.hear(&peer, now: 10 * second)
        port.news = RelayPort.News()
        var moved = peer
        moved.address = wire(row.from)
        moved.ssrc = row.ssrc ? peer.ssrc : 1
        moved.sequence = UInt16(truncatingIfNeeded: Int(peer.sequence) + row.gap)
        let at = 10 * second + Int64(row.silence * 1e9)
        #expect(port.hear(&moved, now: at) == (row.moves ? .media : .foreign), "\(row.name)")
        #expect(port.news.isRelatched == row.moves, "\(row.name)")
        #expect(port.destination == (row.moves ? moved.address : peer.address), "\(row.name)")
    }

    /// The peer describes itself once more; the port hears its old stream to the end, and then the new one.
    private func renew(_ port: inout RelayPort, _ remote: String, at now: Int64, isUnreachable: Bool = false) {
        var next = parameters(remote)
        next.descriptions = port.parameters.descriptions + 1
        port.configure(next, isUnreachable: isUnreachable, now: now)
    }

    @Test func `RFC 3264 §8.3.1: who moves by a new description sends his old stream until he has our answer`() {
        // Behind a NAT, which gives the new stream another port.
        var port = port(parameters("10.0.0.5:4000"), isUnreachable: true)
        var (old, new) = (Peer("203.0.113.7:61000"), Peer("203.0.113.7:61002"))
        new.ssrc = 0xBEEF
        for frame in 0..<300 { #expect(port.hear(&old, now: Int64(frame) * second / 50) == .media) }
        renew(&port, "10.0.0.5:4002", at: 6 * second, isUnreachable: true)
        for frame in 0..<10 { #expect(port.hear(&old, now: 6 * second + Int64(frame) * second / 50) == .media) }
        let end = 6 * second + 9 * second / 50
        #expect(port.hear(&new, now: end + second / 50) == .foreign, "while the old one goes on nobody takes its place")
        #expect(port.hear(&new, now: end + Latch.pause + 1) == .media)
        #expect(port.destination == new.address)
        #expect(port.hear(&old, now: end + second) == .foreign)
    }

    @Test func `who moves to another host by a new description is heard when his old stream has been silent`() {
        var port = port(parameters("10.0.0.5:4000"), isUnreachable: true)
        var (old, new) = (Peer("203.0.113.7:61000"), Peer("198.51.100.9:4000"))
        new.ssrc = 0xBEEF
        _ = port.hear(&old, now: 9 * second)
        renew(&port, "10.0.0.5:4002", at: 9 * second, isUnreachable: true)
        _ = port.hear(&old, now: 9 * second + 1)
        #expect(port.hear(&new, now: 10 * second) == .foreign)
        #expect(port.hear(&new, now: 9 * second + Latch.silence + 2) == .media)
    }

    @Test(arguments: [
        (name: "his host", from: "192.0.2.1:50002", after: 1, moves: true),
        (name: "another host", from: "192.0.2.2:50002", after: 1, moves: false),
        (name: "too late", from: "192.0.2.1:50002", after: 6, moves: false),
    ])
    func `who describes himself anew after a hold may begin his stream anew, with another source`(
        _ row: (name: String, from: String, after: Int, moves: Bool)
    ) {
        var port = port(parameters(described))
        var (peer, new) = (Peer("192.0.2.1:50000"), Peer(row.from))
        new.ssrc = 0xBEEF
        _ = port.hear(&peer, now: 0)
        renew(&port, described, at: 10 * second)
        #expect(port.destination == peer.address)
        #expect(port.hear(&new, now: Int64(10 + row.after) * second) == (row.moves ? .media : .foreign), "\(row.name)")
        #expect(port.destination == (row.moves ? new.address : peer.address), "\(row.name)")
    }

    @Test func `a description with another address opens learning anew; the same one configured again does not`() {
        var port = port(parameters(described))
        var peer = Peer("192.0.2.1:50000")
        _ = port.hear(&peer, now: 0)
        port.configure(parameters(described), isUnreachable: false, now: 20 * second)
        #expect(port.destination == peer.address)
        port.configure(parameters("203.0.113.3:7000"), isUnreachable: false, now: 30 * second)
        #expect(port.destination == wire("203.0.113.3:7000"))
        var moved = Peer("203.0.113.3:7002")
        #expect(port.hear(&moved, now: 31 * second) == .media)
        #expect(port.news.isRelatched && port.destination == moved.address)
        #expect(port.hear(&peer, now: 32 * second) == .foreign, "the old address is a stranger's now")
    }

    @Test func `IPv4 and IPv6 hosts compare as they are written on the wire`() {
        #expect(wire("192.0.2.1:5") == wire("[::ffff:192.0.2.1]:5"))
        #expect(wire("[2001:db8::1]:5").socketAddress == socket("[2001:db8::1]:5"))
        #expect(wire("192.0.2.1:5").socketAddress == socket("192.0.2.1:5"))
        #expect(!wire("[2001:db8::1]:5").isSameHost(as: wire("[2001:db8::2]:5")))
    }
}

import Foundation
import NIOCore
import NIOPosix
import NetAddress
import SIPMessage
import Synchronization
import Testing

@testable import SignallingIO

/// What is sent in the middle of a decision fails after it: an engine that was told at once would go through the same decision again.
@Suite("Sockets tell in turns of their own")
struct TurnTests {
    private static let loopback = IPAddress("127.0.0.1")

    /// Runs on the sockets' loop until the receiver has heard `count` things; what it heard, and how often while it sent.
    private func hear(
        _ count: Int,
        limits: SignallingLimits = SignallingLimits(),
        _ body: @escaping @Sendable (Desk) -> Void
    ) async throws -> (news: [String], interruptions: Int) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let (sockets, desk) = try await loop.submit {
            let desk = Desk()
            let sockets = SignallingSockets(loop: loop, receiver: desk, limits: limits)
            desk.sockets = sockets
            body(desk)
            return (NIOLoopBound(sockets, eventLoop: loop), NIOLoopBound(desk, eventLoop: loop))
        }.get()
        let deadline = ContinuousClock.now + .seconds(10)
        while try await loop.submit({ desk.value.news.count }).get() < count, ContinuousClock.now < deadline {
            await Task.yield()
        }
        let heard = try await loop.submit { (desk.value.news, desk.value.interruptions) }.get()
        try await loop.flatSubmit { sockets.value.close() }.get()
        try await group.shutdownGracefully()
        return heard
    }

    @Test func `a datagram for which there is no listener, as after the last has closed`() async throws {
        let flow = Flow(
            transport: .udp,
            local: SocketAddress(try #require(Self.loopback), 5060),
            remote: SocketAddress(try #require(Self.loopback), 5061)
        )
        let heard = try await hear(1) { desk in desk.send([1], over: flow) }
        #expect(heard.news == ["failed: no UDP listener of this address family"])
        #expect(heard.interruptions == 0)
    }

    @Test(arguments: [("127.0.0.1", 0), ("255.255.255.255", 9), ("203.0.113.9", 9)])
    func `a datagram that the kernel does not take ends no listener`(host: String, port: UInt16) async throws {
        let remote = SocketAddress(try #require(IPAddress(host)), port)
        let heard = try await Desk.listening(.udp) { desk, local, _ in
            desk.send([1], over: Flow(transport: .udp, local: local, remote: remote))
            desk.send([1], over: Flow(transport: .udp, local: local, remote: local))
        } until: {
            $0.contains("message") && $0.count > 1
        }.news
        #expect(heard.count == 2 && heard.contains { $0.hasPrefix("failed: ") }, "\(heard)")
    }

    @Test func `a listener that ends of itself is opened anew`() async throws {
        let heard = try await Desk.listening(.udp) { _, local, sockets in
            sockets.datagramListeners[local]?.channel.close(promise: nil)
        } until: {
            $0.contains("back")
        }.news
        #expect(heard == ["ended", "back"])
    }

    @Test func `a stream whose peer does not read`() async throws {
        let flow = Flow(
            transport: .tcp,
            local: SocketAddress(try #require(Self.loopback), 5060),
            remote: SocketAddress(try #require(Self.loopback), 9)
        )
        var limits = SignallingLimits()
        limits.unsentOctets = 10
        let heard = try await hear(2, limits: limits) { desk in
            desk.send(Array(repeating: 1, count: 11), over: flow)
        }
        #expect(heard.news == ["closed", "failed: the peer does not read"])
        #expect(heard.interruptions == 0)
    }

    @Test func `a transport that is not built`() async throws {
        let flow = Flow(
            transport: .tls,
            local: SocketAddress(try #require(Self.loopback), 5060),
            remote: SocketAddress(try #require(Self.loopback), 5061)
        )
        let heard = try await hear(1) { desk in desk.send([1], over: flow) }
        #expect(heard.news == ["failed: tls is not built yet"])
        #expect(heard.interruptions == 0)
    }

    @Test func `RFC 3261 18.2.2: where the connection has ended a new one leads to the peer's own port`() async throws {
        let listener = try ListeningPeer()
        let ip = try #require(Self.loopback)
        var flow = Flow(transport: .tcp, local: SocketAddress(ip, 5060), remote: SocketAddress(ip, 9), connection: 77)
        flow.returnPort = listener.port
        let answered = flow
        // It reads the answer and hangs up; nobody is at port 9.
        let heard = try await hear(1) { desk in desk.send(Array("answer".utf8), over: answered) }
        #expect(heard.news == ["closed"])
        #expect(listener.heard.withLock { $0 } == Array("answer".utf8))
    }

    @Test func `a stream whose peer says one thing more and is gone while it is answered`() async throws {
        let story = try await Desk.listening(.tcp) { desk, local, _ in
            let peer = try LeavingPeer(to: local.port)
            desk.meanwhile = { peer.sayAndLeave() }
            peer.say()
        } until: {
            $0.contains("closed")
        }
        #expect(story.news.starts(with: ["message", "message"]) && story.news.contains("closed"), "\(story.news)")
        #expect(story.interruptions == 0)
    }
}

/// A TCP peer that goes without a farewell.
final class LeavingPeer: Sendable {
    private struct Refused: Error {}

    static let request = Array(
        "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n".utf8
    )
    private let descriptor: Int32

    init(to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let made = descriptor
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Refused() }
    }

    func say(_ octets: [UInt8] = request) { _ = send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL)) }

    func sayAndLeave() {
        say()
        // Closing resets: what we write next fails at once.
        var reset = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
    }
}

import NIOCore
import NetAddress
import SIPMessage
import Synchronization
import Testing

@testable import SignallingIO

@Suite("Streams that nothing goes over, or that never opened")
struct StreamTests {
    @Test(arguments: [0, 2])
    func `a quiet stream is closed as soon as nobody is to be reached by it`(needs: Int) async throws {
        var limits = SignallingLimits()
        limits.idle = .milliseconds(50)
        let peer = Mutex<LeavingPeer?>(nil)
        let story = try await Desk.listening(.tcp, limits: limits) { desk, local, _ in
            desk.needs = needs
            let quiet = try LeavingPeer(to: local.port)
            peer.withLock { $0 = quiet }
        } until: {
            $0.contains("closed")
        }
        #expect(story.news == Array(repeating: "asked", count: needs + 1) + ["closed"])
    }

    @Test func `a stream of ours begins at the address that its listener is bound to`() async throws {
        let story = try await Desk.listening(.tcp, at: "127.0.0.3") { desk, local, _ in
            desk.send(LeavingPeer.request, over: Flow(transport: .tcp, local: local, remote: local))
        } until: {
            $0.contains("message")
        }
        // The kernel would have it begin at 127.0.0.1.
        #expect(story.flows.map { "\($0.remote.ip)" } == ["127.0.0.3"])
    }

    @Test(arguments: [(1, 9, ConnectionBound.ofOneAddress(1)), (9, 1, .ofAll(1))])
    func `a connection too many is closed and told of`(own: Int, all: Int, bound: ConnectionBound) async throws {
        var limits = SignallingLimits()
        (limits.connectionsOfOneAddress, limits.connections) = (own, all)
        let peers = Mutex<[LeavingPeer]>([])
        let story = try await Desk.listening(.tcp, limits: limits) { _, local, _ in
            let two = [try LeavingPeer(to: local.port), try LeavingPeer(to: local.port)]
            peers.withLock { $0 = two }
        } until: {
            !$0.isEmpty
        }
        #expect(story.news == ["refused: \(bound)"])
    }

    @Test func `RFC 5626 §4.4.1: keep-alives that come together are answered together`() async throws {
        var limits = SignallingLimits()
        limits.unsentOctets = 10
        let peer = Mutex<LeavingPeer?>(nil)
        let story = try await Desk.listening(.tcp, limits: limits) { _, local, _ in
            let pinging = try LeavingPeer(to: local.port)
            pinging.say(Array(repeating: [13, 10], count: 500).flatMap { $0 } + LeavingPeer.request)
            peer.withLock { $0 = pinging }
        } until: {
            !$0.isEmpty
        }
        #expect(story.news == ["message"])
    }

    @Test func `a stream that sends nothing but keep-alives, and those without end, is closed`() async throws {
        var limits = SignallingLimits()
        limits.keepAlives = 10
        let peer = Mutex<LeavingPeer?>(nil)
        let story = try await Desk.listening(.tcp, limits: limits) { _, local, _ in
            let pinging = try LeavingPeer(to: local.port)
            pinging.say(Array(repeating: [13, 10, 13, 10], count: 11).flatMap { $0 })
            peer.withLock { $0 = pinging }
        } until: {
            $0.contains("closed")
        }
        #expect(story.news == ["refused: \(ConnectionBound.ofKeepAlives(10))", "closed"])
    }

    @Test func `a peer that is not there is said in the system's words`() async throws {
        let story = try await Desk.listening(.tcp) { desk, local, sockets in
            // Nobody listens at the other address.
            let remote = NetAddress.SocketAddress(try #require(IPAddress("127.0.0.9")), local.port)
            desk.send([1], over: Flow(transport: .tcp, local: local, remote: remote))
        } until: {
            $0.contains { $0.hasPrefix("failed") }
        }
        #expect(story.news.contains("failed: Connection refused"), "\(story.news)")
    }

    @Test func `a stream that failed before it was open is closed when it opens`() async throws {
        let peer = try ListeningPeer()
        var limits = SignallingLimits()
        limits.unsentOctets = 10
        let story = try await Desk.listening(.udp, limits: limits) { desk, local, _ in
            let remote = NetAddress.SocketAddress(local.ip, peer.port)
            desk.send(Array(repeating: 1, count: 11), over: Flow(transport: .tcp, local: local, remote: remote))
        } until: { _ in
            peer.isOver.withLock { $0 }
        }
        #expect(story.news == ["closed", "failed: the peer does not read"])
        #expect(peer.isOver.withLock { $0 } && peer.heard.withLock { $0.isEmpty })
    }
}

import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NetAddress
import SIPMessage
import Testing

@testable import SignallingIO

/// An engine that sends, and is told what became of it.
private final class Desk: SignallingReceiver {
    private(set) var news: [String] = []
    private(set) var isSending = false
    private(set) var interruptions = 0
    weak var sockets: SignallingSockets?

    func send(_ bytes: [UInt8], over flow: Flow) {
        isSending = true
        sockets?.send(bytes, over: flow)
        sockets?.flush()
        isSending = false
    }

    func received(_ bytes: [UInt8], over flow: Flow) { note("message") }
    func received(_ outcome: ParseOutcome, bytes: [UInt8], over flow: Flow) { note("message") }
    func connectionClosed(_ flow: Flow) { note("closed") }
    func transportFailed(_ flow: Flow, why: String) { note("failed: \(why)") }

    private func note(_ text: String) {
        news.append(text)
        interruptions += isSending ? 1 : 0
    }
}

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
}

import Foundation
import NIOCore
import NIOPosix
import NetAddress
import SIPMessage
import Synchronization
import Testing

@testable import SignallingIO

/// An engine that sends, and is told what became of it.
final class Desk: SignallingReceiver {
    private(set) var news: [String] = []
    /// By which way datagrams came.
    private(set) var flows: [Flow] = []
    private(set) var isSending = false
    private(set) var interruptions = 0
    /// How often it says that it needs a stream.
    var needs = 0
    weak var sockets: SignallingSockets?
    /// What happens in the world while the first message is read.
    var meanwhile: (() -> Void)?
    /// What it does upon the first datagram.
    var upon: ((Flow) -> Void)?

    func send(_ bytes: [UInt8], over flow: Flow) {
        isSending = true
        sockets?.send(bytes, over: flow)
        isSending = false
        sockets?.flush()
    }

    func received(_ bytes: [UInt8], over flow: Flow) {
        flows.append(flow)
        note("message")
        let first = upon
        upon = nil
        first?(flow)
    }
    func received(_ outcome: ParseOutcome, bytes: [UInt8], over flow: Flow) {
        flows.append(flow)
        note("message")
        guard let happening = meanwhile else { return }
        meanwhile = nil
        happening()
        send([1], over: flow)
    }
    func connectionClosed(_ flow: Flow) { note("closed") }
    func listenerEnded(_ transport: Transport, _ address: NetAddress.SocketAddress) { note("ended") }
    func listenerIsBack(_ transport: Transport, _ address: NetAddress.SocketAddress) { note("back") }
    func transportFailed(_ flow: Flow, why: String) { note("failed: \(why)") }
    func returned(_ quote: [UInt8], over flow: Flow, why: String) {
        note("\(String(decoding: quote, as: UTF8.self)) to \(flow.remote) came back: \(why)")
    }
    func connectionCut(_ remote: NetAddress.SocketAddress, _ bound: ConnectionBound) { note("refused: \(bound)") }
    func needs(_ flow: Flow) -> Bool {
        note("asked")
        needs -= 1
        return needs >= 0
    }

    func note(_ text: String) {
        news.append(text)
        interruptions += isSending ? 1 : 0
    }
}

extension Desk {
    /// What a desk went through.
    struct Story {
        var news: [String]
        var interruptions: Int
        var flows: [Flow]
    }

    /// Runs beside a listener until the desk has heard what it is to; what it heard, and how often while it sent.
    static func listening(
        _ transport: Transport,
        at host: String = "127.0.0.1",
        limits: SignallingLimits = SignallingLimits(),
        _ body: @escaping @Sendable (Desk, NetAddress.SocketAddress, SignallingSockets) throws -> Void,
        until condition: @escaping @Sendable ([String]) -> Bool
    ) async throws -> Story {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let place = SocketAddress(try #require(IPAddress(host)), 0)
        let (sockets, desk) = try await loop.submit {
            let desk = Desk()
            let sockets = SignallingSockets(loop: loop, receiver: desk, limits: limits)
            desk.sockets = sockets
            return (NIOLoopBound(sockets, eventLoop: loop), NIOLoopBound(desk, eventLoop: loop))
        }.get()
        let local = try await loop.flatSubmit { sockets.value.listen(transport, on: place) }.get()
        try await loop.submit { try body(desk.value, local, sockets.value) }.get()
        let deadline = ContinuousClock.now + .seconds(10)
        while try await loop.submit({ !condition(desk.value.news) }).get(), ContinuousClock.now < deadline {
            await Task.yield()
        }
        let story = try await loop.submit {
            Story(news: desk.value.news, interruptions: desk.value.interruptions, flows: desk.value.flows)
        }.get()
        try await loop.flatSubmit { sockets.value.close() }.get()
        try await group.shutdownGracefully()
        return story
    }
}

/// A TCP peer that takes one connection, reads once, and hangs up.
final class ListeningPeer: Sendable {
    private struct Refused: Error {}

    let port: UInt16
    let heard = Mutex<[UInt8]>([])
    /// It has read, be it nothing because the other end closed.
    let isOver = Mutex(false)

    init() throws {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(made, $0, length) == 0 && listen(made, 1) == 0 ? getsockname(made, $0, &length) : -1
            }
        }
        guard status == 0 else { throw Refused() }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            let connection = accept(made, nil, nil)
            var octets = [UInt8](repeating: 0, count: 100)
            let count = recv(connection, &octets, octets.count, 0)
            heard.withLock { $0 = Array(octets.prefix(max(0, count))) }
            close(connection)
            close(made)
            isOver.withLock { $0 = true }
        }
    }
}

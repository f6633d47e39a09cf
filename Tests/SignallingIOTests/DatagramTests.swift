import NIOCore
import NetAddress
import SIPMessage
import Testing

@testable import SignallingIO

@Suite("Where datagrams leave from")
struct DatagramTests {
    @Test(arguments: [("0.0.0.0", "127.0.0.2"), ("::", "::1")])
    func `RFC 3581 4: on any address, what answers leaves from the one that was asked`(
        host: String,
        other: String
    ) async throws {
        let asked = try #require(IPAddress(other))
        let story = try await Desk.listening(.udp, at: host) { desk, local, _ in
            desk.upon = { [unowned desk] flow in desk.send([2], over: flow) }
            var flow = Flow(
                transport: .udp,
                local: local,
                remote: NetAddress.SocketAddress(asked, local.port)
            )
            flow.leavesFromAnywhere = true
            desk.send([1], over: flow)
        } until: {
            $0.count > 1
        }
        #expect(story.news == ["message", "message"])
        #expect(story.flows.first?.local.ip == asked && story.flows.last?.remote.ip == asked, "\(story.flows)")
    }

    @Test(arguments: [Transport.udp, .tcp])
    func `0.0.0.0 and :: may have one port, each for its family`(transport: Transport) async throws {
        let (any4, any6) = (try #require(IPAddress("0.0.0.0")), try #require(IPAddress("::")))
        let story = try await Desk.listening(transport, at: "::") { desk, local, sockets in
            let place = NetAddress.SocketAddress(any4, local.port)
            let bound = NIOLoopBound(desk, eventLoop: sockets.loop)
            sockets.listen(transport, on: place).whenComplete { bound.value.note("\($0)") }
            sockets.listen(transport, on: NetAddress.SocketAddress(any6, local.port)).whenComplete { result in
                if case .failure = result { bound.value.note("taken") }
            }
        } until: {
            $0.count > 1
        }
        let isOpen = story.news.contains { $0.contains("success(0.0.0.0:") }
        #expect(isOpen && story.news.contains("taken"), "\(story.news)")
    }

    @Test func `an address that this machine has no more gives way to another`() async throws {
        let gone = try #require(IPAddress("192.0.2.77"))
        let loopback = try #require(IPAddress("127.0.0.1"))
        let story = try await Desk.listening(.udp, at: "0.0.0.0") { desk, local, _ in
            desk.send(
                [1],
                over: Flow(
                    transport: .udp,
                    local: NetAddress.SocketAddress(gone, local.port),
                    remote: NetAddress.SocketAddress(loopback, local.port)
                )
            )
        } until: {
            !$0.isEmpty
        }
        #expect(story.news == ["message"])
    }
}

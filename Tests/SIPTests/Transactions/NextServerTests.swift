import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

/// A request that goes on to the next server of a peer.
@Suite("RFC 3263 §4.3: the next server") struct NextServerTests {
    private static let first = TransactionBench.flow(port: 5081)
    private static let second = TransactionBench.flow(port: 5082)

    private func request(_ method: String) -> SIPRequest { TransactionBench.plain(method, branch: "z9hG4bKours") }

    /// What went out, and where to.
    private func sent(_ bench: TransactionBench) -> [String] {
        bench.actions.compactMap { action in
            guard case .transmit(let bytes, let flow) = action else { return nil }
            return String(decoding: bytes, as: UTF8.self).prefix { $0 != " " } + " \(flow.remote.port)"
        }
    }

    /// An answer of the server at `port` to what it got last of `method`.
    private func answer(_ status: Int, from port: UInt16, in bench: TransactionBench, to method: String) -> SIPResponse
    {
        for case .transmit(let bytes, let flow) in bench.actions.reversed() where flow.remote.port == port {
            if case .message(.request(let request)) = parseDatagram(bytes), request.method.name == method {
                return SIPResponse(status: status, to: request, toTag: "server\(port)")
            }
        }
        return SIPResponse(status: 999)
    }

    @Test(arguments: ["INVITE", "OPTIONS", "REGISTER"])
    func `silence: after seven T1 the next one is asked, by a transaction of its own`(method: String) {
        var bench = TransactionBench()
        let id = bench.send(request(method), over: [Self.first, Self.second])
        bench.pass(.milliseconds(3_499))
        #expect(!sent(bench).contains("\(method) 5082"))
        bench.pass(.milliseconds(1))
        #expect(sent(bench).last == "\(method) 5082")
        let gaveWay = bench.actions.contains { action in
            if case .gaveWay(let whose, let flow, let response) = action {
                whose == id && flow == Self.first && response == nil
            } else {
                false
            }
        }
        #expect(gaveWay && !bench.hasTimedOut)
        let retried = answer(200, from: 5082, in: bench, to: method)
        #expect((try? retried.topVia().branch) == "z9hG4bKoursn")
        bench.receive(retried, over: Self.second)
        #expect(bench.actions.compactMap(\.status) == [200])
        let count = sent(bench).count { $0 == "\(method) 5081" }
        bench.pass(.seconds(70))
        #expect(sent(bench).count { $0 == "\(method) 5081" } == count)
        #expect(bench.layer.count == 0)
    }

    @Test func `the last server has all the time of RFC 3261`() {
        var bench = TransactionBench()
        _ = bench.send(request("INVITE"), over: [Self.first, Self.second])
        bench.pass(.milliseconds(35_499))
        #expect(!bench.hasTimedOut)
        bench.pass(.milliseconds(1))
        #expect(bench.hasTimedOut)
        bench.pass(.seconds(33))
        #expect(bench.layer.count == 0)
    }

    @Test func `503: it is acknowledged, and the next one is asked at once; any other refusal is the answer`() {
        var bench = TransactionBench()
        _ = bench.send(request("INVITE"), over: [Self.first, Self.second])
        bench.receive(answer(100, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        bench.receive(answer(503, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        #expect(Set(sent(bench)) == ["INVITE 5081", "ACK 5081", "INVITE 5082"])
        #expect(bench.actions.compactMap(\.status) == [100])
        // Its repetition is acknowledged again.
        bench.receive(answer(503, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        #expect(sent(bench).count { $0 == "ACK 5081" } == 2)
        bench.receive(answer(500, from: 5082, in: bench, to: "INVITE"), over: Self.second)
        #expect(bench.actions.compactMap(\.status) == [100, 500])
        bench.pass(.seconds(40))
        #expect(bench.layer.count == 0)
    }

    @Test func `503 of the last server is the answer`() {
        var bench = TransactionBench()
        _ = bench.send(request("OPTIONS"), over: [Self.first, Self.second])
        bench.receive(answer(503, from: 5081, in: bench, to: "OPTIONS"), over: Self.first)
        bench.receive(answer(503, from: 5082, in: bench, to: "OPTIONS"), over: Self.second)
        #expect(bench.actions.compactMap(\.status) == [503])
    }

    @Test func `a server that rings has the call: its 503 ends it`() {
        var bench = TransactionBench()
        _ = bench.send(request("INVITE"), over: [Self.first, Self.second])
        bench.receive(answer(180, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        bench.receive(answer(503, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        #expect(bench.actions.compactMap(\.status) == [180, 503])
        #expect(!sent(bench).contains("INVITE 5082"))
    }

    @Test func `a silent server that wakes up is told to stop, and what it accepts is given to be left`() {
        var bench = TransactionBench()
        _ = bench.send(request("INVITE"), over: [Self.first, Self.second])
        bench.pass(.seconds(5))
        bench.receive(answer(180, from: 5081, in: bench, to: "INVITE"), over: Self.first)
        #expect(sent(bench).last == "CANCEL 5081")
        let late = answer(200, from: 5081, in: bench, to: "INVITE")
        bench.receive(late, over: Self.first)
        bench.receive(late, over: Self.first)
        let acceptances = bench.actions.compactMap { action in
            if case .acceptedTooLate(_, _, _, let isFirst) = action { isFirst } else { nil }
        }
        #expect(acceptances == [true, false])
        #expect(bench.actions.compactMap(\.status).isEmpty)
    }

    @Test func `an INVITE that is taken back goes nowhere else`() {
        var bench = TransactionBench()
        let id = bench.send(request("INVITE"), over: [Self.first, Self.second])
        bench.cancel(id)
        bench.pass(.seconds(33))
        #expect(!sent(bench).contains("INVITE 5082"))
    }

    @Test func `another transport of the same server is no other server`() {
        var bench = TransactionBench()
        _ = bench.send(
            request("OPTIONS"),
            over: [Self.first, TransactionBench.flow(.tcp, port: 5081), Self.second]
        )
        bench.pass(.seconds(5))
        #expect(sent(bench).last == "OPTIONS 5082")
    }

    @Test func `each server gets a long request by a stream first`() {
        let streams = [TransactionBench.flow(.tcp, port: 5081), TransactionBench.flow(.tcp, port: 5082)]
        let order = [Self.first, streams[0], Self.second, streams[1]].streamsFirst()
        #expect(order == [streams[0], Self.first, streams[1], Self.second])
    }
}

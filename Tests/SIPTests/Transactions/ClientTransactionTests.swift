import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

@Suite struct ClientTransactionTests {
    private func answer(_ status: Int, to bench: TransactionBench, method: String = "INVITE") -> SIPResponse {
        let sent = bench.actions.compactMap(\.sent).last { $0.hasPrefix(method) } ?? ""
        guard case .message(.request(let request)) = parseDatagram(Array(sent.utf8)) else {
            return SIPResponse(status: 999)
        }
        return SIPResponse(status: status, to: request, toTag: "them")
    }

    @Test
    func `RFC 3261 17.1.1.2: an INVITE to silence goes out at 0, 0.5, 1.5, 3.5 s and so on, and times out at 64 T1`() {
        var bench = TransactionBench()
        _ = bench.send(.invite)
        let moments = bench.pass(.seconds(33))
        #expect(moments == [500, 1500, 3500, 7500, 15_500, 31_500])
        #expect(bench.hasTimedOut)
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 17.1.2.2: anything else is repeated at most every T2`() {
        var bench = TransactionBench()
        _ = bench.send(.options)
        let moments = bench.pass(.seconds(33))
        #expect(moments == [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
        #expect(bench.hasTimedOut)
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 17.1.1.2: a provisional answer stops the INVITE's repetition, for ever if need be`() {
        var bench = TransactionBench()
        _ = bench.send(.invite)
        bench.receive(answer(180, to: bench))
        #expect(bench.pass(.seconds(600)).isEmpty)
        #expect(!bench.hasTimedOut)
    }

    @Test
    func
        `RFC 3261 17.1.1.3: the ACK for a refusal has the INVITE's branch and the answer's To, and each repeat gets it again`()
    {
        var bench = TransactionBench()
        _ = bench.send(.invite)
        let refusal = answer(486, to: bench)
        bench.receive(refusal)
        bench.receive(refusal)
        let acks = bench.actions.compactMap(\.sent).filter { $0.hasPrefix("ACK") }
        #expect(acks.count == 2)
        #expect(acks.allSatisfy { $0.contains("branch=z9hG4bKclient1") && $0.contains("tag=them") })
        #expect(bench.actions.compactMap(\.status) == [486])
        bench.pass(.seconds(40))
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 6026 7.2: each 2xx is handed up, the repeated ones too, for 64 T1`() {
        var bench = TransactionBench()
        _ = bench.send(.invite)
        let accepted = answer(200, to: bench)
        bench.receive(accepted)
        bench.pass(.seconds(20))
        bench.receive(accepted)
        #expect(bench.actions.compactMap(\.status) == [200, 200])
        bench.pass(.seconds(13))
        #expect(bench.layer.count == 0)
        bench.receive(accepted)
        #expect(bench.actions.contains { if case .strayResponse = $0 { true } else { false } })
    }

    @Test
    func
        `RFC 3261 9.1: CANCEL waits for a provisional answer, has the INVITE's branch, and 64 T1 without a final answer end it`()
    {
        var bench = TransactionBench()
        let id = bench.send(.invite)
        bench.cancel(id)
        #expect(!bench.sent.contains { $0.hasPrefix("CANCEL") })
        bench.receive(answer(180, to: bench))
        let cancel = bench.actions.compactMap(\.sent).first { $0.hasPrefix("CANCEL") }
        #expect(cancel?.contains("branch=z9hG4bKclient1") == true)
        #expect(cancel?.contains("CSeq: 1 CANCEL") == true)
        bench.receive(answer(200, to: bench, method: "CANCEL"))
        #expect(!bench.actions.compactMap(\.status).contains(200))
        bench.pass(.seconds(33))
        #expect(bench.hasTimedOut)
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 9.1: no CANCEL for an INVITE that was answered meanwhile`() {
        var bench = TransactionBench()
        let id = bench.send(.invite)
        bench.receive(answer(200, to: bench))
        bench.cancel(id)
        #expect(!bench.sent.contains { $0.hasPrefix("CANCEL") })
    }

    @Test func `RFC 3261 18.1.1: more than 1300 bytes go over TCP where there is one, and over UDP when that fails`() {
        var bench = TransactionBench()
        var long = SIPRequest.invite
        long.headers.append(HeaderName("X-Long"), String(repeating: "x", count: 1_400))
        let id = bench.send(long, over: [TransactionBench.flow(), TransactionBench.flow(.tcp)])
        #expect(bench.actions.first?.sent?.contains("SIP/2.0/TCP") == true)
        bench.actions += bench.layer.transportFailed(TransactionBench.flow(.tcp), why: "refused", now: bench.now)
        #expect(bench.actions.last?.sent?.contains("SIP/2.0/UDP") == true)
        bench.receive(answer(180, to: bench))
        guard case .response(let answered, _, _) = bench.actions.last else {
            Issue.record("no response was told")
            return
        }
        #expect(answered == id)
    }

    @Test(arguments: [0, 1_400])
    func `RFC 3261 18.1.1: a stream that stands beside datagrams is for what is too long for them`(octets: Int) {
        var bench = TransactionBench()
        var request = SIPRequest.invite
        request.headers.append(HeaderName("X-Long"), String(repeating: "x", count: octets))
        var stream = TransactionBench.flow(.tcp)
        stream.isForLongRequests = true
        _ = bench.send(request, over: [TransactionBench.flow(), stream])
        #expect(bench.actions.first?.sent?.contains("SIP/2.0/\(octets == 0 ? "UDP" : "TCP")") == true)
        bench.actions += bench.layer.transportFailed(TransactionBench.flow(), why: "refused", now: bench.now)
        #expect(!bench.actions.contains { $0.sent?.contains("SIP/2.0/TCP") == true } || octets > 0)
    }

    @Test func `RFC 3261 18.2.2: who rings when his connection is lost may answer over another`() {
        for (hasRung, isThere) in [(false, false), (true, true)] {
            var bench = TransactionBench()
            let id = bench.send(.invite, over: [TransactionBench.flow(.tcp)])
            if hasRung { bench.receive(answer(180, to: bench)) }
            bench.actions += bench.layer.connectionClosed(TransactionBench.flow(.tcp), now: bench.now)
            let failed = bench.actions.contains { if case .transportFailed(id, _) = $0 { true } else { false } }
            #expect(failed == !isThere && (bench.layer.count > 0) == isThere)
        }
    }

    @Test func `RFC 3261 8.1.3.3: a response with two Vias is not ours`() {
        var bench = TransactionBench()
        _ = bench.send(.invite)
        var response = answer(200, to: bench)
        response.headers.append(.via, "SIP/2.0/UDP other;branch=z9hG4bKx")
        bench.receive(response)
        #expect(bench.actions.compactMap(\.status).isEmpty)
    }

    /// What ICMP quotes of the last request that was sent: so many octets, or all.
    private func quote(_ bench: TransactionBench, _ octets: Int = .max) -> [UInt8] {
        Array((bench.actions.last { $0.sent != nil }?.sent ?? "").utf8.prefix(octets))
    }

    private func hasFailed(_ bench: TransactionBench, _ id: ClientTransactionID) -> Bool {
        bench.actions.contains { if case .transportFailed(id, _) = $0 { true } else { false } }
    }

    @Test func `RFC 3261 18.4: a request that came back goes to the next server, and fails where there is none`() {
        var bench = TransactionBench()
        let (first, second) = (TransactionBench.flow(), TransactionBench.flow(port: 5064))
        let id = bench.send(.invite, over: [first, second])
        bench.actions += bench.layer.returned(quote(bench, 200), over: first, why: "refused", now: bench.now)
        #expect(bench.actions.contains { if case .gaveWay(id, from: first, nil) = $0 { true } else { false } })
        #expect(!hasFailed(bench, id) && bench.sent.count == 2)
        bench.actions += bench.layer.returned(quote(bench, 200), over: second, why: "refused", now: bench.now)
        #expect(hasFailed(bench, id) && bench.layer.count == 0)
    }

    @Test func `RFC 3261 18.4: who has answered is there, and what quotes less than the branch is not believed`() {
        var bench = TransactionBench()
        let id = bench.send(.invite)
        let whole = quote(bench)
        let otherPort = TransactionBench.flow(port: 5064)
        var forged = whole
        forged[forged.count - 5] ^= 1
        for (quote, flow) in [
            ([], TransactionBench.flow()), (Array(whole.prefix(60)), TransactionBench.flow()), (whole, otherPort),
            (forged, TransactionBench.flow()),
        ] {
            bench.actions += bench.layer.returned(quote, over: flow, why: "refused", now: bench.now)
        }
        bench.receive(answer(100, to: bench))
        bench.actions += bench.layer.returned(whole, over: TransactionBench.flow(), why: "refused", now: bench.now)
        #expect(!hasFailed(bench, id) && bench.layer.count == 1)
    }

    @Test func `a request inside of a dialog is tried to its end, whatever ICMP says`() {
        var bench = TransactionBench()
        let id = bench.send(TransactionBench.plain("BYE", branch: "z9hG4bKbye", toTag: "t1"))
        bench.actions += bench.layer.returned(
            quote(bench),
            over: TransactionBench.flow(),
            why: "refused",
            now: bench.now
        )
        #expect(!hasFailed(bench, id))
        bench.pass(.seconds(33))
        #expect(bench.hasTimedOut)
    }

    @Test func `a transport that fails and has no other way ends the transaction`() {
        var bench = TransactionBench()
        let id = bench.send(.options, over: [TransactionBench.flow(.tcp)])
        bench.actions += bench.layer.transportFailed(TransactionBench.flow(.tcp), why: "refused", now: bench.now)
        let failed = bench.actions.contains { if case .transportFailed(id, _) = $0 { true } else { false } }
        #expect(failed)
        #expect(bench.layer.count == 0)
    }
}

extension SIPRequest {
    fileprivate static var invite: SIPRequest { TransactionBench.plain("INVITE", branch: "z9hG4bKclient1") }
    fileprivate static var options: SIPRequest { TransactionBench.plain("OPTIONS", branch: "z9hG4bKclient2") }
}

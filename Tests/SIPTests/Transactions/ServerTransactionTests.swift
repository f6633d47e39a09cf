import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

@Suite struct ServerTransactionTests {
    @Test
    func `RFC 3261 17.2.1: an INVITE gets 100 at once, and a repeated one the last answer again without a second call`()
    {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE")
        bench.receive(invite)
        #expect(bench.sent == ["SIP/2.0 100 Trying"])
        bench.respond(180, to: invite, bench.serverIDs[0])
        bench.receive(invite)
        #expect(bench.sent == ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing"])
        #expect(bench.serverIDs.count == 1)
    }

    @Test func `RFC 3261 17.2.1: a refusal is repeated up to every T2 until timer H, when no ACK comes`() {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE")
        bench.receive(invite)
        bench.respond(486, to: invite, bench.serverIDs[0])
        let moments = bench.pass(.seconds(40))
        #expect(moments == [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
        #expect(bench.actions.contains { if case .unacknowledged = $0 { true } else { false } })
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 17.2.1: the ACK stops the refusal and goes no further`() {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE")
        bench.receive(invite)
        bench.respond(486, to: invite, bench.serverIDs[0])
        bench.receive(TransactionBench.plain("ACK", toTag: "us"))
        #expect(bench.pass(.seconds(10)).isEmpty)
        #expect(!bench.actions.contains { if case .acknowledged = $0 { true } else { false } })
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 6026 7.1: after a 2xx the INVITE is absorbed, and its ACK goes up`() {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE")
        bench.receive(invite)
        bench.respond(200, to: invite, bench.serverIDs[0])
        let before = bench.sent.count
        bench.receive(invite)
        #expect(bench.sent.count == before)
        bench.receive(TransactionBench.plain("ACK", branch: "z9hG4bKanother", toTag: "us"))
        #expect(bench.actions.contains { if case .acknowledged = $0 { true } else { false } })
        bench.pass(.seconds(33))
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 17.2.2: a repeated OPTIONS gets the same answer for 64 T1`() {
        var bench = TransactionBench()
        let options = TransactionBench.plain("OPTIONS")
        bench.receive(options)
        bench.respond(200, to: options, bench.serverIDs[0])
        bench.pass(.seconds(31))
        bench.receive(options)
        #expect(bench.sent == ["SIP/2.0 200 OK", "SIP/2.0 200 OK"])
        bench.pass(.seconds(2))
        #expect(bench.layer.count == 0)
    }

    @Test func `RFC 3261 8.2.2.2: the same request by another way is a merged one, 482`() {
        var bench = TransactionBench()
        bench.receive(TransactionBench.plain("INVITE"))
        bench.receive(TransactionBench.plain("INVITE", branch: "z9hG4bKbbbb2222"))
        #expect(bench.sent.last == "SIP/2.0 482 Loop Detected")
        #expect(bench.serverIDs.count == 1)
    }

    @Test func `RFC 3261 9.2: CANCEL is answered 200 with the tag of the ringing, and told once`() {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE")
        bench.receive(invite)
        bench.respond(180, to: invite, bench.serverIDs[0])
        bench.receive(TransactionBench.plain("CANCEL"))
        #expect(bench.actions.compactMap(\.sent).last?.contains("tag=us") == true)
        bench.respond(487, to: invite, bench.serverIDs[0])
        bench.receive(TransactionBench.plain("CANCEL"))
        #expect(bench.sent.suffix(2) == ["SIP/2.0 487 Request Terminated", "SIP/2.0 200 OK"])
        let told = bench.actions.count { if case .cancelled = $0 { true } else { false } }
        #expect(told == 1)
    }

    @Test func `RFC 3261 9.2: CANCEL of nothing is 481`() {
        var bench = TransactionBench()
        bench.receive(TransactionBench.plain("CANCEL"))
        #expect(bench.sent == ["SIP/2.0 481 Call/Transaction Does Not Exist"])
    }

    @Test func `RFC 3261 17.2.3: without the magic cookie requests are matched as RFC 2543 had it`() {
        var bench = TransactionBench()
        let invite = TransactionBench.plain("INVITE", branch: "1")
        bench.receive(invite)
        bench.receive(invite)
        #expect(bench.serverIDs.count == 1)
        bench.respond(486, to: invite, bench.serverIDs[0])
        bench.receive(TransactionBench.plain("ACK", branch: "1", toTag: "us"))
        #expect(bench.pass(.seconds(10)).isEmpty)
    }

    @Test(arguments: [
        (
            "INVITE", "sip:600@h", "Require: frobnicate, 100rel\nProxy-Require: sec-agree, privacy", 420,
            "Unsupported: frobnicate, sec-agree"
        ),
        ("INVITE", "http://h/", "", 416, "416"),
        ("FROB", "sip:600@h", "", 501, "501"),
    ])
    func `RFC 3261 8.2: what cannot be taken is refused with the reason in a header`(
        method: String,
        uri: String,
        more: String,
        status: Int,
        text: String
    ) {
        var bench = TransactionBench()
        bench.receive(TransactionBench.plain(method, uri: uri, more: more))
        #expect(bench.sent.last?.hasPrefix("SIP/2.0 \(status)") == true)
        #expect(bench.actions.compactMap(\.sent).last?.contains(text) == true)
        #expect(bench.serverIDs.isEmpty)
    }

    @Test func `RFC 3261 8.2.3: a body in a coding or of a type that is not ours is 415 with what is`() {
        for (name, value, expected) in [
            ("Content-Encoding", "gzip", "Accept-Encoding: identity"),
            ("Content-Type", "text/plain", "Accept: application/sdp"),
        ] {
            var bench = TransactionBench()
            var invite = TransactionBench.plain("INVITE")
            invite.body = [120]
            invite.headers[HeaderName(name)] = value
            if name == "Content-Encoding" { invite.headers[.contentType] = "application/sdp" }
            bench.receive(invite)
            #expect(bench.sent.last == "SIP/2.0 415 Unsupported Media Type")
            #expect(bench.actions.compactMap(\.sent).last?.contains(expected) == true)
        }
    }

    @Test func `RFC 3261 8.1.1.6: no hops left is 483, but OPTIONS to us is answered`() {
        var bench = TransactionBench()
        for method in ["INVITE", "OPTIONS"] {
            var request = TransactionBench.plain(method, branch: "z9hG4bK\(method)xxxx")
            request.headers[.maxForwards] = "0"
            bench.receive(request)
        }
        #expect(bench.sent.first == "SIP/2.0 483 Too Many Hops")
        #expect(bench.serverIDs.count == 1)
    }

    @Test func `RFC 3581 4: rport sends the answer to the source port, without it the Via's port counts`() {
        for (rport, expected) in [(";rport", UInt16(40_000)), ("", 5062)] {
            var bench = TransactionBench()
            var options = TransactionBench.plain("OPTIONS")
            options.headers[.via] = "SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKabcdef1" + rport
            bench.receive(options, over: TransactionBench.flow(port: 40_000))
            bench.respond(200, to: options, bench.serverIDs[0])
            guard case .transmit(_, let flow) = bench.actions.last else {
                Issue.record("nothing was sent")
                continue
            }
            #expect(flow.remote.port == expected)
            #expect("\(flow.remote.ip)" == "127.0.0.1")
            guard case .request(_, let seen, _) = bench.actions.first else { continue }
            #expect(seen.headers[.via]?.contains("received=127.0.0.1") == true)
        }
    }

    @Test func `RFC 3261 21.5.4: too many transactions at once make new calls wait, and a call's own requests pass`() {
        var bench = TransactionBench(maximum: 1)
        bench.receive(TransactionBench.plain("OPTIONS"))
        bench.receive(
            TransactionBench.request(
                """
                INVITE sip:1@h SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKother
                From: <sip:a@h>;tag=1
                To: <sip:b@h>
                Call-ID: other
                CSeq: 1 INVITE
                """
            )
        )
        #expect(bench.sent.last == "SIP/2.0 503 Service Unavailable")
        #expect(bench.actions.compactMap(\.sent).last?.contains("Retry-After: 10") == true)
        bench.receive(TransactionBench.plain("BYE", branch: "z9hG4bKbye1", toTag: "us"))
        #expect(bench.serverIDs.count == 2)
    }

    @Test func `RFC 3261 18.2.2: over TCP the request's connection, else a new one to the Via's port`() throws {
        var bench = TransactionBench()
        let options = TransactionBench.plain("OPTIONS")
        let source = TransactionBench.flow(.tcp, port: 40_000)
        bench.receive(options, over: source)
        bench.respond(200, to: options, bench.serverIDs[0])
        let flows = bench.actions.compactMap { action -> Flow? in
            guard case .transmit(_, let flow) = action else { return nil }
            return flow
        }
        let flow = try #require(flows.last)
        #expect(flow.connection == source.connection && flow.remote == source.remote)
        #expect(flow.returnAddress == SocketAddress(source.remote.ip, 5062))
    }

    @Test func `over TCP nothing is repeated and nothing lingers`() {
        var bench = TransactionBench()
        let options = TransactionBench.plain("OPTIONS")
        bench.receive(options, over: TransactionBench.flow(.tcp))
        bench.respond(200, to: options, bench.serverIDs[0])
        #expect(bench.layer.count == 0)
        #expect(bench.layer.nextDeadline == nil)
    }

    @Test func `what is said to be of a dialog finds room for longer, and not without end`() {
        var bench = TransactionBench(maximum: 10)
        for number in 0..<40 {
            bench.receive(TransactionBench.plain("BYE", branch: "z9hG4bK\(number)", toTag: "stranger\(number)"))
        }
        #expect(bench.layer.count == 15)
        bench.receive(TransactionBench.plain("OPTIONS", branch: "z9hG4bKnew"))
        #expect(bench.layer.count == 15)
    }
}

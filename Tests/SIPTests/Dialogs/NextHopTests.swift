import NetAddress
import SIPMessage
import Testing

@testable import SIP

/// Where requests of a dialog go (RFC 3261 §12.2.1.1).
@Suite struct NextHopTests {
    private func hop(_ contact: String, over flow: Flow) throws -> Flow { try dialog(contact, over: flow).nextHop }

    private func dialog(_ contact: String, over flow: Flow) throws -> Dialog {
        let invite = TransactionBench.request(
            """
            INVITE sip:600@127.0.0.1 SIP/2.0
            Via: SIP/2.0/\(flow.transport.viaName) 127.0.0.1:5062;branch=z9hG4bK1
            From: <sip:1001@demo.test>;tag=f1
            To: <sip:600@demo.test>
            Call-ID: c1@host
            CSeq: 1 INVITE
            Contact: <\(contact)>
            """
        )
        return try Dialog(answering: invite, localTag: "us", over: flow, localSequence: 0)
    }

    @Test func `over TCP they take the peer's connection, else a new one to its contact's port`() throws {
        let flow = TransactionBench.flow(.tcp, port: 40_000)
        let hop = try hop("sip:1001@127.0.0.1:5090;transport=tcp", over: flow)
        #expect(hop.connection == flow.connection && hop.remote == flow.remote)
        #expect(hop.returnAddress == SocketAddress(flow.remote.ip, 5090))
        #expect(try self.hop("sip:1001@127.0.0.1", over: flow).returnAddress.port == 5060)
        // A name, or an address behind a NAT, says nothing that could be tried.
        #expect(try self.hop("sip:1001@phone.invalid:5090", over: flow).returnAddress == flow.remote)
        #expect(try self.hop("sip:1001@10.0.0.1:5090;transport=tcp", over: flow).returnAddress == flow.remote)
    }

    @Test func `RFC 3263 4.1: where the contact names no stream, datagrams are what is left when the stream has ended`()
        throws
    {
        let flow = TransactionBench.flow(.tcp, port: 40_000)
        func ways(_ contact: String) throws -> [String] { try dialog(contact, over: flow).ways.map { "\($0)" } }
        let stream = "tcp:127.0.0.1:40000"
        #expect(try ways("sip:1001@127.0.0.1:5090") == [stream, "udp:127.0.0.1:5090"])
        #expect(try ways("sip:1001@127.0.0.1;transport=udp") == [stream, "udp:127.0.0.1:5060"])
        for contact in ["127.0.0.1:5090;transport=tcp", "phone.invalid", "10.0.0.1:5090", "0.0.0.0", "[2001:db8::1]"] {
            #expect(try ways("sip:1001@\(contact)") == [stream], "\(contact)")
        }
        #expect(try dialog("sip:1001@127.0.0.1", over: TransactionBench.flow()).ways.count == 1)
    }

    @Test func `RFC 3581 §4: over UDP they go where a NAT has the peer, whichever side called`() throws {
        let flow = TransactionBench.flow(port: 40_000)
        let invite = { (via: String, contact: String) in
            TransactionBench.request(
                """
                INVITE sip:600@127.0.0.1 SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:5062\(via);branch=z9hG4bK1
                From: <sip:1001@demo.test>;tag=f1
                To: <sip:600@demo.test>
                Call-ID: c1@host
                CSeq: 1 INVITE
                Contact: <sip:1001@127.0.0.1:\(contact)>
                """
            )
        }
        for (via, contact, port) in [(";rport", "5062", UInt16(40_000)), ("", "5062", 5062), (";rport", "5070", 5070)] {
            let request = invite(via, contact)
            let called = try Dialog(answering: request, localTag: "us", over: flow, localSequence: 0)
            #expect(called.nextHop.remote.port == port, "\(via) \(contact)")
        }
        // It was asked for at 5062, and reached at 40000.
        for (contact, port) in [("5062", UInt16(40_000)), ("5070", 5070)] {
            var request = invite("", "5060")
            request.uri = try SIPURI("sip:1001@127.0.0.1:5062")
            var response = SIPResponse(status: 200, to: request, toTag: "them")
            response.headers.append(.contact, "<sip:1001@127.0.0.1:\(contact)>")
            let called = try Dialog(request: request, answeredBy: response, over: flow)
            #expect(called.nextHop.remote.port == port, "\(contact)")
        }
    }

    @Test func `over UDP they go to the contact`() throws {
        let hop = try hop("sip:1001@127.0.0.1:5090", over: TransactionBench.flow())
        #expect(hop.remote.port == 5090 && hop.returnPort == nil && hop.isNamed)
        // One that wants datagrams, and one that a NAT hides: no stream leads there.
        for contact in ["127.0.0.1:5090;transport=udp", "10.0.0.1:5090"] {
            #expect(try !self.hop("sip:1001@\(contact)", over: TransactionBench.flow()).isNamed)
        }
    }

    @Test(arguments: [true, false])
    func `they leave from where the dialog's did`(leavesFromAnywhere: Bool) throws {
        var flow = TransactionBench.flow()
        flow.leavesFromAnywhere = leavesFromAnywhere
        #expect(try hop("sip:1001@127.0.0.1:5090", over: flow).leavesFromAnywhere == leavesFromAnywhere)
    }
}

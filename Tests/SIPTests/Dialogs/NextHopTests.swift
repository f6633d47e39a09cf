import NetAddress
import SIPMessage
import Testing

@testable import SIP

/// Where requests of a dialog go (RFC 3261 §12.2.1.1).
@Suite struct NextHopTests {
    private func hop(_ contact: String, over flow: Flow) throws -> Flow {
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
        return try Dialog(answering: invite, localTag: "us", over: flow, localSequence: 0).nextHop
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

    @Test func `over UDP they go to the contact`() throws {
        let hop = try hop("sip:1001@127.0.0.1:5090", over: TransactionBench.flow())
        #expect(hop.remote.port == 5090 && hop.returnPort == nil)
    }

    @Test(arguments: [true, false])
    func `they leave from where the dialog's did`(leavesFromAnywhere: Bool) throws {
        var flow = TransactionBench.flow()
        flow.leavesFromAnywhere = leavesFromAnywhere
        #expect(try hop("sip:1001@127.0.0.1:5090", over: flow).leavesFromAnywhere == leavesFromAnywhere)
    }
}

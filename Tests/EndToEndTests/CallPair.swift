import Foundation
import Testing

/// A carrier that calls 1001, and the switch between them: what each says is the test's own.
final class CallPair {
    let running: RunningSwitch
    let carrier: Phone
    let callee: Phone
    /// The INVITE as the callee got it.
    private(set) var invite = ""
    /// The switch's tag on the carrier's side.
    private(set) var tag = ""
    private var calleeSequence = 0
    private(set) var branch = ""

    init(
        codecs: String = "PCMA, PCMU",
        node: String = "",
        trunk: String = "",
        tenant: String = "",
        incoming: String = RunningSwitch.incomingPlan
    ) throws {
        running = try RunningSwitch(codecs: codecs, node: node, trunk: trunk, tenant: tenant, incoming: incoming)
        carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try callee.register().startWord == "200")
    }

    /// The carrier calls; the INVITE that reaches the callee.
    @discardableResult
    func ring(_ extra: [String] = [], sdp: String? = Phone.sdp(port: 4_000)) throws -> String {
        branch = "z9hG4bK\(UInt64.random(in: 0...UInt64.max))"
        carrier.send(carrier.request("INVITE", to: "1001", branch: branch, extra: extra, sdp: sdp))
        invite = try #require(callee.expect("INVITE"))
        return invite
    }

    /// The callee answers, and the carrier acknowledges; the 200 that the carrier got.
    @discardableResult
    func pickUp(_ extra: [String] = [], sdp: String = Phone.sdp(port: 4_002)) throws -> String {
        callee.respond("200 OK", to: invite, toTag: "1001", extra: extra, sdp: sdp)
        let answer = try #require(carrier.final("INVITE"))
        #expect(answer.startWord == "200")
        tag = carrier.acknowledge(answer, to: "1001")
        _ = try #require(callee.expect("ACK"))
        return answer
    }

    func talk() throws {
        try ring()
        try pickUp()
    }

    /// What a provisional said of the switch's side.
    func learn(_ response: String) { tag = Self.toTag(response) }

    static func toTag(_ response: String) -> String {
        String(response.header("To")?.components(separatedBy: ";tag=").last ?? "")
    }

    func cancel(_ extra: [String] = []) {
        carrier.send(
            carrier.request("CANCEL", to: "1001", branch: branch, sequence: carrier.sequence, extra: extra)
        )
    }

    /// The carrier's next request in the call.
    func ask(_ method: String, _ extra: [String] = [], sdp: String? = nil, branch: String? = nil) {
        carrier.send(carrier.request(method, to: "1001", toTag: tag, branch: branch, extra: extra, sdp: sdp))
    }

    func acknowledge(sdp: String? = nil) {
        carrier.send(carrier.request("ACK", to: "1001", toTag: tag, sequence: carrier.sequence, sdp: sdp))
    }

    /// The callee's next request in the call.
    func calleeAsks(_ method: String, _ extra: [String] = [], sdp: String? = nil) {
        calleeSequence += 1
        callee.send(callee.request(method, in: invite, sequence: calleeSequence, extra: extra, sdp: sdp))
    }

    func calleeAcknowledges() { callee.send(callee.request("ACK", in: invite, sequence: calleeSequence)) }

    /// The carrier hangs up; nothing of the call is left anywhere.
    func hangUp() throws {
        ask("BYE")
        #expect(carrier.final("BYE")?.startWord == "200")
        let bye = try #require(callee.expect("BYE"))
        callee.respond("200 OK", to: bye)
        try expectNothingLeft()
    }

    func expectNothingLeft() throws {
        let isOver = try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 }
        #expect(isOver)
        #expect(try running.rows("calls").isEmpty)
        #expect(try running.metric("gudok_invariants_mended_total") == 0)
    }
}

import Foundation
import SIP
import SIPMessage
import Simulation

// CPU time per unit of work of the signalling's cores, without sockets: `make bench` prints it beside the targets.

/// CPU seconds of this process so far, user and system.
func cpuSeconds() -> Double { Double(clock()) / 1_000_000 }

/// The best of five rounds: what disturbs a measurement only ever adds to it.
func microseconds(per count: Int, _ body: () -> Void) -> Double {
    var best = Double.infinity
    for _ in 0..<5 {
        let start = cpuSeconds()
        for _ in 0..<count { body() }
        best = min(best, (cpuSeconds() - start) / Double(count) * 1e6)
    }
    return best
}

func report(_ what: String, _ value: Double, target: Double) {
    let text = String(
        format: "%-52@ %8.2f µs   target %6.1f µs   %@",
        what as NSString,
        value,
        target,
        value <= target ? "met" : "MISSED"
    )
    print(text)
}

let invite = Array(
    """
    INVITE sip:+74951234567@carrier.example.net:5060;user=phone SIP/2.0\r
    Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9a1c2d3e4f50;rport\r
    Max-Forwards: 70\r
    From: "Anna" <sip:1001@demo.example.net>;tag=9fxced76sl\r
    To: <sip:+74951234567@carrier.example.net>\r
    Call-ID: 3848276298220188511@192.0.2.11\r
    CSeq: 1 INVITE\r
    Contact: <sip:1001@192.0.2.11:5060>\r
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO\r
    Supported: 100rel, timer\r
    User-Agent: Example Phone 1.2.3\r
    Content-Type: application/sdp\r
    Content-Length: 174\r
    \r
    v=0\r
    o=anna 2890844526 2890844526 IN IP4 192.0.2.11\r
    s=-\r
    c=IN IP4 192.0.2.11\r
    t=0 0\r
    m=audio 49172 RTP/AVP 8 0 101\r
    a=rtpmap:101 telephone-event/8000\r
    a=fmtp:101 0-15\r
    a=ptime:20\r

    """.utf8
)

var octets = 0
let parsing = microseconds(per: 50_000) {
    if case .message(let message) = parseDatagram(invite) { octets &+= message.write().count }
}
precondition(octets > 0, "the INVITE of the benchmark does not parse")
report("parse and write an INVITE of \(invite.count) octets", parsing, target: 4)

/// A REGISTER, with the answer to a challenge when there is one.
func register(_ serial: Int, authorization: String?) -> [UInt8] {
    var lines = [
        "REGISTER sip:demo.test SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.200:5060;branch=z9hG4bKreg\(serial)",
        "Max-Forwards: 70", "From: <sip:1001@demo.test>;tag=bench", "To: <sip:1001@demo.test>",
        "Call-ID: bench-register", "CSeq: \(serial) REGISTER", "Contact: <sip:1001@10.0.0.200:5060>", "Expires: 300",
    ]
    if let authorization { lines.append("Authorization: \(authorization)") }
    return Array((lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n").utf8)
}

guard let centre = SimulatedCentre(seed: 1, conditions: .perfect) else {
    fatalError("the benchmark's configuration does not read")
}
let credentials = Credentials(username: "1001", realm: "demo.test", password: "p1001")
var digest = DigestClient()
let challenge = centre.exchange(register(1, authorization: nil)).last ?? []
let challenges = String(decoding: challenge, as: UTF8.self).components(separatedBy: "\r\n")
    .filter { $0.hasPrefix("WWW-Authenticate: ") }.map { String($0.dropFirst(18)) }
// The phone's own work is done beforehand: only the registrar's is measured.
let count = 5_000
var requests: [[UInt8]] = []
for serial in 2..<(2 + 5 * count) {
    let answer = try? digest.answer(
        challenges: challenges,
        credentials: credentials,
        method: .register,
        uri: "sip:demo.test",
        cnonce: "c\(serial)"
    )
    requests.append(register(serial, authorization: answer))
}
var next = 0
var accepted = 0
let registering = microseconds(per: count) {
    let answer = centre.exchange(requests[next]).last ?? []
    next += 1
    if answer.starts(with: Array("SIP/2.0 200".utf8)) { accepted += 1 }
}
precondition(accepted == 5 * count, "\(5 * count - accepted) REGISTERs were not accepted")
report("a REGISTER with digest from a known phone", registering, target: 100)

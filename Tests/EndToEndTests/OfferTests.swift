import Foundation
import Testing

/// What callers and callees offer, and what becomes of what the switch does not do (RFC 3264, RFC 4566).
@Suite("Offers over the wire")
struct OfferTests {
    @Test(arguments: ["RTP/SAVP", "UDP/TLS/RTP/SAVPF"])
    func `B049: an offer that cannot be relayed is 488, takes no place of the trunk, and hurts nobody`(
        profile: String
    ) throws {
        let running = try RunningSwitch(trunk: "max_calls: 1")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let offer = Phone.sdp(port: 4_000).replacingOccurrences(of: "RTP/AVP", with: profile)
        for _ in 0..<2 { #expect(try anna.call("+74950000700", sdp: offer).startWord == "488") }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        #expect(carrier.final("INVITE")?.startWord == "200")
    }
}

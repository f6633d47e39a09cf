import Foundation
import Testing

/// What a peer gets that is sent no media (RFC 6263).
@Suite("Silent streams stay alive")
struct KeepAliveTests {
    @Test func `B116: a phone that holds, and one whose peer is silent, get a packet every 15 s`() throws {
        let pair = try CallPair()
        let (silent, holder) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: silent.port))
        try pair.pickUp(sdp: Phone.sdp(port: holder.port, direction: "inactive"))
        for (name, peer) in [("the holder", holder), ("the silent peer's", silent)] {
            let (bytes, _) = try #require(peer.receive(within: 20), "\(name)")
            // Version 2, a number that no description named, no payload.
            #expect(bytes.count == 12 && bytes[0] == 0x80 && bytes[1] == 127, "\(name): \(bytes)")
        }
        try pair.hangUp()
        let legs = try #require(try pair.running.rows("cdr").first?["legs"] as? [[String: Any]])
        #expect(legs.count == 2)
        for leg in legs { #expect(!"\(leg)".contains("sending"), "\(leg)") }
    }
}

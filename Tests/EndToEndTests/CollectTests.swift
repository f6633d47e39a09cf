import Foundation
import Testing

/// What callers key in when they are asked for digits.
@Suite("Collected digits")
struct CollectTests {
    @Test func `the key that ends a number is no answer to the next question, though the last digit has ended it`()
        throws
    {
        let running = try RunningSwitch(
            incoming: """
                routes:
                  - match: "."
                    do:
                      - {collect: {variable: pin, min: 4, max: 4, timeout: 10s}}
                      - {collect: {variable: more, min: 1, max: 3, timeout: 10s}}
                      - {hangup: normal}
                """
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let voice = try WirePeer()
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: voice.port)))
        let answer = try #require(carrier.final("INVITE"))
        carrier.acknowledge(answer, to: "700")
        let port = try #require(answer.audioPort)
        // 1 2 3 4 #, 5 6 #.
        for (place, key) in ([1, 2, 3, 4, 11, 5, 6, 11] as [UInt8]).enumerated() {
            voice.press(key, to: port, at: UInt8(place + 1))
        }
        try carrier.expectBye(within: 12)
        #expect(
            try eventually {
                let variables = try running.rows("cdr").first?["variables"] as? [String: Any]
                return variables?["pin"] as? String == "1234" && variables?["more"] as? String == "56"
            }
        )
    }
}

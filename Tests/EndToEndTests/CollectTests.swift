import Foundation
import Testing

/// What callers key in when they are asked for digits.
@Suite("Collected digits")
struct CollectTests {
    @Test func `an empty number is not dialled at a trunk`() throws {
        let running = try RunningSwitch(
            incoming: """
                routes:
                  - match: "."
                    do:
                      - {dial: {trunk: carrier, number: "{called:9}"}}
                      - {when: {dial_result: not-found}, then: [{hangup: number-changed}]}
                """
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: 4_000)))
        #expect(carrier.final("INVITE")?.startWord == "410")
        #expect(carrier.expect("INVITE", within: 0.2) == nil)
    }

    @Test func `queues that send a caller on to each other at once end his call, and nobody else's`() throws {
        let queue = { (name: String, other: String) in
            "{name: \(name), strategy: ring-all, agents: [{user: \"1001\"}], max_wait: 0s, on_timeout: {dialplan: incoming, flow: \(other)}}"
        }
        let running = try RunningSwitch(
            tenant: "queues: [\(queue("a", "to-b")), \(queue("b", "to-a"))]",
            incoming: """
                routes:
                  - {match: "600", do: [echo]}
                  - {match: ".", do: [answer, {queue: a}]}
                flows:
                  to-a: [{when: {caller: "1"}, then: [{hangup: busy}]}, {queue: a}]
                  to-b: [{when: {caller: "1"}, then: [{hangup: busy}]}, {queue: b}]
                """
        )
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        caller.send(caller.request("INVITE", to: "700", sdp: Phone.sdp(port: 4_000)))
        caller.acknowledge(try #require(caller.final("INVITE")), to: "700")
        try caller.expectBye(within: 5)
        let other = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        other.send(other.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        #expect(other.final("INVITE")?.startWord == "200")
    }

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

import Codecs
import Foundation
import Testing

/// Keys of parties that have no telephone-events in their descriptions: tones in their sound.
@Suite("Keys as tones over the wire")
struct InBandKeyTests {
    /// 1, 5 and 9, of 120 ms and 200 ms apart, as packets of A-law.
    private static let packets: [[UInt8]] = {
        var samples: [Double] = []
        for (low, high) in [(697.0, 1_209.0), (770, 1_336), (852, 1_477)] {
            samples += (0..<960).map { place in
                7_000 * (sin(2 * .pi * low * Double(place) / 8_000) + sin(2 * .pi * high * Double(place) / 8_000))
            }
            samples += [Double](repeating: 0, count: 1_600)
        }
        return stride(from: 0, to: samples.count, by: 160).enumerated().map { number, start in
            let stamp = UInt32(start).octets
            return [0x80, 8, 0, UInt8(number)] + stamp + [7, 7, 7, 7]
                + samples[start..<start + 160].map { G711.encode(Int16($0), .a) }
        }
    }()

    @Test func `MED-04: collect takes the keys down that a caller sends as tones`() throws {
        let running = try RunningSwitch(
            incoming: """
                routes:
                  - match: "."
                    do: [{collect: {variable: code, max: 3, timeout: 10s}}, {hangup: normal}]
                """
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let voice = try WirePeer()
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: voice.port, formats: "8")))
        let answer = try #require(carrier.final("INVITE"))
        carrier.acknowledge(answer, to: "700")
        let port = try #require(answer.audioPort)
        for packet in Self.packets { voice.send(packet, to: port) }
        try carrier.expectBye(within: 12)
        #expect(
            try eventually {
                (try running.rows("cdr").first?["variables"] as? [String: Any])?["code"] as? String == "159"
            }
        )
    }

    @Test func `a party that agreed upon telephone-events is told by them of the tones of one without`() throws {
        let running = try RunningSwitch(
            incoming: "routes: [{match: \".\", do: [answer, {dial: {user: \"1001\", timeout: 10s}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let callee = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        try callee.register()
        let (callers, callees) = try (WirePeer(), WirePeer())
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: callers.port)))
        carrier.acknowledge(try #require(carrier.final("INVITE")), to: "700")
        let invite = try #require(callee.expect("INVITE"))
        callee.respond("200 OK", to: invite, toTag: "callee", sdp: Phone.sdp(port: callees.port, formats: "8"))
        #expect(callee.expect("ACK") != nil)
        let port = try #require(invite.audioPort)
        for packet in Self.packets { callees.send(packet, to: port) }
        var told: [UInt8] = []
        while told.last != 9, let packet = callers.receive(within: 3)?.bytes {
            if packet.count == 16, packet[1] & 0x7F == 101, told.last != packet[12] { told.append(packet[12]) }
        }
        #expect(told == [1, 5, 9])
    }
}

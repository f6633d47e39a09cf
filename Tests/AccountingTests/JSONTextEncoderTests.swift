import Accounting
import Events
import Foundation
import Testing

@Suite struct JSONTextEncoderTests {
    private struct Odd: Codable, Equatable {
        struct Empty: Codable, Equatable {}
        var name = "a \"b\" \\ \u{1}\n Уфа"
        var nothing: String?
        var numbers: [Int64] = [.min, -1, 0, 9, 10, .max]
        var large = UInt64.max
        var ratio = 0.1
        var isTrue = true
        var lists: [[String]] = [[], ["x", ""], ["]"]]
        var words = ["{": "}", "\"": "\\"]
        var empty = Empty()
        var empties = [Empty(), Empty()]
        var maybe: [Int?] = [1, nil, 3]
    }

    /// Encodes something after a container that it opened itself, twice into the same container.
    private struct Nested: Encodable {
        enum Key: CodingKey { case first, second, third }

        func encode(to encoder: any Encoder) throws {
            var outer = encoder.container(keyedBy: Key.self)
            var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .first)
            try inner.encode("x", forKey: .second)
            var list = inner.nestedUnkeyedContainer(forKey: .third)
            try list.encode(1)
            var deep = list.nestedContainer(keyedBy: Key.self)
            try deep.encode(2, forKey: .first)
            try outer.encode(3, forKey: .second)
            var again = encoder.container(keyedBy: Key.self)
            try again.encodeNil(forKey: .third)
        }
    }

    @Test func `what is written is read by Foundation's decoder as it was`() throws {
        let odd = Odd()
        #expect(try JSONDecoder().decode(Odd.self, from: Data(JSONTextEncoder().encode(odd))) == odd)
        let report = MediaReport(
            received: StreamReport(packets: 5, octets: 800, lost: 1, jitterMilliseconds: 0.25, rFactor: 93.2, mos: 4.4),
            sent: StreamReport(packets: 7, octets: 1120),
            roundTripMilliseconds: 12.5,
            verdict: .receivingOnly
        )
        let start = CallStarted(
            direction: .inbound,
            from: "+7 \"x\"",
            fromName: nil,
            to: "600",
            trunk: "t",
            user: nil,
            source: "udp:192.0.2.1:5060",
            sipCallID: "a@b"
        )
        let events: [Event] = [
            .callStarted(start), .callAnswered, .callHeld(leg: 2), .legMedia(leg: 1, report),
            .digit(leg: 1, "#", source: "info"), .configurationApplied(changes: ["a", "b"]), .note("{\"_0\":1}"),
        ]
        for event in events {
            #expect(try JSONDecoder().decode(Event.self, from: Data(JSONTextEncoder().encode(event))) == event)
        }
        #expect(try JSONDecoder().decode([Event].self, from: Data(JSONTextEncoder().encode(events))) == events)
    }

    @Test func `a leg's media have all their keys, whatever is known of them`() throws {
        let media = try JSONEncoder().encode(MediaReport())
        let keys = try #require(try JSONSerialization.jsonObject(with: media) as? [String: Any])
        #expect(keys.count == 10 && keys["rtt_ms"] is NSNull && keys["unagreed_packets"] is NSNull)
        let sent = try #require(keys["sent"] as? [String: Any])
        #expect(sent.count == 10 && sent["lost"] is NSNull && sent["mos_min"] is NSNull)
        #expect(try JSONDecoder().decode(MediaReport.self, from: media) == MediaReport())
    }

    @Test func `containers are closed when the one around them goes on`() throws {
        let text = String(decoding: try JSONTextEncoder().encode(Nested()), as: UTF8.self)
        #expect(text == #"{"first":{"second":"x","third":[1,{"first":2}]},"second":3,"third":null}"#)
    }

    @Test func `what is no number is refused`() {
        #expect(throws: EncodingError.self) { try JSONTextEncoder().encode([Double.nan]) }
    }
}

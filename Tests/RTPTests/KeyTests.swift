import RTP
import Testing

@Suite("Keys, RFC 4733")
struct KeyTests {
    private struct Packet {
        var timestamp: UInt32
        var event: UInt8
        var duration: UInt16
        var isEnd = false
        var marker = false
        var ssrc: UInt32 = 1
    }

    private func told(_ packets: [Packet]) -> [UInt8] {
        var keys = KeyDetector()
        return packets.enumerated().compactMap { place, packet in
            keys.receive(
                RTPHeader(UInt16(place), timestamp: packet.timestamp, ssrc: packet.ssrc, marker: packet.marker),
                TelephoneEvent(event: packet.event, isEnd: packet.isEnd, duration: packet.duration)
            )
        }
    }

    /// A key of 100 ms as §2.5 sends it: five packets, and the end twice more.
    private func press(_ event: UInt8, at timestamp: UInt32) -> [Packet] {
        let steps: [UInt16] = [160, 320, 480, 640, 800, 800, 800]
        return steps.enumerated().map { place, duration in
            Packet(timestamp: timestamp, event: event, duration: duration, isEnd: place > 3, marker: place == 0)
        }
    }

    @Test func `§2.5: any packet of a key alone tells it, and all of them tell it once`() {
        let whole = press(5, at: 1_000)
        for kept in 1..<(1 << whole.count) {
            #expect(told(whole.enumerated().filter { kept >> $0.offset & 1 == 1 }.map(\.element)) == [5])
        }
    }

    @Test func `the same key pressed twice is two keys, however much of each is lost`() {
        let (first, second) = (press(1, at: 1_000), press(1, at: 4_000))
        #expect(told(first + second) == [1, 1])
        #expect(told([first[0], second[6]]) == [1, 1])
    }

    @Test func `a late packet of the key before is not a key`() {
        let (first, second) = (press(1, at: 1_000), press(2, at: 4_000))
        #expect(told(first.dropLast() + second + [first[6]] + [second[6]]) == [1, 2])
    }

    @Test func `§2.5.1.3: a key longer than 65535 units goes on in the next segment and is one`() {
        let held = [
            Packet(timestamp: 0, event: 9, duration: 160, marker: true),
            Packet(timestamp: 0, event: 9, duration: 0xFFFF),
            Packet(timestamp: 0xFFFF, event: 9, duration: 160), Packet(timestamp: 0x1_FFFE, event: 9, duration: 160),
            Packet(timestamp: 0x1_FFFE, event: 9, duration: 800, isEnd: true),
        ]
        #expect(told(held) == [9])
        #expect(told([held[0], held[2], held[4]]) == [9], "though the packet of full duration is lost")
    }

    @Test func `a key whose time stamps run on is one key, and pressed twice it is two`() {
        let running = { (start: UInt32) in
            press(7, at: start).enumerated().map { place, packet in
                var packet = packet
                packet.timestamp += UInt32(place * 160)
                return packet
            }
        }
        #expect(told(running(1_000)) == [7])
        #expect(told(running(1_000) + running(4_000)) == [7, 7])
        #expect(told([running(1_000)[0]] + running(4_000).dropFirst(2)) == [7, 7])
    }

    @Test func `time stamps may wrap, and begin anew far back`() {
        #expect(told(press(3, at: .max - 100) + press(4, at: 3_000)) == [3, 4])
        #expect(told(press(3, at: 2_000_000_000) + press(4, at: 1_000)) == [3, 4])
    }

    @Test func `flash and modem tones are no keys`() {
        #expect(told(press(16, at: 0) + press(36, at: 3_000) + press(255, at: 6_000)) == [])
    }

    @Test func `§2.3: the payload`() throws {
        var payload = [UInt8](repeating: 0, count: 4)
        let end = TelephoneEvent(event: 11, isEnd: true, duration: 0x0320)
        payload.withUnsafeMutableBytes { end.write(into: $0) }
        #expect(payload == [11, 0x8A, 0x03, 0x20])
        #expect(payload.withUnsafeBytes { TelephoneEvent($0) } == end)
        #expect(payload.dropLast().withUnsafeBytes { TelephoneEvent($0) } == nil)
        for (code, key) in "0123456789*#ABCD".enumerated() {
            #expect(TelephoneEvent.key(of: UInt8(code)) == String(key))
            #expect(TelephoneEvent.event(of: String(key).lowercased()) == UInt8(code))
        }
        #expect(TelephoneEvent.key(of: 16) == nil && TelephoneEvent.event(of: "") == nil)
        #expect(TelephoneEvent.event(of: "12") == nil)
    }

    @Test(.enabled(if: ThirdParty.isPresent, "../shared/conformance is not here"))
    func `third-party captures: one key for each time stamp`() throws {
        let captures = try ThirdParty.json("vectors/dtmf4733.json")["captures"] as? [String: [String: Any]] ?? [:]
        #expect(!captures.isEmpty)
        for (name, capture) in captures {
            var keys = KeyDetector()
            var told: [UInt8] = []
            var pressed: [UInt32: UInt8] = [:]
            for packet in capture["packets"] as? [[String: Any]] ?? [] {
                let octets = octets(packet["hex"] as? String ?? "")
                guard let read = header(octets),
                    let event = octets[read.payloadOffset...].withUnsafeBytes({ TelephoneEvent($0) })
                else { continue }
                #expect(
                    packet["event"] as? Int == Int(event.event) && packet["duration"] as? Int == Int(event.duration)
                )
                if event.event < 16 { pressed[read.timestamp] = event.event }
                if let key = keys.receive(read, event) { told.append(key) }
            }
            #expect(told.sorted() == pressed.values.sorted(), "\(name)")
        }
    }
}

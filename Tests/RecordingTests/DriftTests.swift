import Recording
import Testing

@Suite("Clocks that drift")
struct DriftTests {
    struct Packet {
        let arrival: Int64
        let number: Int64
        let channel: UInt8
    }

    /// When a sender whose clock is off by `drift` (parts per million) takes its sample.
    static func capture(_ sample: Int64, drift: Int64) -> Int64 { sample * 125_000 * 1_000_000 / (1_000_000 + drift) }

    @Test func `After an hour of loss, jitter and drift both ways are within 20 ms of each other and of the wall`() {
        let drifts: [Int64] = [50, -50]
        let path = 50 * millisecond
        var dice = Dice(state: 1)
        var packets: [Packet] = []
        for side in 0..<2 {
            for number: Int64 in 0..<180_000 where Int.random(in: 0..<100, using: &dice) >= 3 {
                let jitter = Int64.random(in: 0...20 * millisecond, using: &dice)
                let arrival = Self.capture(number * 160, drift: drifts[side]) + path + jitter
                packets.append(Packet(arrival: arrival, number: number, channel: UInt8(side)))
            }
        }
        packets.sort { $0.arrival < $1.arrival }
        // A click each ten seconds, in the middle of a frame.
        let silence = [Int16](repeating: 0, count: 160)
        var click = silence
        click[80] = 12_000
        var timeline = RecordingTimeline(start: 0)
        var heard: [[Int64]] = [[], []]
        var length: Int64 = 0
        func take(at now: Int64, isLast: Bool) {
            while true {
                let samples = timeline.take(at: now, isLast: isLast)
                if samples.isEmpty { return }
                samples.withUnsafeBufferPointer { samples in
                    var place = 0
                    while place < samples.count {
                        if samples[place] == 12_000 { heard[place & 1].append(length + Int64(place / 2)) }
                        place &+= 1
                    }
                }
                length += Int64(samples.count / 2)
            }
        }
        var next: Int64 = 0
        for packet in packets {
            if packet.arrival >= next {
                take(at: packet.arrival, isLast: false)
                next = packet.arrival + 100 * millisecond
            }
            timeline.add(
                channel: packet.channel,
                ssrc: UInt32(packet.channel),
                timestamp: UInt32(truncatingIfNeeded: 4_294_000_000 + packet.number * 160),
                arrival: packet.arrival,
                samples: (packet.number % 500 == 0 ? click : silence).span
            )
        }
        take(at: 3601 * second, isLast: true)
        #expect(length == 3601 * 8000)
        var worst: [Int64] = [0, 0]
        var apart: Int64 = 0
        var errors: [[Int64: Int64]] = [[:], [:]]
        for side in 0..<2 {
            #expect(heard[side].count > 330)
            for place in heard[side] {
                let instant = place * 125_000 - path
                let number = (instant + 5 * second) / (10 * second)
                let error = instant - Self.capture(number * 80_000 + 80, drift: drifts[side])
                errors[side][number] = error
                worst[side] = max(worst[side], abs(error))
            }
        }
        for (number, error) in errors[0] {
            if let other = errors[1][number] { apart = max(apart, abs(error - other)) }
        }
        #expect(worst[0] < 20 * millisecond && worst[1] < 20 * millisecond && apart < 20 * millisecond)
        // Once the least delay is known it is far better than that.
        let settled = errors.flatMap { $0.filter { $0.key > 3 }.values.map(abs) }.max() ?? .max
        #expect(settled < 3 * millisecond, "\(worst) \(apart) \(settled)")
        let share = Double(timeline.lostFrames) / 360_000
        #expect(share > 0.029 && share < 0.031)
    }
}

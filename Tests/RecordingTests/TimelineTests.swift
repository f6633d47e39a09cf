import Recording
import Testing

/// A timeline whose output is kept.
struct Tape {
    var timeline = RecordingTimeline(start: 0)
    var samples: [Int16] = []

    mutating func play(_ channel: UInt8, _ timestamp: UInt32, at arrival: Int64, ssrc: UInt32 = 1, _ value: Int16) {
        run(to: arrival)
        let frame = [Int16](repeating: value, count: 160)
        timeline.add(channel: channel, ssrc: ssrc, timestamp: timestamp, arrival: arrival, samples: frame.span)
    }

    mutating func run(to now: Int64, isLast: Bool = false) {
        while true {
            let more = timeline.take(at: now, isLast: isLast)
            if more.isEmpty { return }
            samples += more
        }
    }

    /// What each 20 ms of a channel begins with.
    func frames(_ channel: Int) -> [Int16] {
        stride(from: channel, to: samples.count, by: 320).map { samples[$0] }
    }
}

@Suite("Two ways of a call on one axis of time")
struct TimelineTests {
    @Test func `Each way has its side and what did not come is silence of its length`() {
        var tape = Tape()
        for number: Int64 in 0..<10 where number != 4 {
            tape.play(0, UInt32(number * 160), at: number * 20 * millisecond, 100 + Int16(number))
            if number >= 5 { tape.play(1, UInt32(number * 160 + 7), at: number * 20 * millisecond, 200) }
        }
        tape.run(to: 200 * millisecond, isLast: true)
        #expect(tape.samples.count == 1600 * 2)
        #expect(tape.frames(0) == [100, 101, 102, 103, 0, 105, 106, 107, 108, 109])
        #expect(tape.frames(1) == [0, 0, 0, 0, 0, 200, 200, 200, 200, 200])
        #expect(tape.timeline.lostFrames == 1)
    }

    @Test func `A voice beside that of a side is added to it, and has a clock of its own`() {
        var tape = Tape()
        for number: Int64 in 0..<10 {
            tape.play(1, UInt32(number * 160), at: number * 20 * millisecond, 100 + Int16(number))
            if number >= 4 { tape.play(3, UInt32(number * 160 + 9_000), at: number * 20 * millisecond, ssrc: 2, 200) }
            if number >= 8 { tape.play(2, UInt32(number * 160 + 7), at: number * 20 * millisecond, ssrc: 3, 32_000) }
            if number >= 8 { tape.play(0, UInt32(number * 160 + 7), at: number * 20 * millisecond, ssrc: 4, 32_000) }
        }
        tape.run(to: 200 * millisecond, isLast: true)
        #expect(tape.frames(0) == [0, 0, 0, 0, 0, 0, 0, 0, .max, .max])
        #expect(tape.frames(1) == [100, 101, 102, 103, 304, 305, 306, 307, 308, 309])
    }

    @Test func `Frames that overtook each other are put in order, repeated ones count once`() {
        var tape = Tape()
        for number: Int64 in [0, 1, 3, 3, 2, 2, 5, 4, 6] {
            tape.play(0, UInt32(number * 160), at: number * 20 * millisecond + 5 * millisecond, 10 + Int16(number))
        }
        tape.run(to: 145 * millisecond, isLast: true)
        #expect(
            Array(channel(0, of: tape.samples)[40..<1160])
                == (0..<7).flatMap { [Int16](repeating: 10 + $0, count: 160) }
        )
        #expect(tape.timeline.lostFrames == 0)
    }

    @Test func `Time stamps wrap around`() {
        var tape = Tape()
        for number: Int64 in 0..<8 {
            tape.play(0, UInt32.max - 400 &+ UInt32(number * 160), at: number * 20 * millisecond, 1 + Int16(number))
        }
        tape.run(to: 160 * millisecond, isLast: true)
        #expect(tape.frames(0) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test(arguments: [(UInt32(1), UInt32(900_000_000)), (2, 80), (1, 4_000_000_000)])
    func `A new source or a jump of the time stamps goes by its arrival`(ssrc: UInt32, timestamp: UInt32) {
        var tape = Tape()
        for number: Int64 in 0..<10 { tape.play(0, UInt32(number * 160), at: number * 20 * millisecond, 1) }
        for number: Int64 in 0..<10 {
            tape.play(
                0,
                timestamp &+ UInt32(number * 160),
                at: 400 * millisecond + number * 20 * millisecond,
                ssrc: ssrc,
                2
            )
        }
        tape.run(to: 600 * millisecond, isLast: true)
        #expect(
            tape.frames(0)
                == [Int16](repeating: 1, count: 10) + [Int16](repeating: 0, count: 10)
                + [Int16](repeating: 2, count: 10)
        )
    }

    @Test func `A sender that stopped its time stamps for a second goes by its arrival after 300 ms`() {
        var tape = Tape()
        for number: Int64 in 0..<50 { tape.play(0, UInt32(number * 160), at: number * 20 * millisecond, 1) }
        for number: Int64 in 50..<100 { tape.play(0, UInt32(number * 160), at: (number * 20 + 1000) * millisecond, 2) }
        tape.run(to: 3 * second, isLast: true)
        let frames = tape.frames(0)
        #expect(frames[50..<115].allSatisfy { $0 == 0 })
        #expect(frames[116..<150].allSatisfy { $0 == 2 })
    }

    @Test func `A pause is silence of its true length on both sides`() {
        var tape = Tape()
        for number: Int64 in 0..<100 {
            if number == 30 { tape.timeline.pause(at: 600 * millisecond) }
            if number == 35 { tape.timeline.pause(at: 700 * millisecond) }
            if number == 60 { tape.timeline.resume(at: 1200 * millisecond) }
            tape.play(0, UInt32(number * 160), at: number * 20 * millisecond, 1)
            tape.play(1, UInt32(number * 160), at: number * 20 * millisecond, ssrc: 9, 2)
        }
        tape.run(to: 2 * second, isLast: true)
        #expect(tape.samples.count == 32_000)
        for (side, value) in [(0, Int16(1)), (1, 2)] {
            let samples = channel(side, of: tape.samples)
            #expect(samples[0..<4800].allSatisfy { $0 == value })
            #expect(samples[4800..<9600].allSatisfy { $0 == 0 })
            #expect(samples[9600..<16_000].allSatisfy { $0 == value })
        }
    }

    @Test func `Only what is 300 ms old is given out before the end`() {
        var tape = Tape()
        tape.run(to: 299 * millisecond)
        #expect(tape.samples.isEmpty)
        tape.run(to: 1300 * millisecond)
        #expect(tape.samples.count == 16_000)
    }

    @Test func `Whatever comes, nothing traps and the length is the call's`() {
        var dice = Dice(state: 7)
        var tape = Tape()
        var now: Int64 = 0
        for _ in 0..<20_000 {
            now += Int64.random(in: 0...5 * millisecond, using: &dice)
            let frame = [Int16](repeating: .max, count: Int.random(in: 0...2000, using: &dice))
            let arrival = Bool.random(using: &dice) ? now : Int64(bitPattern: dice.next())
            tape.timeline.add(
                channel: UInt8.random(in: 0...3, using: &dice),
                ssrc: UInt32.random(in: 0...3, using: &dice),
                timestamp: UInt32.random(in: 0...UInt32.max, using: &dice),
                arrival: arrival,
                samples: frame.span
            )
            switch Int.random(in: 0..<20, using: &dice) {
            case 0: tape.timeline.pause(at: Int64(bitPattern: dice.next()))
            case 1: tape.timeline.resume(at: Int64(bitPattern: dice.next()))
            case 2: tape.run(to: now)
            default: break
            }
        }
        tape.run(to: now, isLast: true)
        #expect(tape.samples.count / 2 == Int(now / 125_000))
    }
}

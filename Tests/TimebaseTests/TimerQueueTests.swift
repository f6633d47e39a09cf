import Testing

@testable import Timebase

@Suite("Timers are data")
struct TimerQueueTests {
    @Test func `equal deadlines fire in the order they were started, and a restarted key moves`() {
        var timers = TimerQueue<String>()
        let soon = Instant(nanoseconds: 10)
        timers.start("a", at: soon)
        timers.start("b", at: soon)
        timers.start("a", at: Instant(nanoseconds: 20))
        #expect(timers.nextDeadline == soon)
        #expect(timers.popDue(now: soon) == "b")
        #expect(timers.popDue(now: soon) == nil)
        #expect(timers.popDue(now: Instant(nanoseconds: 20)) == "a")
        #expect(timers.nextDeadline == nil)
    }

    @Test func `a stopped key never fires`() {
        var timers = TimerQueue<Int>()
        for key in 0..<100 { timers.start(key, at: Instant(nanoseconds: Int64(100 - key))) }
        for key in stride(from: 0, to: 100, by: 2) { timers.stop(key) }
        var fired: [Int] = []
        while let key = timers.popDue(now: Instant(nanoseconds: 1000)) { fired.append(key) }
        #expect(fired == stride(from: 99, through: 1, by: -2).map { $0 })
    }

    @Test func `whatever is started, moved, renamed and stopped, the next deadline is the earliest that is left`() {
        var generator = SeededGenerator(seed: 7)
        var timers = TimerQueue<Int>()
        var model: [Int: Int64] = [:]
        for _ in 0..<20_000 {
            let (key, other) = (Int(generator.next() % 12), Int(generator.next() % 12))
            switch generator.next() % 8 {
            case 0...3:
                let deadline = Int64(generator.next() % 50)
                timers.start(key, at: Instant(nanoseconds: deadline))
                model[key] = deadline
            case 4, 5:
                timers.stop(key)
                model[key] = nil
            case 6 where key != other:
                timers.rename(key, to: other)
                if let deadline = model.removeValue(forKey: key) { model[other] = deadline }
            default:
                let due = Int64(generator.next() % 20)
                if let fired = timers.popDue(now: Instant(nanoseconds: due)) {
                    #expect(model.removeValue(forKey: fired).map { $0 <= due } ?? false)
                } else {
                    #expect(model.values.allSatisfy { $0 > due })
                }
            }
            #expect(timers.nextDeadline == model.values.min().map { Instant(nanoseconds: $0) })
            #expect(timers.count == model.count)
        }
    }

    @Test func `timers that were stopped long before they are due take no memory, and the others fire in order`() {
        var timers = TimerQueue<Int>()
        for key in 0..<100_000 {
            timers.start(key, at: Instant(nanoseconds: Int64(1_000_000 - key)))
            if key % 1_000 != 0 { timers.stop(key) }
        }
        #expect(timers.count == 100 && timers.capacity < 1_000)
        var fired: [Int] = []
        while let key = timers.popDue(now: Instant(nanoseconds: 2_000_000)) { fired.append(key) }
        #expect(fired == stride(from: 99_000, through: 0, by: -1_000).map { $0 })
    }
}

@Suite("Identifiers")
struct IdentifierTests {
    @Test func `call ids have 26 characters and sort by the time the call began`() {
        var ids = IdentifierSource(SeededGenerator(seed: 1))
        let early = ids.sortable(at: WallTime(milliseconds: 1_700_000_000_000))
        let late = ids.sortable(at: WallTime(milliseconds: 1_700_000_000_001))
        #expect(early.count == 26)
        #expect(early < late)
    }

    @Test func `the same seed gives the same run`() {
        var a = IdentifierSource(SeededGenerator(seed: 7))
        var b = IdentifierSource(SeededGenerator(seed: 7))
        #expect(a.branch() == b.branch())
        #expect(a.callID() == b.callID())
    }

    @Test func `durations beyond Int64 saturate instead of trapping`() {
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
    }
}

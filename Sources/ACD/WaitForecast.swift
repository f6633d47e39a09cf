import Glibc
import Timebase

/// What waits to come are reckoned from: the mean of two estimates that err in different ways, after Ibrahim and Whitt (Real-Time
/// Delay Estimation in Overloaded Multiserver Queues with Abandonments, Management Science, 2009).
///
/// Their QLm knows the line: whoever stands behind `n` callers waits for `n + 1` departures, the one that finds `i` before him for 1 / (a
/// + i·θ) seconds in the mean, where `a` callers a second are answered, and each of those who wait gives up at the rate θ. Both are
/// ratios of what was counted lately while somebody had to wait, so that calls of other queues, misses and rests, which keep the same
/// agents, are in them, and time-outs too. Their LES knows what the line does not show, such as agents who prefer another queue:
/// the wait of those who were answered last. A decision costs the same whatever the length of the line.
struct WaitForecast {
    /// The mean of the last handling times (talk and wrap-up): the pace of a queue that has not been seen at work.
    private var handling: Duration = .seconds(180)
    /// The mean of the last ringings that were answered.
    private var ringing: Duration = .seconds(5)
    /// Answers while somebody had to wait, and the agents' seconds that passed then.
    private var answers = 0.0
    private var agentSeconds = 0.0
    /// Callers who left without an answer then, and the callers' seconds of waiting.
    private var losses = 0.0
    private var callerSeconds = 0.0
    /// The mean wait of those who were answered last.
    private var recent: Duration?
    private var last = Instant(nanoseconds: 0)

    /// So many answers are remembered, the older the less.
    private static let memory = 30.0
    /// As many answers at the pace of `handling` are believed beforehand.
    private static let belief = 3.0

    /// How long one will yet wait who has waited for `waited`, stands behind so many callers for whom no phone rings, and is
    /// to be answered by one of `staffed` agents.
    func wait(behind before: Int, staffed: Int, after waited: Duration) -> Duration {
        let line = byLine(min(before, 100_000), staffed) + ringing
        guard let recent, recent > waited else { return line }
        return (line + recent - waited) / 2
    }

    private func byLine(_ count: Int, _ staffed: Int) -> Duration {
        let before = Double(count)
        let perAgent = (answers + Self.belief) / (agentSeconds + Self.belief * max(handling.inSeconds, 1))
        let answered = perAgent * Double(max(1, staffed))
        let givesUp = losses / max(callerSeconds, 1)
        // The sum of 1 / (a + iθ) over i = 0…n after Euler and Maclaurin: its integral, and half of both ends.
        let ends = (1 / answered + 1 / (answered + before * givesUp)) / 2
        let between = givesUp > 1e-9 ? log1p(before * givesUp / answered) / givesUp : before / answered
        return .milliseconds(Int64(min(ends + between, 1e9) * 1000))
    }

    mutating func noteHandling(_ duration: Duration) { handling = Self.mean(handling, duration, of: 10) }

    mutating func noteRinging(_ duration: Duration) { ringing = Self.mean(ringing, duration, of: 10) }

    /// Time passed in which so many agents worked, and so many callers waited for whom no phone rang.
    mutating func pass(to now: Instant, staffed: Int, waiting: Int) {
        defer { last = now }
        guard waiting > 0, now > last else { return }
        // An hour at most counts, so that a night is no pace.
        let seconds = min(now - last, .seconds(3600)).inSeconds
        agentSeconds += seconds * Double(staffed)
        callerSeconds += seconds * Double(waiting)
    }

    /// One is gone, to an agent or for good, while somebody had to wait; `pass` has been told of the time before.
    mutating func noteDeparture(after waited: Duration, isAnswered: Bool) {
        guard isAnswered else {
            losses += 1
            return
        }
        recent = recent.map { Self.mean($0, waited, of: 3) } ?? waited
        let share = 1 - 1 / Self.memory
        (answers, agentSeconds) = ((answers + 1) * share, agentSeconds * share)
        (losses, callerSeconds) = (losses * share, callerSeconds * share)
    }

    /// What is known of the pace, for the time after a restart.
    var memory: Dispatcher.QueueMemory {
        Dispatcher.QueueMemory(
            handling: handling.inSeconds,
            ringing: ringing.inSeconds,
            answers: answers,
            agentSeconds: agentSeconds,
            losses: losses,
            callerSeconds: callerSeconds,
            recent: recent?.inSeconds
        )
    }

    /// `memory` of before a restart. What is no pace is left aside: it was read from a file.
    mutating func restore(_ memory: Dispatcher.QueueMemory) {
        let counts = [memory.answers, memory.agentSeconds, memory.losses, memory.callerSeconds]
        let times = [memory.handling, memory.ringing, memory.recent ?? 0]
        guard (counts + times).allSatisfy({ $0.isFinite && $0 >= 0 && $0 < 1e9 }) else { return }
        (handling, ringing) = (Self.duration(memory.handling), Self.duration(memory.ringing))
        (answers, agentSeconds) = (memory.answers, memory.agentSeconds)
        (losses, callerSeconds) = (memory.losses, memory.callerSeconds)
        recent = memory.recent.map(Self.duration)
    }

    private static func duration(_ seconds: Double) -> Duration { .milliseconds(Int64(seconds * 1000)) }

    private static func mean(_ mean: Duration, _ next: Duration, of count: Int64) -> Duration {
        .nanoseconds(next.wholeNanoseconds / count &+ mean.wholeNanoseconds / count &* (count - 1))
    }
}

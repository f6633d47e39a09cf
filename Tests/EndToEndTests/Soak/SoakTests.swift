import Foundation
import Testing

/// A hundred callers and twenty operators over the wire; every figure of the reports is recomputed from what was seen there.
///
/// Counts are equal. Times are seen on the wire some milliseconds before or after the switch sees them: means within 0.15 s, sums
/// within 0.1 s a change of state, what begins with a command of the administrator within 3 s. A wait within 0.25 s of a threshold
/// may count on either side of it.
///
/// `make soak` has callers come for five minutes; SOAK_SECONDS for as long as it says.
@Suite("A contact centre at work", .serialized)
struct SoakTests {
    private static let seconds = Double(ProcessInfo.processInfo.environment["SOAK_SECONDS"] ?? "") ?? 26

    @Test func `the reports of queues and agents are what the wires saw`() throws {
        let centre = try SoakCentre()
        try centre.run(seconds: Self.seconds)
        #expect(centre.faults == [])
        let figures = WireFigures(centre.log, wrapUps: ["sales": 2, "support": 1])
        let ended = centre.now
        let agents = try centre.running.rows("stats", "agents")
        let asked = centre.now
        try compareQueues(centre, figures)
        #expect(agents.count == SoakCentre.operators.count)
        for row in agents { try compare(row, figures, until: ended...asked) }
        try compareOccupancy(centre, figures, at: asked)
        #expect(try centre.running.metric("gudok_invariants_broken_total") == 0)
        let offered = figures.queues.values.reduce(0) { $0 + $1.offered }
        #expect(offered > Int(Self.seconds * 3))
        print(
            "\(offered) callers; "
                + figures.queues.sorted { $0.key < $1.key }.map {
                    "\($0.key): \($0.value.answered) answered, \($0.value.abandoned) abandoned, \($0.value.overflowed) timed out"
                }.joined(separator: "; ")
        )
    }

    private func compareQueues(_ centre: SoakCentre, _ figures: WireFigures) throws {
        let rows = try centre.running.rows("stats", "queues")
        #expect(rows.count == SoakCentre.queues.count)
        for row in rows {
            let name = try #require(row["queue"] as? String)
            let seen = try #require(figures.queues[name])
            let number = { (key: String) in (row[key] as? NSNumber)?.doubleValue ?? -1 }
            #expect(number("offered") == Double(seen.offered), "\(name)")
            #expect(number("answered") == Double(seen.answered), "\(name)")
            #expect(number("abandoned") == Double(seen.abandoned), "\(name)")
            #expect(number("overflowed") == Double(seen.overflowed), "\(name)")
            #expect(number("waiting") == 0, "\(name)")
            let short = WireFigures.Queue.count(seen.waitsOfAbandoned, within: 2)
            #expect(
                short.contains(Int(number("short_abandoned"))),
                "\(name): short \(number("short_abandoned")), \(short)"
            )
            // SL6: answered in time, of all but the short abandons.
            let inTime = WireFigures.Queue.count(seen.waitsOfAnswered, within: 3)
            let all = Double(seen.answered + seen.abandoned) - number("short_abandoned")
            let level = Double(inTime.lowerBound) / all - 0.001...Double(inTime.upperBound) / all + 0.001
            #expect(level.contains(number("service_level")), "\(name): level \(number("service_level")), \(level)")
            let answered = Double(max(1, seen.answered))
            let asa = seen.waitsOfAnswered.reduce(0, +) / answered
            #expect(abs(number("asa_s") - asa) < 0.15, "\(name): ASA \(number("asa_s")), \(asa)")
            #expect(
                abs(number("max_wait_s") - seen.longestWait) < 0.5,
                "\(name): \(number("max_wait_s")), \(seen.longestWait)"
            )
            #expect(
                abs(number("talk_s") + number("hold_s") - seen.talk) < 0.1 * answered,
                "\(name): talk \(number("talk_s")), \(seen.talk)"
            )
            let wrapUp = name == "sales" ? 2.0 : 1.0
            #expect(abs(number("acw_s") - wrapUp) < 0.1, "\(name): ACW \(number("acw_s"))")
            let handling = seen.talk / answered + wrapUp
            #expect(abs(number("aht_s") - handling) < 0.2, "\(name): AHT \(number("aht_s")), \(handling)")
            // Of the callers who counted: short abandons do not.
            let rate = (Double(seen.abandoned) - number("short_abandoned")) / all
            #expect(abs(number("abandon_rate") - rate) < 0.001, "\(name): \(number("abandon_rate")), \(rate)")
            #expect(
                abs(number("hold_s") - seen.hold) < 0.5 + 0.1 * Double(seen.holds),
                "\(name): hold \(number("hold_s")), \(seen.hold)"
            )
        }
    }

    private func compare(_ row: [String: Any], _ figures: WireFigures, until end: ClosedRange<Double>) throws {
        let name = try #require(row["agent"] as? String)
        let seen = try #require(figures.agents[name])
        let number = { (key: String) in (row[key] as? NSNumber)?.doubleValue ?? -1 }
        let blur = 0.5 + 0.1 * Double(seen.changes)
        #expect(number("handled") == Double(seen.handled), "\(name)")
        #expect(
            number("offers") == Double(seen.offers) && number("missed") == Double(seen.missed),
            "\(name): \(row), \(seen)"
        )
        #expect(
            abs(number("talk_s") + number("hold_s") - seen.talk) < blur && abs(number("on_call_s") - seen.talk) < blur,
            "\(name): \(row), \(seen)"
        )
        #expect(abs(number("acw_s") - seen.wrapUp) < blur && abs(number("wrap_up_s") - seen.wrapUp) < blur, "\(name)")
        #expect(abs(number("ringing_s") - seen.ringing) < blur, "\(name): \(number("ringing_s")), \(seen.ringing)")
        let work = end.lowerBound - seen.loggedIn - 1...end.upperBound - seen.loggedIn + 3
        #expect(work.contains(number("logged_in_s")), "\(name): logged in \(number("logged_in_s")), \(work)")
        let rest = seen.talk + seen.wrapUp + seen.ringing + seen.paused
        #expect(abs(number("available_s") - (number("logged_in_s") - rest)) < 2 * blur, "\(name): \(row), \(seen)")
        #expect(
            abs(number("paused_s") - seen.paused) < 2 && number("check_s") == 0,
            "\(name): paused \(number("paused_s")), \(seen.paused)"
        )
    }

    /// Of a queue's agents together, wherever they worked.
    private func compareOccupancy(_ centre: SoakCentre, _ figures: WireFigures, at end: Double) throws {
        for row in try centre.running.rows("stats", "queues") {
            let members = try #require(SoakCentre.members[row["queue"] as? String ?? ""])
            let seen = members.compactMap { figures.agents["\($0)"] }
            let work = seen.reduce(0) { $0 + $1.talk + $1.wrapUp }
            let time = seen.reduce(0) { $0 + end - $1.loggedIn - $1.paused }
            let occupancy = (row["occupancy"] as? NSNumber)?.doubleValue ?? -1
            #expect(abs(occupancy - work / time) < 0.05, "\(row["queue"] ?? ""): \(occupancy), \(work / time)")
        }
    }
}

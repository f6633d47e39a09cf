import Testing

@testable import Statistics

@Suite("Queues")
struct QueueTests {
    /// The example of callcentrehelper.com: A 1000, B 60, Aₓ 860, Bₓ 20, Bₕ 10 at X 20 s and h 5 s.
    static let example: QueueTally = {
        var tally = QueueTally()
        let groups: [(Int, Int64, QueueCallOutcome.Outcome)] = [
            (860, 20_000, .answered), (140, 20_001, .answered), (10, 5_000, .abandoned), (10, 5_001, .abandoned),
            (40, 30_000, .abandoned),
        ]
        for (count, wait, outcome) in groups {
            for _ in 0..<count { tally.add(QueueCallOutcome(wait: wait, outcome: outcome), under: ServiceThresholds()) }
        }
        return tally
    }()

    @Test(arguments: [
        (ServiceLevelFormula.sl1, 0.830189), (.sl2, 0.860000), (.sl3, 0.811321), (.sl4, 0.826923), (.sl5, 0.820755),
        (.sl6, 0.819048),
    ])
    func `the six formulas give what their source computes`(formula: ServiceLevelFormula, expected: Double) throws {
        let value = try #require(formula.value(of: Self.example))
        #expect(abs(value - expected) < 1e-6)
    }

    @Test(arguments: [
        (ServiceLevelFormula.ciscoIgnore, 0.777778), (.ciscoNegative, 0.700000), (.ciscoPositive, 0.800000),
    ])
    func `Cisco's three count calls with a service level event`(formula: ServiceLevelFormula, expected: Double) throws {
        var tally = QueueTally()
        (tally.answeredWithin, tally.abandonedWithin, tally.exceeded) = (70, 10, 20)
        let value = try #require(formula.value(of: tally))
        #expect(abs(value - expected) < 1e-6)
    }

    @Test func `no calls are no service level and no average`() {
        for formula in ServiceLevelFormula.allCases { #expect(formula.value(of: QueueTally()) == nil) }
        for metric in QueueMetric.allCases { #expect(metric.value(of: QueueTally()) == nil) }
        for metric in AgentMetric.allCases { #expect(metric.value(of: AgentTime()) == nil) }
    }

    @Test func `the standard formula leaves short abandons out`() {
        #expect(ServiceLevelFormula.standard.rawValue == "SL6")
    }

    @Test func `a call that still waits counts against the level once X is over, and not before`() {
        var tally = QueueTally()
        tally.add(QueueCallOutcome(wait: 3_000, outcome: .answered), under: ServiceThresholds())
        tally.add(QueueCallOutcome(wait: 20_000, outcome: .stillWaiting), under: ServiceThresholds())
        #expect(ServiceLevelFormula.sl6.value(of: tally) == 1)
        tally.add(QueueCallOutcome(wait: 20_001, outcome: .stillWaiting), under: ServiceThresholds())
        #expect(ServiceLevelFormula.sl6.value(of: tally) == 0.5)
        #expect(ServiceLevelFormula.ciscoNegative.value(of: tally) == 0.5)
    }

    @Test func `overflow and callbacks are no abandons`() {
        var tally = QueueTally()
        for outcome in QueueCallOutcome.Outcome.allCases {
            tally.add(QueueCallOutcome(wait: 1_000, outcome: outcome), under: ServiceThresholds())
        }
        #expect(tally.offered == tally.answered + tally.abandoned + tally.overflowed + tally.callbacks + tally.waiting)
        #expect((tally.offered, tally.abandoned, tally.overflowed + tally.callbacks, tally.waiting) == (5, 1, 2, 1))
        #expect(QueueMetric.abandonRateOfOffered.value(of: tally) == 0.2)
        #expect(QueueMetric.abandonRate.value(of: tally) == 0)
        #expect(QueueMetric.shortAbandonRate.value(of: tally) == 0.2)
    }

    @Test func `averages are sums over counts, and queue time is not in the handle time`() {
        var tally = QueueTally()
        tally.add(
            QueueCallOutcome(
                wait: 10_000,
                outcome: .answered,
                talk: 100_000,
                hold: 20_000,
                wrapUpAuto: 5_000,
                wrapUpManual: 25_000,
                ring: 4_000,
                offers: 3
            ),
            under: ServiceThresholds()
        )
        tally.add(QueueCallOutcome(wait: 20_000, outcome: .answered, talk: 50_000), under: ServiceThresholds())
        tally.add(
            QueueCallOutcome(wait: 60_000, outcome: .abandoned, offers: 1, offersAbandoned: 1),
            under: ServiceThresholds()
        )
        #expect(QueueMetric.averageSpeedOfAnswer.value(of: tally) == 15)
        #expect(QueueMetric.averageDelay.value(of: tally) == 30)
        #expect(QueueMetric.averageTimeToAbandon.value(of: tally) == 60)
        #expect(QueueMetric.averageHandleTime.value(of: tally) == 100)
        #expect(QueueMetric.averageWrapUp.value(of: tally) == 15)
        #expect(QueueMetric.agentAnswerRate.value(of: tally) == 0.5)
        #expect(QueueMetric.agentAnswerRateOfOffers.value(of: tally) == 0.4)
        #expect(tally.longestWait == 60_000)
        // 88 600 s over 352 calls, the weighted average of contactcentrehelper.com: 252 s.
        var weighted = QueueTally()
        (weighted.talk, weighted.answered, weighted.talked) = (88_600_000, 352, 352)
        #expect(QueueMetric.averageHandleTime.value(of: weighted).map { $0.rounded() } == 252)
        // Ten more are in talk.
        weighted.answered += 10
        #expect(QueueMetric.averageHandleTime.value(of: weighted).map { $0.rounded() } == 252)
    }

    @Test func `tallies form a monoid, and no field is forgotten`() {
        var random = SplitMix(state: 1)
        let tallies = (0..<3).map { _ in
            var tally = QueueTally()
            for _ in 0..<200 {
                let outcome = QueueCallOutcome.Outcome.allCases[Int(random.next() % 5)]
                let time = { Int64(random.next() % 60_000) }
                tally.add(
                    QueueCallOutcome(
                        wait: time(),
                        outcome: outcome,
                        talk: time(),
                        hold: time(),
                        wrapUpAuto: time(),
                        wrapUpManual: time(),
                        ring: time(),
                        offers: 3,
                        offersAbandoned: 1
                    ),
                    under: ServiceThresholds()
                )
            }
            return tally
        }
        let (a, b, c) = (tallies[0], tallies[1], tallies[2])
        #expect((a + b) + c == a + (b + c))
        #expect(a + b == b + a)
        #expect(a + QueueTally() == a)
        let doubled = Mirror(reflecting: a + a).children
        for (one, two) in zip(Mirror(reflecting: a).children, doubled) where one.label != "longestWait" {
            #expect((one.value as? Int64 ?? 0) > 0)
            #expect((one.value as? Int64).map { $0 * 2 } == two.value as? Int64, "\(one.label ?? "")")
        }
    }

    @Test func `times from a stepped clock neither trap nor subtract`() {
        var tally = QueueTally()
        for value in [Int64.min, -1, .max, .max] {
            tally.add(
                QueueCallOutcome(wait: value, outcome: .answered, talk: value, hold: value, wrapUpAuto: value),
                under: ServiceThresholds(answerWithin: .min, shortAbandon: .max, targetPercent: .nan)
            )
        }
        #expect(tally.talk == .max)
        #expect(tally.handling == .max)
        #expect(tally.answeredWithin == 2)
    }

    @Test func `occupancy names what ringing and off-phone work count as`() {
        var time = AgentTime()
        // 6 minutes of talk, 1 of wrap-up, 3 idle: 70 %.
        (time.talk, time.wrapUp, time.available, time.paid) = (360_000, 60_000, 180_000, 1_200_000)
        #expect(AgentMetric.occupancy.value(of: time) == 0.7)
        #expect(AgentMetric.utilisation.value(of: time) == 0.5)
        (time.ringing, time.available) = (60_000, 120_000)
        #expect(AgentMetric.occupancy.value(of: time) == 0.7)
        #expect(AgentMetric.occupancyWithRinging.value(of: time) == 0.8)
        time.offPhone = 200_000
        #expect(AgentMetric.occupancyWithOffPhone.value(of: time) == 0.775)
        #expect((time + time).offPhone == 400_000)
    }

    @Test func `every name and every formula is its own`() {
        #expect(Set(ServiceLevelFormula.allCases.map(\.formula)).count == 9)
        #expect(Set(QueueMetric.allCases.map(\.formula)).count == QueueMetric.allCases.count)
        #expect(Set(AgentMetric.allCases.map(\.formula)).count == AgentMetric.allCases.count)
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        let mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return mixed ^ (mixed >> 27)
    }
}

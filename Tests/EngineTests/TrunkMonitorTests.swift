import Config
import NetAddress
import SIP
import Testing
import Timebase

@testable import Engine

/// Whether a trunk answers, and how many calls it may carry, under a virtual clock.
@Suite struct TrunkMonitorTests {
    private static func moment(_ seconds: Int) -> Moment {
        Moment(instant: Instant(nanoseconds: Int64(seconds) * 1_000_000_000), wall: WallTime(milliseconds: 0))
    }

    private func monitor(_ change: (inout Trunk) -> Void = { _ in }) -> TrunkMonitor {
        var trunk = Trunk(name: "carrier", host: "192.0.2.1")
        change(&trunk)
        return TrunkMonitor(trunk: trunk, now: Self.moment(0).instant)
    }

    @Test func `three probes without an answer in a row mark it down, one answer brings it up, each told once`() {
        var monitor = monitor()
        let early = [1, 2].map { monitor.missed("no answer", now: Self.moment($0)) }
        let answer = monitor.answered(now: Self.moment(3).instant, repeated: nil)
        #expect(early == [false, false] && !answer && monitor.isUp)
        let told = [4, 5, 6, 7].map { monitor.missed("no answer \($0)", now: Self.moment($0)) }
        #expect(told == [false, false, true, false])
        #expect(!monitor.isUp && monitor.downSince == Self.moment(6) && monitor.lastFailure == "no answer 7")
        monitor.probeSent = Self.moment(8).instant
        let back = [9, 10].map { monitor.answered(now: Self.moment($0).instant, repeated: nil) }
        #expect(back == [true, false])
        #expect(monitor.isUp && monitor.downSince == nil && monitor.roundTrip == .seconds(1))
    }

    private static func target(_ number: UInt32, port: UInt16 = 5060) -> ServerTarget {
        ServerTarget(transport: .udp, address: SocketAddress(.v4(number), port))
    }

    /// Servers 1 and 2, and 3 for when they fail.
    private static let location = ServerLocation(
        servers: [
            Server(transport: .udp, priority: 1, port: 5060, addresses: [.v4(1), .v4(2)]),
            Server(transport: .udp, priority: 2, port: 5060, addresses: [.v4(3)]),
        ]
    )

    private func named() -> TrunkMonitor {
        var monitor = TrunkMonitor(trunk: Trunk(name: "carrier", host: "carrier.test"), now: Self.moment(0).instant)
        monitor.note(Self.location, now: Self.moment(0).instant)
        return monitor
    }

    @Test func `RFC 3263 §4.3: a server that failed comes last for a minute, or until it answers`() {
        var monitor = named()
        var lots = SeededGenerator(seed: 1)
        func order(_ seconds: Int) -> [ServerTarget] {
            monitor.targets(now: Self.moment(seconds).instant, using: &lots)
        }
        #expect(order(0) == [1, 2, 3].map { Self.target($0) })
        let isNews = (0..<2).map { _ in monitor.avoid(Self.target(1), for: nil, now: Self.moment(1).instant) }
        #expect(isNews == [true, false])
        #expect(order(60) == [2, 3, 1].map { Self.target($0) })
        #expect(order(61) == [1, 2, 3].map { Self.target($0) })
        _ = monitor.avoid(Self.target(2), for: nil, now: Self.moment(61).instant)
        #expect(order(62) == [1, 3, 2].map { Self.target($0) })
        let isBack = (0..<2).map { _ in monitor.restore(Self.target(2)) }
        #expect(isBack == [true, false])
        #expect(order(62) == [1, 2, 3].map { Self.target($0) })
        let isForeign = monitor.avoid(Self.target(1, port: 5070), for: nil, now: Self.moment(62).instant)
        #expect(!isForeign)
    }

    @Test(arguments: [(nil, 60), (90, 90), (5, 60), (86_400, 600)] as [(Int?, Int)])
    func `RFC 3261 §21.5.4: Retry-After says how long, within bounds`(seconds: Int?, absence: Int) {
        var monitor = named()
        var lots = SeededGenerator(seed: 1)
        _ = monitor.avoid(Self.target(1), for: seconds, now: Self.moment(0).instant)
        let before = monitor.targets(now: Self.moment(absence - 1).instant, using: &lots).first
        let after = monitor.targets(now: Self.moment(absence).instant, using: &lots).first
        #expect(before == Self.target(2) && after == Self.target(1))
    }

    @Test(arguments: [(5, 5), (86_400, 60), (0, 0), (-1, 0)])
    func `RFC 3261 §21.5.4: a trunk is left alone for as long as it says, a minute at most`(seconds: Int, rest: Int) {
        var monitor = monitor()
        monitor.leaveAlone(for: seconds, now: Self.moment(10).instant)
        #expect(monitor.rest(now: Self.moment(10).instant) ?? 0 == rest)
        #expect(monitor.rest(now: Self.moment(10 + rest).instant) == nil)
    }

    @Test func `a trunk is known by all addresses of its servers, and for an hour by those that it had`() {
        var monitor = named()
        func knows(_ number: UInt32, at seconds: Int) -> Bool {
            monitor.hasServer(at: .v4(number), now: Self.moment(seconds).instant)
        }
        #expect([1, 2, 3].allSatisfy { knows($0, at: 0) } && !knows(4, at: 0))
        let moved = ServerLocation(servers: [Server(transport: .udp, port: 5060, addresses: [.v4(4)])])
        monitor.note(moved, now: Self.moment(10).instant)
        #expect(knows(4, at: 9_999) && knows(1, at: 3_599) && !knows(1, at: 3_600))
    }

    @Test func `places are taken and given back, and a change of the limits keeps who is there`() {
        var monitor = monitor { $0.maxCalls = 2 }
        let waits = (0..<3).map { _ in monitor.admit(now: Self.moment(0).instant) }
        #expect(waits == [nil, nil, 5])
        monitor.release()
        #expect(monitor.activeCalls == 1)
        var wider = Trunk(name: "carrier", host: "192.0.2.1")
        wider.maxCalls = 1
        var changed = TrunkMonitor(trunk: wider, keeping: monitor, now: Self.moment(1).instant)
        let wait = changed.admit(now: Self.moment(1).instant)
        #expect(wait == 5)
        for _ in 0..<5 { changed.release() }
        #expect(changed.activeCalls == 0)
    }

    @Test func `calls over the limit are on record a minute's worth at once and one a second; the rest is counted`() {
        var monitor = monitor { $0.maxCalls = 0 }
        func recorded(_ calls: Int, at seconds: Int) -> Int {
            (0..<calls).count { _ in monitor.turnsAwayOnRecord(now: Self.moment(seconds).instant) }
        }
        #expect(recorded(1_000, at: 0) == 60)
        #expect(recorded(1_000, at: 5) == 5)
        #expect(monitor.turnedAway == 2_000 && monitor.unrecorded == 1_935)
        var changed = TrunkMonitor(trunk: monitor.trunk, keeping: monitor, now: Self.moment(5).instant)
        #expect(!changed.turnsAwayOnRecord(now: Self.moment(5).instant) && changed.turnedAway == 2_001)
        monitor = changed
        #expect(recorded(1_000, at: 3_600) == 60)
    }

    @Test(arguments: [true, false])
    func `one that is down is tried when nobody asks it any more`(isAsked: Bool) {
        var monitor = monitor()
        for second in 1...3 { _ = monitor.missed("no answer", now: Self.moment(second)) }
        var trunk = Trunk(name: "carrier", host: "192.0.2.1")
        trunk.probe.isEnabled = isAsked
        let changed = TrunkMonitor(trunk: trunk, keeping: monitor, now: Self.moment(4).instant)
        #expect(changed.isUp == !isAsked && (changed.lastFailure == nil) == !isAsked)
        #expect(changed.failures == (isAsked ? 3 : 0))
    }

    @Test func `what another address did not answer is not counted on`() {
        var monitor = monitor()
        for second in 1...2 { _ = monitor.missed("no answer", now: Self.moment(second)) }
        let moved = Trunk(name: "carrier", host: "192.0.2.2")
        let changed = TrunkMonitor(trunk: moved, keeping: monitor, now: Self.moment(3).instant)
        #expect(changed.isUp && changed.failures == 0)
    }

    @Test(arguments: [(10, [nil, 1]), (1, [nil, 1]), (20, [nil, 1]), (nil, [nil, nil])] as [(Int?, [Int?])])
    func `a change of the configuration gives no new second's worth of calls`(next: Int?, told: [Int?]) {
        var monitor = monitor { $0.callsPerSecond = 10 }
        let start = Self.moment(0).instant
        for _ in 0..<9 { _ = monitor.admit(now: start) }
        var trunk = Trunk(name: "carrier", host: "192.0.2.1")
        trunk.callsPerSecond = next
        var changed = TrunkMonitor(trunk: trunk, keeping: monitor, now: start)
        let waits = (0..<2).map { _ in changed.admit(now: start) }
        #expect(waits == told)
    }

    @Test func `calls per second: a second's worth at once, then as they grow back`() {
        var monitor = monitor { $0.callsPerSecond = 10 }
        let start = Self.moment(0).instant
        let first = (0..<11).map { _ in monitor.admit(now: start) }
        #expect(first == Array(repeating: nil, count: 10) + [1])
        let later = [99, 200].map { monitor.admit(now: start + .milliseconds($0)) }
        #expect(later == [1, nil])
        var taken = 0
        while monitor.admit(now: start + .seconds(60)) == nil { taken += 1 }
        #expect(taken == 10)
    }

    @Test func `an answer to a question that was repeated tells no round trip`() {
        var monitor = monitor()
        for (answered, told) in [(100, 100), (700, 100), (300, 300)] {
            let start = Self.moment(10).instant
            monitor.probeSent = start
            _ = monitor.answered(now: start + .milliseconds(answered), repeated: .milliseconds(500))
            #expect(monitor.roundTrip == .milliseconds(told))
        }
        monitor.probeSent = Self.moment(20).instant
        _ = monitor.answered(now: Self.moment(22).instant, repeated: nil)
        #expect(monitor.roundTrip == .seconds(2))
    }
}

import Config
import NetAddress
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
        let answer = monitor.answered(now: Self.moment(3).instant)
        #expect(early == [false, false] && !answer && monitor.isUp)
        let told = [4, 5, 6, 7].map { monitor.missed("no answer \($0)", now: Self.moment($0)) }
        #expect(told == [false, false, true, false])
        #expect(!monitor.isUp && monitor.downSince == Self.moment(6) && monitor.lastFailure == "no answer 7")
        monitor.probeSent = Self.moment(8).instant
        let back = [9, 10].map { monitor.answered(now: Self.moment($0).instant) }
        #expect(back == [true, false])
        #expect(monitor.isUp && monitor.downSince == nil && monitor.roundTrip == .seconds(1))
    }

    @Test func `RFC 3263 §4.2: a probe that fails at one address goes to the next, and what answers stays in use`() {
        var monitor = monitor()
        let addresses = [IPAddress.v4(1), .v4(2), .v4(3)]
        monitor.addresses = addresses
        _ = monitor.missed("no answer", now: Self.moment(1))
        #expect(monitor.addresses == [.v4(2), .v4(3), .v4(1)])
        _ = monitor.answered(now: Self.moment(2).instant)
        #expect(monitor.addresses.first == .v4(2))
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
}

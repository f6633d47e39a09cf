import NetAddress
import SIP
import Testing
import Timebase

@testable import Engine

/// How long DNS is believed, under a virtual clock.
@Suite struct NameCacheTests {
    private static let query = ServerQuery(host: "carrier.test", port: nil, transport: nil, supported: [.udp])

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    private static func location(_ number: UInt32, seconds: Int) -> ServerLocation {
        ServerLocation(
            servers: [Server(transport: .udp, port: 5060, addresses: [.v4(number)])],
            lasting: .seconds(seconds)
        )
    }

    private static let silence = ServerLocation(servers: [], lasting: .seconds(30), fault: "why", isUnanswered: true)

    @Test func `a name is asked for once, and again when the answer has run out`() {
        var names = NameCache()
        let first = (0..<2).map { _ in names.shouldAsk(Self.query, now: Self.at(0)) }
        #expect(first == [true, false])
        _ = names.learn(Self.query, Self.location(1, seconds: 40), now: Self.at(1))
        #expect(names.nextDue([Self.query]) == Self.at(41))
        let later = [2, 40, 41].map { names.shouldAsk(Self.query, now: Self.at($0)) }
        #expect(later == [false, false, true])
        // Until the new answer is there, the old one serves, and nobody asks for some time.
        #expect(names.location(Self.query)?.addresses == [.v4(1)])
        #expect(names.nextDue([Self.query]) == Self.at(51))
    }

    @Test func `a question that nobody answered is put again after ten seconds`() {
        var names = NameCache()
        let asked = [0, 9, 10].map { names.shouldAsk(Self.query, now: Self.at($0)) }
        #expect(asked == [true, false, true])
    }

    @Test func `DNS that does not answer takes nothing away, one that says no does`() {
        var names = NameCache()
        _ = names.learn(Self.query, Self.location(1, seconds: 10), now: Self.at(0))
        let kept = names.learn(Self.query, Self.silence, now: Self.at(10))
        #expect(kept.addresses == [.v4(1)] && names.nextDue([Self.query]) == Self.at(40))
        let no = ServerLocation(servers: [], lasting: .seconds(30), fault: "no address")
        #expect(names.learn(Self.query, no, now: Self.at(40)).servers.isEmpty)
        #expect(names.location(Self.query)?.fault == "no address")
    }

    @Test func `what nobody wants to know any more is forgotten`() {
        var names = NameCache()
        _ = names.learn(Self.query, Self.location(1, seconds: 10), now: Self.at(0))
        names.keep([])
        #expect(names.location(Self.query) == nil && names.nextDue([Self.query]) == nil)
    }
}

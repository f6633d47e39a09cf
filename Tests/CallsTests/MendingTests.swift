import Config
import DialPlan
import Events
import Media
import NetAddress
import SIP
import SIPMessage
import Testing
import Timebase

@testable import Calls

/// Faults that are put in by hand, and what the check of every second makes of them.
@Suite struct MendingTests {
    /// A media plane that loses the report of every port that it closes.
    private final class MuteMedia: MediaControl {
        private var count: UInt64 = 0
        let pairsFree = 1_000
        private(set) var closed: [UInt64] = []

        func open(near: MediaID?, isV6: Bool) throws(MediaRefusal) -> MediaPort {
            count += 1
            return MediaPort(id: MediaID(rawValue: count), address: .v4(0x7F00_0001), rtpPort: 20_000)
        }

        func perform(_ command: MediaCommand) { if case .close(let id) = command { closed.append(id.rawValue) } }
        func reaches(_ address: IPAddress) -> Bool { true }
        func areTogether(_ a: MediaID, _ b: MediaID) -> Bool { true }
        func flush() {}
    }

    private let media = MuteMedia()
    private let core: CallCore

    init() {
        core = CallCore(
            settings: CallSettings(
                session: SessionSettings(),
                codecs: ["PCMA"],
                rtpTimeout: nil,
                maximumDuration: .seconds(3600)
            ),
            bus: EventBus(node: "test"),
            media: media,
            ids: IdentifierSource(SeededGenerator(seed: 1)),
            now: Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 1_800_000_000_000)),
            generator: SeededGenerator(seed: 1),
            logger: { _, _, _ in }
        )
    }

    /// A call that the switch begins, over so many ways.
    private func originate(over count: Int) throws -> CallID {
        let uri = SIPURI(user: "1001", host: "10.0.0.1")
        let identity = CallerIdentity(
            tenant: Tenant(id: TenantID("demo"), domains: ["demo.test"]),
            direction: .internal,
            number: "1001",
            name: nil,
            trunk: nil,
            user: "1001",
            plan: DialPlan(name: "internal")
        )
        let route = TargetRoute(
            uri: uri,
            to: NameAddress(uri: uri),
            fromHost: "demo.test",
            flows: [],
            label: "user 1001"
        )
        return try #require(core.originate(from: identity, over: Array(repeating: route, count: count), to: "1002"))
    }

    @Test func `a port whose call is no more is closed, and told of once`() throws {
        let leg = LegID(call: CallID("gone"), index: 0)
        _ = try #require(core.openPort(for: leg, near: nil, isV6: false))
        #expect(core.mend().found == ["media port 1 was open for gone, which is no more"])
        #expect(media.closed == [1])
        #expect(core.residue["ports"] == 0)
        #expect(core.mend().found == [])
    }

    @Test func `a call that ended and whose ports never report is closed after two minutes, and its ports with it`()
        throws
    {
        let call = try originate(over: 1)
        #expect(core.hangUp(call, reason: "test"))
        core.now = Moment(instant: core.now.instant + .seconds(119), wall: core.now.wall)
        core.closeFinished()
        #expect(core.mend().found == [] && core.isUp(call))
        core.now = Moment(instant: core.now.instant + .seconds(2), wall: core.now.wall)
        #expect(core.mend().found == ["\(call) ended long ago, and legs or ports of it were left"])
        core.closeFinished()
        #expect(!core.isUp(call))
        #expect(core.mend().found.count == 1)
        #expect(core.residue["ports"] == 0 && core.mend().found == [])
    }

    @Test func `an offer under way with a leg that is over is dropped, and told of once`() throws {
        let id = try originate(over: 2)
        let call = try #require(core.call(id))
        call.relayed = Call.Relayed(from: 0, to: 1)
        #expect(core.mend().found == [])
        call.legs[1].progress.finish(.failed, status: nil, reason: "test")
        #expect(core.mend().found == ["\(id) had an offer under way with leg 1, which is over"])
        #expect(call.relayed == nil && core.mend().found == [])
    }

    @Test func `a fault is told once, and counted as mended only when it is`() {
        var invariants = Invariants()
        let stuck = Mending(found: ["a", "b"], left: ["b"])
        #expect(invariants.note(stuck) == ["mended: a", "cannot be mended: b"])
        #expect(invariants.note(Mending(found: ["b"], left: ["b"])) == [])
        #expect(invariants.found == 2 && invariants.mended == 1 && invariants.left == ["b"])
        #expect(invariants.note(Mending()) == [])
        #expect(invariants.found == 2 && invariants.mended == 2 && invariants.left == [])
    }
}

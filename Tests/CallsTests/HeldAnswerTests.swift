import ACD
import Config
import DialPlan
import Events
import Media
import NetAddress
import Prompts
import SIPMessage
import Testing
import Timebase

@testable import Calls
@testable import SIP

/// What comes while the caller's 200 waits for the record of his call.
@Suite struct HeldAnswerTests {
    private final class Plane: MediaControl {
        private var count: UInt64 = 0
        let pairsFree = 1_000

        func open(near: MediaID?, isV6: Bool) throws(MediaRefusal) -> MediaPort {
            count += 1
            return MediaPort(id: MediaID(rawValue: count), address: .v4(0x7F00_0001), rtpPort: 20_000)
        }

        func reaches(_ address: IPAddress) -> Bool { true }
        func perform(_ command: MediaCommand) {}
        func areTogether(_ a: MediaID, _ b: MediaID) -> Bool { true }
        func flush() {}
    }

    /// One phone, and what is sent.
    private final class World: CallSurroundings {
        let route: TargetRoute
        private(set) var requests: [SIPRequest] = []
        private(set) var responses: [(transaction: ServerTransactionID, status: Int)] = []

        init(_ route: TargetRoute) { self.route = route }

        func send(_ request: SIPRequest, over flows: [Flow]) -> ClientTransactionID {
            requests.append(request)
            return ClientTransactionID(UInt64(requests.count))
        }

        func respond(_ transaction: ServerTransactionID, with response: SIPResponse) {
            responses.append((transaction, response.status))
        }

        func reach(_ target: DialTarget, of tenant: Tenant) -> Reach { .routes([route]) }
        func phones(of extension: String, of tenant: Tenant) -> Reach { .routes([route]) }
        func cancel(_ transaction: ClientTransactionID, reason: String?) {}
        func sendStateless(_ message: SIPMessage, over flow: Flow) {}
        func legAppeared(_ callID: String) {}
        func release(_ trunk: TrunkID) {}
        func leave(_ trunk: TrunkID, aloneFor seconds: Int) {}
        func prompt(_ name: String, language: String) -> PromptClip? { nil }
        func localTime(in zone: String, at moment: WallTime) -> LocalTime { LocalTime(localSeconds: 0) }
        func ask(_ url: String, timeout: Duration, for call: CallID) {}
        func record(_ order: RecordingOrder) {}
        func tenant(_ id: TenantID) -> Tenant? { nil }
        func isOwn(_ uri: SIPURI, of tenant: Tenant) -> Bool { true }
        func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?) {}
        func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?) {}
    }

    private static let flow = Flow(
        transport: .udp,
        local: SocketAddress(.v4(0x7F00_0001), 5060),
        remote: SocketAddress(.v4(0x7F00_0001), 5070)
    )

    private static func description(_ port: Int) -> [UInt8] {
        let lines = [
            "v=0", "o=x 1 \(port) IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio \(port) RTP/AVP 8",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    private static func invite(from: String, to: String, callID: String, port: Int) -> SIPRequest {
        var request = SIPRequest(method: .invite, uri: SIPURI(user: "1002", host: "127.0.0.1"))
        request.headers.append(.via, "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK\(port)")
        for (name, value) in [
            (HeaderName.from, from), (.to, to), (.callID, callID), (.cSeq, "1 INVITE"),
            (.contact, "<sip:x@127.0.0.1:5070>"), (.contentType, "application/sdp"),
        ] { request.headers.append(name, value) }
        request.body = description(port)
        return request
    }

    @Test func `a callee who wants other media at once is to ask again in a moment`() throws {
        let uri = SIPURI(user: "1002", host: "127.0.0.1", port: 5070)
        let world = World(
            TargetRoute(
                uri: uri,
                to: NameAddress(uri: uri),
                fromHost: "demo.test",
                flows: [Self.flow],
                label: "user 1002",
                user: "1002"
            )
        )
        let core = CallCore(
            settings: CallSettings(
                session: SessionSettings(),
                codecs: ["PCMA"],
                rtpTimeout: nil,
                maximumDuration: .seconds(3600)
            ),
            bus: EventBus(node: "test"),
            media: Plane(),
            ids: IdentifierSource(SeededGenerator(seed: 1)),
            now: Moment(instant: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 1_800_000_000_000)),
            generator: SeededGenerator(seed: 1),
            logger: { _, _, _ in }
        )
        core.surroundings = world
        let step = Step(.dial(Step.Dial(target: .user(try Template("1002")))))
        let plan = DialPlan(name: "internal", routes: [Route(match: try Pattern("."), steps: [step])])
        let identity = CallerIdentity(
            tenant: Tenant(id: TenantID("demo"), domains: ["demo.test"]),
            direction: .internal,
            number: "1001",
            name: nil,
            trunk: nil,
            user: "1001",
            plan: plan
        )
        let first = Self.invite(
            from: "<sip:1001@demo.test>;tag=a",
            to: "<sip:1002@demo.test>",
            callID: "a",
            port: 4_000
        )
        try core.receiveInvite(first, transaction: ServerTransactionID(1), over: Self.flow, from: identity)
        let rung = try #require(world.requests.first)
        var answer = SIPResponse(status: 200, to: rung, toTag: "b")
        answer.headers.append(.contact, "<sip:1002@127.0.0.1:5070>")
        answer.headers.append(.contentType, "application/sdp")
        answer.body = Self.description(4_002)
        #expect(core.receive(answer, to: ClientTransactionID(1), over: Self.flow))
        #expect(!world.responses.contains { $0.status == 200 })

        let reinvite = Self.invite(
            from: "\(rung.headers[.to] ?? "");tag=b",
            to: rung.headers[.from] ?? "",
            callID: try rung.callID(),
            port: 4_004
        )
        #expect(core.receive(reinvite, transaction: ServerTransactionID(2), over: Self.flow))
        #expect(world.responses.last?.transaction == ServerTransactionID(2) && world.responses.last?.status == 491)
        core.recorded(try #require(core.callIDs.first))
        #expect(world.responses.last?.transaction == ServerTransactionID(1) && world.responses.last?.status == 200)
    }
}

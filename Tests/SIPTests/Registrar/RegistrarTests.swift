import Events
import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

@Suite struct RegistrarTests {
    private static let anna = UserID(tenant: "demo", number: "1001")
    private static let start = Moment(
        instant: Instant(nanoseconds: 1_000_000_000),
        wall: WallTime(milliseconds: 1_800_000_000_000)
    )

    private static func later(_ seconds: Int64) -> Moment {
        Moment(instant: start.instant + .seconds(seconds), wall: start.wall.advanced(by: .seconds(seconds)))
    }

    private static func flow(_ ip: UInt32 = 0x7F00_0001, port: UInt16 = 5062, connection: UInt64 = 0) -> Flow {
        Flow(
            transport: connection == 0 ? .udp : .tcp,
            local: SocketAddress(.v4(0x7F00_0001), 5060),
            remote: SocketAddress(.v4(ip), port),
            connection: connection
        )
    }

    private static func request(
        contacts: [String],
        cSeq: Int = 1,
        callID: String = "c1",
        expires: String? = nil
    ) -> SIPRequest {
        var request = SIPRequest(method: .register, uri: SIPURI(user: nil, host: "demo.test"))
        request.headers.append(.via, "SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKr\(cSeq)")
        request.headers.append(.from, "<sip:1001@demo.test>;tag=1")
        request.headers.append(.to, "<sip:1001@demo.test>")
        request.headers.append(.callID, callID)
        request.headers.append(.cSeq, "\(cSeq) REGISTER")
        for contact in contacts { request.headers.append(.contact, contact) }
        if let expires { request.headers.append(.expires, expires) }
        return request
    }

    /// Registers, and gives the status.
    private func register(
        _ registrar: inout Registrar,
        _ contacts: [String],
        cSeq: Int = 1,
        callID: String = "c1",
        expires: String? = nil,
        flow: Flow = Self.flow(),
        at moment: Moment = Self.start
    ) -> (status: Int, contacts: [String], actions: [RegistrarAction]) {
        let request = Self.request(contacts: contacts, cSeq: cSeq, callID: callID, expires: expires)
        let (response, actions) = registrar.register(request, user: Self.anna, over: flow, now: moment)
        return (response.status, response.headers.list(.contact), actions)
    }

    private func targets(_ registrar: Registrar, at moment: Moment = Self.start) -> [String] {
        registrar.bindings(for: Self.anna, now: moment.instant).map { "\($0.contact.user ?? "") \($0.target.remote)" }
    }

    @Test func `B073: several contacts in one REGISTER, each with its own expires and q`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let result = register(
            &registrar,
            ["<sip:a@127.0.0.1:5062>;q=0.2;expires=120", "<sip:b@127.0.0.1:5062>;q=0.9"],
            expires: "600"
        )
        #expect(result.status == 200)
        #expect(result.contacts.count == 2)
        #expect(result.contacts[0].contains("sip:b@") && result.contacts[0].contains("expires=600"))
        #expect(result.contacts[1].contains("expires=120"))
    }

    @Test func `B076: too short is 423 with Min-Expires, too long is cut`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let (refusal, _) = registrar.register(
            Self.request(contacts: ["<sip:a@127.0.0.1>;expires=10"]),
            user: Self.anna,
            over: Self.flow(),
            now: Self.start
        )
        #expect(refusal.status == 423 && refusal.headers[.minExpires] == "60")
        #expect(targets(registrar).isEmpty)
        let cut = register(&registrar, ["<sip:a@127.0.0.1>;expires=4294967295"], cSeq: 2)
        #expect(cut.contacts.first?.contains("expires=3600") == true)
    }

    @Test func `B075: without Contact the bindings are listed and none is changed`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@127.0.0.1>"])
        let fetched = register(&registrar, [], cSeq: 2)
        #expect(fetched.status == 200 && fetched.contacts.count == 1 && fetched.actions.isEmpty)
    }

    @Test func `RFC 3261 10.3: a star goes with Expires 0 alone, and takes everything`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@127.0.0.1>", "<sip:b@127.0.0.1>"])
        #expect(register(&registrar, ["*"], cSeq: 2, expires: "60").status == 400)
        #expect(targets(registrar).count == 2)
        #expect(register(&registrar, ["*"], cSeq: 3, expires: "0").status == 200)
        #expect(targets(registrar).isEmpty)
    }

    @Test func `B078: the same Call-ID with a lower or equal CSeq changes nothing, not even its other contacts`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@127.0.0.1>"], cSeq: 5)
        let overtaken = register(&registrar, ["<sip:new@127.0.0.1>", "<sip:a@127.0.0.1>;expires=0"], cSeq: 5)
        #expect(overtaken.status == 500)
        #expect(targets(registrar).count == 1)
        #expect(register(&registrar, ["<sip:a@127.0.0.1>;expires=0"], cSeq: 1, callID: "another").status == 200)
    }

    @Test func `B080: a binding ends on time, and says so`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@127.0.0.1>;expires=60"])
        #expect(targets(registrar, at: Self.later(59)).count == 1)
        #expect(targets(registrar, at: Self.later(61)).isEmpty)
        let actions = registrar.fire(now: Self.later(61))
        #expect(actions.contains { if case .publish(.registrationExpired, _) = $0 { true } else { false } })
        #expect(registrar.nextDeadline == nil)
    }

    @Test func `RFC 3261 10.3: what one REGISTER removes makes room for what it adds, in either order`() {
        var registrar = Registrar(limits: RegistrarLimits(maxContacts: 1))
        #expect(register(&registrar, ["<sip:a@127.0.0.1:5062>"]).status == 200)
        let moved = register(&registrar, ["<sip:a@127.0.0.1:5063>", "<sip:a@127.0.0.1:5062>;expires=0"], cSeq: 2)
        #expect(moved.status == 200 && targets(registrar) == ["a 127.0.0.1:5063"])
        let back = register(&registrar, ["<sip:a@127.0.0.1:5063>;expires=0", "<sip:a@127.0.0.1:5062>"], cSeq: 3)
        #expect(back.status == 200 && targets(registrar) == ["a 127.0.0.1:5062"])
        // One address cannot be taken away twice, or taken away and kept.
        let (kept, gone) = ("<sip:a@127.0.0.1:5062>", "<sip:a@127.0.0.1:5062>;expires=0")
        let (first, second) = ("<sip:b@127.0.0.1:1>", "<sip:b@127.0.0.1:2>")
        for more in [[gone, gone, first, second], [gone, kept, first]] {
            #expect(register(&registrar, more, cSeq: 4).status == 403)
        }
        #expect(targets(registrar) == ["a 127.0.0.1:5062"])
    }

    @Test func `RFC 3261 26.2.2: a sips Contact is refused where no TLS is spoken, and may be taken away`() {
        var registrar = Registrar(limits: RegistrarLimits())
        #expect(register(&registrar, ["<sips:a@127.0.0.1:5061>"]).status == 400)
        #expect(register(&registrar, ["<sips:a@127.0.0.1:5061>;expires=0"], cSeq: 2).status == 200)
        #expect(targets(registrar).isEmpty)
    }

    @Test func `more phones than allowed are refused, and the others stay`() {
        var registrar = Registrar(limits: RegistrarLimits(maxContacts: 2))
        _ = register(&registrar, ["<sip:a@127.0.0.1>", "<sip:b@127.0.0.1>"])
        #expect(register(&registrar, ["<sip:c@127.0.0.1>"], cSeq: 2).status == 403)
        #expect(targets(registrar).count == 2)
    }

    @Test(arguments: [
        // The phone's own address: the port that it names.
        ("sip:a@127.0.0.1:6000", UInt32(0x7F00_0001), "a 127.0.0.1:6000"),
        // B081: a private address written from elsewhere.
        ("sip:a@192.168.1.5:5060", 0xC000_0201, "a 192.0.2.1:5062"),
        // A name.
        ("sip:a@phone.invalid", 0xC000_0201, "a 192.0.2.1:5062"),
        // Another public address: it may well be there.
        ("sip:a@198.51.100.7:5070", 0xC000_0201, "a 198.51.100.7:5070"),
    ])
    func `B081: where calls to a phone go`(contact: String, source: UInt32, expected: String) {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<\(contact)>"], flow: Self.flow(source))
        #expect(targets(registrar) == [expected])
    }

    @Test func `a dead connection ends its bindings, and no others`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@127.0.0.1;transport=tcp>"], flow: Self.flow(connection: 9))
        _ = register(&registrar, ["<sip:b@127.0.0.1>"], cSeq: 2)
        _ = registrar.connectionClosed(9, now: Self.start)
        #expect(targets(registrar).count == 1)
    }

    @Test func `a connection is needed as long as somebody is registered over it`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let contact = "<sip:a@127.0.0.1;transport=tcp>"
        _ = register(&registrar, [contact], flow: Self.flow(connection: 9))
        #expect(registrar.reaches(over: Self.flow(connection: 9)))
        #expect(!registrar.reaches(over: Self.flow(port: 5063, connection: 10)))
        _ = register(&registrar, [contact], cSeq: 2, flow: Self.flow(port: 5063, connection: 10))
        #expect(!registrar.reaches(over: Self.flow(connection: 9)))
        #expect(registrar.reaches(over: Self.flow(port: 5063, connection: 10)))
        _ = register(&registrar, [contact], cSeq: 3, expires: "0", flow: Self.flow(port: 5063, connection: 10))
        #expect(!registrar.reaches(over: Self.flow(port: 5063, connection: 10)))
    }

    @Test(arguments: [("192.168.1.50:5062", true), ("192.0.2.7:6000", true), ("192.0.2.7:5062", false)])
    func `RFC 3581: a phone whose Via is elsewhere than it is behind a NAT, whatever its contact`(
        sentBy: String,
        isBehindNAT: Bool
    ) throws {
        var registrar = Registrar(limits: RegistrarLimits())
        var request = Self.request(contacts: ["<sip:a@192.0.2.7:5062>"], expires: "600")
        request.headers[.via] = "SIP/2.0/UDP \(sentBy);branch=z9hG4bK1;rport"
        let flow = Self.flow(0xC000_0207)
        let (_, actions) = registrar.register(request, user: Self.anna, over: flow, now: Self.start)
        #expect(registrar.bindings(for: Self.anna, now: Self.start.instant).first?.target.isNamed == !isBehindNAT)
        let kept = actions.lazy.compactMap { if case .store(let stored) = $0 { stored } else { nil } }
        let stored = try #require(kept.first)
        var restarted = Registrar(limits: RegistrarLimits())
        _ = restarted.restore([stored], now: Self.start)
        for var registrar in [registrar, restarted] {
            #expect(registrar.fire(now: Self.later(30)).count == (isBehindNAT ? 1 : 0))
        }
    }

    @Test(arguments: [
        // It believes to be at its contact.
        ("192.0.2.7:6000;rport", "192.0.2.7:6000", UInt16(5062)),
        // It does not take what comes where it wrote from.
        ("192.0.2.7:6000", "192.0.2.7:6000", 6000),
        // Its contact is something else than where it writes from: it is behind a proxy there, or knows a way in.
        ("192.0.2.7:7000;rport", "192.0.2.7:6000", 6000), ("10.0.0.1:6000;rport", "192.0.2.7:6000", 6000),
        ("192.0.2.7:6000;rport, SIP/2.0/UDP 10.0.0.1:6000", "192.0.2.7:6000", 6000),
    ])
    func `RFC 3581 §4: a phone whose port a NAT gave another number is rung where it wrote from`(
        via: String,
        contact: String,
        port: UInt16
    ) throws {
        var registrar = Registrar(limits: RegistrarLimits())
        var request = Self.request(contacts: ["<sip:a@\(contact)>"], expires: "600")
        request.headers[.via] = "SIP/2.0/UDP \(via)"
        let (_, actions) = registrar.register(request, user: Self.anna, over: Self.flow(0xC000_0207), now: Self.start)
        let kept = actions.lazy.compactMap { if case .store(let stored) = $0 { stored } else { nil } }
        var restarted = Registrar(limits: RegistrarLimits())
        _ = restarted.restore([try #require(kept.first)], now: Self.start)
        for registrar in [registrar, restarted] { #expect(targets(registrar) == ["a 192.0.2.7:\(port)"]) }
    }

    @Test func `no phone is asked where the configuration says never`() {
        var registrar = Registrar(limits: RegistrarLimits(keepAliveInterval: nil))
        #expect(register(&registrar, ["<sip:a@10.0.0.1:5062>"]).status == 200)
        #expect(registrar.fire(now: Self.later(30)).isEmpty)
    }

    @Test func `a phone behind a NAT is asked, its round trip measured, and three silences end it`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = register(&registrar, ["<sip:a@192.168.1.5>"], flow: Self.flow(0xC000_0201))
        func probe(_ seconds: Int64) -> RegistrarProbe? {
            for case .probe(let probe) in registrar.fire(now: Self.later(seconds)) { return probe }
            return nil
        }
        guard let first = probe(30) else {
            Issue.record("no probe")
            return
        }
        _ = registrar.probeAnswered(first, succeeded: true, repeated: .seconds(2), now: Self.later(31))
        #expect(registrar.bindings(for: Self.anna, now: Self.later(31).instant).first?.roundTrip == .seconds(1))
        guard let second = probe(60) else {
            Issue.record("no second probe")
            return
        }
        // One of the two that were sent was lost.
        _ = registrar.probeAnswered(second, succeeded: true, repeated: .seconds(2), now: Self.later(63))
        #expect(registrar.bindings(for: Self.anna, now: Self.later(63).instant).first?.roundTrip == .seconds(1))
        for (asked, given) in [(90, 91), (120, 121), (150, 151)] as [(Int64, Int64)] {
            guard let next = probe(asked) else { continue }
            _ = registrar.probeAnswered(next, succeeded: false, repeated: nil, now: Self.later(given))
        }
        #expect(targets(registrar, at: Self.later(152)).isEmpty)
    }

    @Test func `a phone that refreshes more often than it is asked is asked all the same`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let flow = Self.flow(0xC000_0201)
        var probes: [RegistrarProbe] = []
        for (count, seconds) in [0, 25, 50, 75, 100, 125, 150].enumerated() {
            for case .probe(let probe) in registrar.fire(now: Self.later(Int64(seconds))) {
                probes.append(probe)
                let isHeard = probes.count == 1
                _ = registrar.probeAnswered(
                    probe,
                    succeeded: isHeard,
                    repeated: nil,
                    now: Self.later(Int64(seconds) + 1)
                )
            }
            let at = Self.later(Int64(seconds) + 2)
            _ = register(&registrar, ["<sip:a@192.168.1.5>"], cSeq: count + 1, flow: flow, at: at)
        }
        let binding = registrar.bindings(for: Self.anna, now: Self.later(153).instant).first
        #expect(probes.count == 3 && binding?.roundTrip == .seconds(1) && binding?.missedProbes == 2)
        // Of another way nothing is known yet.
        _ = register(&registrar, ["<sip:a@192.168.1.5>"], cSeq: 8, flow: Self.flow(0xC000_0202), at: Self.later(154))
        let moved = registrar.bindings(for: Self.anna, now: Self.later(155).instant)
        #expect(moved.count == 1 && moved.first?.roundTrip == nil && moved.first?.missedProbes == 0)
    }

    @Test func `RFC 5626 3.1: the same instance under a new contact replaces the old`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let instance = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1"
        _ = register(&registrar, ["<sip:a@127.0.0.1:6000>\(instance)"])
        _ = register(&registrar, ["<sip:a@127.0.0.1:6001>\(instance)"], cSeq: 2)
        #expect(targets(registrar) == ["a 127.0.0.1:6001"])
    }

    @Test func `what was kept comes back for the time that is left; streams and what ran out do not`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let kept = register(&registrar, ["<sip:a@127.0.0.1>;expires=600"]).actions
        let stream = register(&registrar, ["<sip:b@127.0.0.1>"], cSeq: 2, flow: Self.flow(connection: 3)).actions
        let stored = (kept + stream).compactMap { action -> StoredRegistration? in
            if case .store(let stored) = action { stored } else { nil }
        }
        var restarted = Registrar(limits: RegistrarLimits())
        _ = restarted.restore(stored, now: Self.later(500))
        #expect(targets(restarted, at: Self.later(599)) == ["a 127.0.0.1:5060"])
        #expect(targets(restarted, at: Self.later(601)).isEmpty)
        var late = Registrar(limits: RegistrarLimits())
        #expect(late.restore(stored, now: Self.later(700)).count == 2)
        #expect(targets(late, at: Self.later(700)).isEmpty)
    }

    // MARK: RFC 3327

    /// Registers by a proxy at 127.0.0.1:5090.
    private func registerByProxy(
        _ registrar: inout Registrar,
        path: [String],
        supported: String? = "path"
    ) -> (response: SIPResponse, actions: [RegistrarAction]) {
        var request = Self.request(contacts: ["<sip:a@192.0.2.7>"])
        for proxy in path { request.headers.append(.path, proxy) }
        if let supported { request.headers.append(.supported, supported) }
        return registrar.register(request, user: Self.anna, over: Self.flow(port: 5_090), now: Self.start)
    }

    @Test func `RFC 3327 §5.3: a Path is kept, told, followed, and there after a restart`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let path = ["<sip:127.0.0.1:5091;lr>", "<sip:edge.test;lr;ob>"]
        let (response, actions) = registerByProxy(
            &registrar,
            path: [path.joined(separator: ", ")],
            supported: "gruu, Path"
        )
        #expect(response.status == 200 && response.headers.list(.path) == path)
        #expect(registrar.bindings(for: Self.anna, now: Self.start.instant).first?.path == path)
        #expect(targets(registrar) == ["a 127.0.0.1:5091"])
        // No keep-alive of ours: its proxy keeps the NAT open.
        let deadline = registrar.nextDeadline
        #expect(deadline == Self.later(3_600).instant)
        let stored = actions.compactMap { action -> StoredRegistration? in
            if case .store(let stored) = action { stored } else { nil }
        }
        var restarted = Registrar(limits: RegistrarLimits())
        _ = restarted.restore(stored, now: Self.later(10))
        #expect(restarted.bindings(for: Self.anna, now: Self.later(10).instant).first?.path == path)
        #expect(targets(restarted, at: Self.later(10)) == ["a 127.0.0.1:5091"])
    }

    @Test func `a proxy that is a name is reached where the REGISTER came from`() {
        var registrar = Registrar(limits: RegistrarLimits())
        _ = registerByProxy(&registrar, path: ["<sip:edge.test;lr>"])
        #expect(targets(registrar) == ["a 127.0.0.1:5090"])
    }

    @Test func `RFC 3327 §5.3: a Path that the phone knows nothing of is 420, one that nobody can follow 400`() {
        var registrar = Registrar(limits: RegistrarLimits())
        let refused = registerByProxy(&registrar, path: ["<sip:127.0.0.1:5091;lr>"], supported: nil).response
        #expect(refused.status == 420 && refused.headers[.unsupported] == "path")
        let long = "<sip:\(String(repeating: "x", count: 300));lr>"
        for path in [["<<"], [long], Array(repeating: "<sip:127.0.0.1;lr>", count: 9)] {
            #expect(registerByProxy(&registrar, path: path).response.status == 400)
        }
        #expect(registrar.count == 0)
    }
}

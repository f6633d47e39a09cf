import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

/// RFC 3261 §10.2, RFC 5626 §4.5: us as a carrier's customer, against a registrar that answers what a test says.
@Suite struct RegistrationClientTests {
    private static let flow = Flow(
        transport: .udp,
        local: SocketAddress(.v4(0x7F00_0001), 5060),
        remote: SocketAddress(.v4(0x7F00_0001), 5080)
    )

    /// A client, its registrar and the clock between them.
    private struct Bench {
        var client: RegistrationClient
        var now = Instant(nanoseconds: 0)
        var sent: [SIPRequest] = []
        var told: [String] = []

        init(seconds: Int = 3600, credentials: Credentials? = nil) {
            let account = RegisterSequence.Account(
                addressOfRecord: SIPURI(user: "74950001122", host: "carrier.test"),
                registrar: SIPURI(host: "carrier.test"),
                credentials: credentials
            )
            client = RegistrationClient(
                sequence: RegisterSequence(account: account, callID: "ours", seed: 1),
                user: "74950001122",
                mark: "m4rk",
                seconds: seconds,
                seed: 2,
                now: now
            )
        }

        mutating func perform(_ actions: [RegistrationClient.Action]) {
            for action in actions {
                switch action {
                case .send(let request, _): sent.append(request)
                case .tellRegistered: told.append("registered")
                case .tellLost(let why): told.append(why)
                }
            }
        }

        /// Lets time pass until the client wants something; how many seconds that took.
        @discardableResult
        mutating func wait(_ route: Result<Flow, RegistrationClient.Unreachable> = .success(flow)) -> Double? {
            guard let deadline = client.deadline else { return nil }
            let waited = deadline - now
            now = deadline
            perform(client.fire(over: route.map { [$0] }, now: now))
            return waited.inSeconds
        }

        mutating func answer(_ status: Int, _ headers: [(HeaderName, String)] = []) {
            guard let request = sent.last else { return }
            var response = SIPResponse(status: status, to: request, toTag: "r")
            for (name, value) in headers { response.headers.append(name, value) }
            perform(client.answered(response, now: now))
        }

        mutating func timeOut() {
            now = now + .seconds(32)
            perform(client.answered(nil, now: now))
        }

        mutating func leave() { perform(client.leave(now: now)) }

        /// `expires` of the Contact of each REGISTER that went out.
        var asked: [String?] { sent.map { (try? $0.contacts())?.first?.parameters["expires"] } }
    }

    private static func granted(_ seconds: Int) -> [(HeaderName, String)] {
        [(.contact, "<sip:other@192.0.2.9>;expires=7, <sip:74950001122@127.0.0.1:5060;line=m4rk>;expires=\(seconds)")]
    }

    @Test func `§10.2.4: what the registrar grants our contact counts, and is renewed before it ends`() {
        var bench = Bench()
        #expect(bench.wait() == 0)
        bench.answer(200, Self.granted(600))
        #expect(bench.told == ["registered"])
        #expect(bench.client.state == .registered(until: bench.now + .seconds(600)))
        #expect(bench.wait() == 510)
        bench.answer(200, Self.granted(60))
        #expect(bench.wait() == 30)
        #expect(bench.told == ["registered"])
        #expect(Set(bench.sent.map { $0.headers[.callID] }) == ["ours"])
        #expect(bench.sent.map { $0.headers[.cSeq] } == ["1 REGISTER", "2 REGISTER", "3 REGISTER"])
        #expect(Set(bench.sent.map { $0.headers[.from] }).count == 3)
    }

    @Test func `§10.2.8: 423 is answered at once with the interval that it asks for, which stays`() {
        var bench = Bench(seconds: 60)
        bench.wait()
        bench.answer(423, [(.minExpires, "1800")])
        bench.answer(200, Self.granted(1800))
        bench.wait()
        #expect(bench.asked == ["60", "1800", "1800"])
    }

    @Test(arguments: ["60", "99999999", "x", ""])
    func `a 423 that asks for nothing longer, or for more than a month, is no reason to go on`(least: String) {
        var bench = Bench(seconds: 60)
        bench.wait()
        bench.answer(423, least.isEmpty ? [] : [(.minExpires, least)])
        #expect(bench.sent.count == 1)
        #expect(bench.wait() == nil)
    }

    @Test func `a registrar that wants a little more each time is left alone`() {
        var bench = Bench(seconds: 60)
        bench.wait()
        for more in 61..<100 { bench.answer(423, [(.minExpires, "\(more)")]) }
        #expect(bench.sent.count == 4)
        #expect(bench.wait() == nil)
    }

    @Test func `RFC 8760 §2.4: of two challenges the stronger is answered, once`() {
        var bench = Bench(credentials: Credentials(username: "u", realm: "carrier.test", password: "p"))
        bench.wait()
        let challenges: [(HeaderName, String)] = [
            (.wwwAuthenticate, #"Digest realm="carrier.test", nonce="n1", algorithm=MD5, qop="auth""#),
            (.wwwAuthenticate, #"Digest realm="carrier.test", nonce="n2", algorithm=SHA-256, qop="auth""#),
        ]
        bench.answer(401, challenges)
        #expect(bench.sent.last?.headers[.authorization]?.contains("algorithm=SHA-256") == true)
        bench.answer(401, challenges)
        #expect(bench.sent.count == 2)
        #expect(bench.client.state == .refused(why: "user name or password is wrong"))
        // Half an hour later once more: an account may be unlocked.
        #expect(bench.wait() == 1800)
        #expect(bench.told == ["user name or password is wrong"])
    }

    @Test func `RFC 7616 §3.3: a nonce that was too old is answered anew, a foreign realm never`() {
        var bench = Bench(credentials: Credentials(username: "u", realm: "carrier.test", password: "p"))
        bench.wait()
        bench.answer(401, [(.wwwAuthenticate, #"Digest realm="carrier.test", nonce="n1""#)])
        bench.answer(401, [(.wwwAuthenticate, #"Digest realm="carrier.test", nonce="n2", stale=true"#)])
        #expect(bench.sent.count == 3)
        bench.answer(200, Self.granted(60))
        bench.wait()
        bench.answer(401, [(.wwwAuthenticate, #"Digest realm="elsewhere", nonce="n3""#)])
        #expect(bench.sent.count == 4)
        #expect(bench.client.state == .refused(why: "it challenges for a realm that is not ours"))
    }

    @Test func `B090: 403 is tried again after half an hour, a fatal code never`() {
        var bench = Bench()
        bench.wait()
        bench.answer(403)
        #expect(bench.wait() == 1800)
        for status in [404, 400, 416, 420, 501, 603] {
            var bench = Bench()
            bench.wait()
            bench.answer(status)
            #expect(bench.wait() == nil, "\(status)")
            #expect(bench.told.count == 1)
        }
    }

    @Test func `RFC 5626 §4.5: silence and 5xx are tried again after longer and longer waits, up to half an hour`() {
        var bench = Bench()
        bench.wait()
        for (index, most) in [30.0, 60, 120, 240, 480, 960, 1800, 1800, 1800].enumerated() {
            index % 2 == 0 ? bench.timeOut() : bench.answer(503)
            let waited = bench.wait() ?? 0
            #expect((most / 2...most).contains(waited), "\(waited) of \(most)")
        }
        bench.answer(503, [(.retryAfter, "1700 (maintenance)")])
        #expect((bench.wait() ?? 0) >= 1700)
        bench.answer(200, Self.granted(60))
        #expect(bench.told.last == "registered")
        bench.wait()
        bench.answer(500)
        #expect((bench.wait() ?? 99) <= 30)
    }

    @Test func `a refresh that fails is no alarm while the registrar still has us, and is one when it has not`() {
        var bench = Bench()
        bench.wait()
        bench.answer(200, Self.granted(600))
        bench.wait()
        bench.timeOut()
        #expect(bench.told == ["registered"])
        #expect(bench.client.isRegistered(at: bench.now))
        while bench.client.isRegistered(at: bench.now) {
            bench.wait()
            bench.timeOut()
        }
        #expect(bench.told == ["registered", "no answer to REGISTER"])
    }

    @Test func `§10.2.2: leaving takes the contact back, after the answer that is awaited`() {
        var bench = Bench()
        bench.wait()
        bench.leave()
        #expect(bench.asked == ["3600"])
        bench.answer(200, Self.granted(3600))
        #expect(bench.asked == ["3600", "0"])
        bench.answer(200)
        #expect(bench.client.state == .gone)
        var stranger = Bench()
        stranger.leave()
        #expect(stranger.sent.isEmpty && stranger.client.state == .gone)
    }

    @Test func `a registrar without an address is looked for twice a second, and told once`() {
        var bench = Bench()
        for _ in 0..<5 { bench.wait(.failure(.init("no address for carrier.test"))) }
        #expect(bench.now == Instant(nanoseconds: 2_000_000_000))
        #expect(bench.told == ["no address for carrier.test"])
        bench.wait()
        bench.answer(200, [(.expires, "60")])
        #expect(bench.told.last == "registered")
    }
}

import SIPMessage
import Testing
import Timebase

@testable import SIP

@Suite struct DigestTests {
    private static let anna = Credentials(username: "1001", realm: "demo.test", password: "secret")
    private static let start = WallTime(milliseconds: 1_800_000_000_000)

    /// A server, and a client that answered its challenge to `method uri`.
    private func exchange(
        password: String = "secret",
        username: String = "1001",
        uri: String = "sip:demo.test",
        method: Method = .register,
        algorithms: Int = 2
    ) throws -> (server: DigestServer, answer: String, challenges: [String]) {
        let server = DigestServer(key: Array("key".utf8), start: Self.start)
        let challenges = server.challenges(realm: "demo.test", stale: false, now: Self.start, randomness: 7)
        var client = DigestClient()
        let answer = try client.answer(
            challenges: Array(challenges.prefix(algorithms)),
            credentials: Credentials(username: username, realm: "demo.test", password: password),
            method: method,
            uri: uri,
            cnonce: "c"
        )
        return (server, answer, challenges)
    }

    private func verify(
        _ server: inout DigestServer,
        _ answer: String,
        method: Method = .register,
        uri: String = "sip:demo.test",
        after: Duration = .zero
    ) -> DigestServer.Verdict {
        server.verify(
            [answer],
            method: method,
            requestURI: uri,
            realm: "demo.test",
            now: Self.start.advanced(by: after)
        ) { $0 == "1001" ? Self.anna : nil }
    }

    @Test(arguments: [
        (DigestAlgorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ])
    func `RFC 7616 3.9.1: the published answers come out`(algorithm: DigestAlgorithm, expected: String) {
        let credentials = Credentials(username: "Mufasa", realm: "http-auth@example.org", password: "Circle of Life")
        let response = digestResponse(
            algorithm,
            ha1: credentials.ha1[algorithm] ?? "",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            quality: ("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth"),
            method: "GET",
            uri: "/dir/index.html"
        )
        #expect(response == expected)
    }

    /// Computed apart, by the formulas of RFC 7616 §3.4.1 to §3.4.3.
    @Test(arguments: [
        ("MD5", "auth-int", Method.invite, "v=0\r\n", "c2c4553a20a3ce83b69a8d66c4124fc2"),
        ("MD5", "auth-int", .register, "", "04aef2cfd2054762c433c6491ceed0f5"),
        ("MD5-sess", "auth", .invite, "v=0\r\n", "a4cee20b370cf136bc1487088520cd09"),
        ("md5-sess", "auth-int", .invite, "v=0\r\n", "fa1e704682f38b5da1686d6a395d334d"),
        ("MD5-sess", "", .register, "", "f908501c3bce20d0490da44950b9e717"),
        (
            "SHA-256", "auth-int", .invite, "v=0\r\n",
            "1606e7818558c97972cc0a23a62267f046b112c6eb32419decdbf92f346386d6"
        ),
        (
            "SHA-256-sess", "auth-int, auth", .register, "",
            "431a722318cdd0a7358fcb890d6bb0a9df6d64a910e48fdab6c1c298433d46b3"
        ),
        (
            "SHA-256-sess", "auth-int", .register, "",
            "0aac4a2f2e73834b2dbc76a019eebbe30530bf8295dda031f1dcc1c8c9d797a3"
        ),
    ])
    func `RFC 7616 3.4.2, 3.4.3: a peer that wants the body or a session protected is answered`(
        algorithm: String,
        qop: String,
        method: Method,
        body: String,
        expected: String
    ) throws {
        let realm = "http-auth@example.org"
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        var client = DigestClient()
        let answer = try client.answer(
            challenges: ["Digest realm=\"\(realm)\", nonce=\"\(nonce)\", qop=\"\(qop)\", algorithm=\(algorithm)"],
            credentials: Credentials(username: "Mufasa", realm: realm, password: "Circle of Life"),
            method: method,
            uri: "sip:example.org",
            body: Array(body.utf8),
            cnonce: cnonce
        )
        let fields = try #require(DigestFields(answer))
        #expect(fields["response"] == expected)
        #expect(fields["algorithm"]?.lowercased() == algorithm.lowercased() && fields["cnonce"] == cnonce)
        #expect(fields["qop"] == (qop.isEmpty ? nil : qop.contains("auth,") || qop.hasSuffix("auth") ? "auth" : qop))
    }

    @Test func `RFC 7616 3.4.2: the key of a session is made of the first cnonce of its nonce`() throws {
        var client = DigestClient()
        func cnonce(_ own: String, _ nonce: String) throws -> String? {
            let answer = try client.answer(
                challenges: ["Digest realm=\"demo.test\", nonce=\"\(nonce)\", qop=\"auth\", algorithm=MD5-sess"],
                credentials: Self.anna,
                method: .invite,
                uri: "sip:demo.test",
                cnonce: own
            )
            return DigestFields(answer)?["cnonce"]
        }
        #expect(try cnonce("first", "n") == "first" && cnonce("second", "n") == "first")
        #expect(try cnonce("third", "m") == "third")
    }

    @Test func `RFC 8760: both algorithms are offered, the strongest is answered, either is accepted (B085)`() throws {
        var (server, answer, challenges) = try exchange()
        #expect(challenges.count == 2)
        #expect(answer.contains("algorithm=SHA-256"))
        #expect(verify(&server, answer) == .accepted("1001"))
        var (other, weaker, _) = try exchange(algorithms: 1)
        #expect(weaker.contains("algorithm=MD5"))
        #expect(verify(&other, weaker) == .accepted("1001"))
    }

    @Test func `who begins a third time without an answer fails on a second challenge; who answers does not`() {
        var phones = PerplexedPhones()
        let phone = { (user: String, product: String) in
            PerplexedPhones.Phone(address: .v4(1), user: user, product: product)
        }
        let (one, other) = (phone("1001", "a"), phone("1002", "a"))
        let at = { (seconds: Int) in Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }
        func ask(_ phone: PerplexedPhones.Phone, at seconds: Int) -> Bool {
            phones.asks(phone, now: at(seconds))
            return phones.has(phone, now: at(seconds))
        }
        // Requests of a few seconds are one attempt.
        for seconds in [0, 1, 2, 3, 10] { #expect(!ask(one, at: seconds)) }
        for seconds in [0, 10] { #expect(!ask(other, at: seconds)) }
        phones.answered(other, now: at(11))
        #expect(ask(one, at: 20) && !ask(other, at: 20) && !ask(other, at: 30))
        #expect(!phones.has(phone("1001", "b"), now: at(20)))
        // It goes on so for as long as it is there.
        phones.answered(one, now: at(31))
        #expect(ask(one, at: 86_000))
        // Long after the last time nobody has begun thrice.
        #expect(!ask(one, at: 400_000) && !ask(other, at: 500_000))
        for number in 0..<5_000 { phones.asks(phone("\(number)", "a"), now: at(500_000)) }
        #expect(!phones.has(one, now: at(500_000)))
    }

    @Test(arguments: ["baresip v1.0.0 (x86_64/linux)", "Twinkle/1.10.2"])
    func `a phone that fails on a second challenge gets one`(name: String) {
        let server = DigestServer(key: [1], start: Self.start)
        let one = server.challenges(
            realm: "r",
            stale: false,
            now: Self.start,
            randomness: 1,
            userAgent: name
        )
        #expect(one.count == 1 && one[0].contains("algorithm=MD5"))
    }

    @Test func `B084, RFC 7616 3.4: a count is good once; one that was overtaken is good too`() throws {
        var (server, answer, _) = try exchange()
        #expect(verify(&server, answer) == .accepted("1001"))
        #expect(verify(&server, answer) == .stale)
        var uses = NonceUses()
        #expect(uses.use("n", count: 5) && uses.use("n", count: 3) && uses.use("n", count: 4))
        #expect(!uses.use("n", count: 3) && !uses.use("n", count: 0))
        #expect(uses.use("n", count: 500) && !uses.use("n", count: 5))
    }

    @Test func `RFC 7616 3.3: too old a nonce is stale, but only who has the password is told`() throws {
        var (server, answer, _) = try exchange()
        #expect(verify(&server, answer, after: .seconds(301)) == .stale)
        var (other, wrong, _) = try exchange(password: "guess")
        #expect(verify(&other, wrong, after: .seconds(301)) == .refused("a wrong name or password"))
    }

    @Test func `B072: a wrong password and an unknown user are the same`() throws {
        var (first, wrong, _) = try exchange(password: "guess")
        var (second, unknown, _) = try exchange(username: "1999")
        #expect(verify(&first, wrong) == verify(&second, unknown))
    }

    @Test func `what was recorded before a restart places no call after it, and a clock that is set back stops none`()
        throws
    {
        var (before, answer, _) = try exchange(method: .invite)
        #expect(verify(&before, answer, method: .invite) == .accepted("1001"))
        let later = Self.start.advanced(by: .seconds(10))
        var restarted = DigestServer(key: Array("key".utf8), start: later)
        #expect(verify(&restarted, answer, method: .invite, after: .seconds(11)) == .stale)
        // The clock is set back: whoever is challenged now is heard.
        var early = DigestServer(key: Array("key".utf8), start: later)
        #expect(verify(&early, answer, method: .invite) == .accepted("1001"))
    }

    @Test func `a phone that registers is not challenged again after a restart, and no other node's nonces are good`()
        throws
    {
        let (_, answer, _) = try exchange()
        var restarted = DigestServer(key: Array("key".utf8), start: Self.start.advanced(by: .seconds(10)))
        #expect(verify(&restarted, answer, after: .seconds(11)) == .accepted("1001"))
        var other = DigestServer(key: Array("another".utf8), start: Self.start)
        #expect(verify(&other, answer) == .stale)
    }

    @Test func `an answer for another URI or method is refused`() throws {
        var (server, answer, _) = try exchange()
        #expect(verify(&server, answer, uri: "sip:elsewhere.test") == .refused("the credentials are for another URI"))
        var (other, second, _) = try exchange()
        #expect(verify(&other, second, method: .invite) == .refused("a wrong name or password"))
    }

    @Test func `B088, ES2021-05: another realm's challenge is never answered`() {
        var client = DigestClient()
        #expect(throws: DigestFault.foreignRealm) {
            try client.answer(
                challenges: ["Digest realm=\"evil\", nonce=\"n\", qop=\"auth\", algorithm=MD5"],
                credentials: Self.anna,
                method: .invite,
                uri: "sip:x",
                cnonce: "c"
            )
        }
    }

    @Test(arguments: [
        "", "Digest", "Digest ", "Basic dXNlcjpwYXNz", "Digest username", "Digest username=\"1001",
        "Digest username=\"1001\", username=\"1002\", realm=\"demo.test\"", "Digest realm=\"demo.test\"",
        "Digest realm=\"demo.test\", username=\"1001\", nonce=\"\", uri=\"\", response=\"\"",
        "Digest realm=\"demo.test\", username=\"1001\", nonce=\"n\", uri=\"sip:demo.test\", response=\"r\", qop=auth-int",
        "Digest realm=\"demo.test\", username=\"1001\", nonce=\"n\", uri=\"sip:demo.test\", response=\"r\", algorithm=MD5-sess",
        "Digest realm=\"demo.test\", username=\"1001\", nonce=\"n\", uri=\"sip:demo.test\", response=\"r\", qop=auth, nc=zz",
    ])
    func `malformed credentials are refused, and nothing worse`(header: String) {
        var server = DigestServer(key: [1], start: Self.start)
        let verdict = verify(&server, header)
        if case .accepted = verdict { Issue.record("\(header) was accepted") }
        if case .stale = verdict { Issue.record("\(header) was only stale") }
    }

    @Test func `hashes do not show when credentials are printed`() {
        #expect("\(Self.anna)" == "1001@demo.test")
        #expect(!String(describing: [Self.anna]).contains(Self.anna.ha1[.md5] ?? "none"))
    }

    @Test func `a nonce that was too old is told in any spelling`() {
        for stale in ["stale=true", "stale=\"TRUE\"", "stale = true"] {
            #expect(DigestClient.isStale(["Digest realm=\"a\", nonce=\"n\", \(stale), algorithm=MD5"]), "\(stale)")
        }
        #expect(!DigestClient.isStale(["Digest realm=\"stale=true\", nonce=\"n\", stale=false"]))
    }
}

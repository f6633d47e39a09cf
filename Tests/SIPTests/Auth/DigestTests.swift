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
        algorithms: Int = 2
    ) throws -> (server: DigestServer, answer: String, challenges: [String]) {
        let server = DigestServer(key: Array("key".utf8))
        let challenges = server.challenges(realm: "demo.test", stale: false, now: Self.start, randomness: 7)
        var client = DigestClient()
        let answer = try client.answer(
            challenges: Array(challenges.prefix(algorithms)),
            credentials: Credentials(username: username, realm: "demo.test", password: password),
            method: .register,
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

    @Test func `RFC 8760: both algorithms are offered, the strongest is answered, either is accepted (B085)`() throws {
        var (server, answer, challenges) = try exchange()
        #expect(challenges.count == 2)
        #expect(answer.contains("algorithm=SHA-256"))
        #expect(verify(&server, answer) == .accepted("1001"))
        var (other, weaker, _) = try exchange(algorithms: 1)
        #expect(weaker.contains("algorithm=MD5"))
        #expect(verify(&other, weaker) == .accepted("1001"))
    }

    @Test func `a phone that fails on a second challenge gets one`() {
        let server = DigestServer(key: [1])
        let one = server.challenges(
            realm: "r",
            stale: false,
            now: Self.start,
            randomness: 1,
            userAgent: "baresip v1.0.0 (x86_64/linux)"
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

    @Test func `nonces are good after a restart, and no other node's are`() throws {
        let (_, answer, _) = try exchange()
        var restarted = DigestServer(key: Array("key".utf8))
        #expect(verify(&restarted, answer) == .accepted("1001"))
        var other = DigestServer(key: Array("another".utf8))
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
        var server = DigestServer(key: [1])
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

import Foundation
import Testing

/// What comes over HTTP from peers that are careless, slow or hostile.
@Suite("The surface of HTTP")
struct HTTPSurfaceTests {
    @Test func `a name that is not ours is misdirected, and a proxy's is ours when it is configured`() throws {
        let running = try RunningSwitch(httpNames: ["pbx.example.com"])
        func status(_ host: String, _ origin: String? = nil) throws -> Int {
            try running.http(
                "/api/v1/calls",
                headers: ["Host: \(host)"] + (origin.map { ["Origin: \($0)"] } ?? [])
            ).status
        }
        #expect(try status("evil.example:\(running.httpPort)") == 421)
        #expect(try status("evil.example", "http://evil.example") == 421)
        #expect(try running.http("/healthz", headers: ["Host: evil.example"]).text.contains("foreign-host"))
        #expect(try status("localhost:\(running.httpPort)") == 200 && status("192.0.2.1") == 200)
        // A proxy hands its own name on, or asks us by our address.
        #expect(try status("pbx.example.com", "https://pbx.example.com") == 200)
        #expect(try status("127.0.0.1:\(running.httpPort)", "https://pbx.example.com") == 200)
        #expect(try status("127.0.0.1:\(running.httpPort)", "https://evil.example") == 403)
    }

    @Test func `pipelined requests are answered in their order, and what is no HTTP with 400`() throws {
        let running = try RunningSwitch()
        let peer = try StreamPeer(to: running.httpPort)
        let get = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
        peer.send(get("/healthz") + get("/nothing") + get("/readyz"))
        for (status, body) in [("200", "ok\n"), ("404", "not-found"), ("200", "ready\n")] {
            let answer = peer.expect { _ in true } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 \(status)") && answer.contains(body), "\(answer)")
        }
        let head = "POST /api/v1/calls HTTP/1.1\r\nHost: localhost\r\n"
        for wrong in [
            "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "Content-Length: -4\r\n\r\n",
            "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg\r\n0\r\n\r\n",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "a b: c\r\n\r\n",
            "X: \(String(repeating: "x", count: 100_000))\r\n\r\n",
        ] {
            let peer = try StreamPeer(to: running.httpPort)
            peer.send(head + wrong)
            let answer = peer.expect { _ in true }
            #expect(answer?.hasPrefix("HTTP/1.1 4") == true, "\(wrong.prefix(60)): \(answer ?? "nothing")")
        }
        // Which of two names counts, a proxy before us may see otherwise.
        for (first, second) in [("localhost", "evil.test"), ("localhost", "localhost")] {
            let peer = try StreamPeer(to: running.httpPort)
            peer.send("GET /healthz HTTP/1.1\r\nHost: \(first)\r\nHost: \(second)\r\n\r\n")
            let answer = peer.expect { _ in true } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("bad-host"), "\(answer)")
        }
        // Only before HTTP/1.1 nobody had to name whom he asks.
        for (version, status) in [("1.1", "400"), ("1.0", "200")] {
            let peer = try StreamPeer(to: running.httpPort)
            peer.send("GET /healthz HTTP/\(version)\r\n\r\n")
            let answer = peer.expect { _ in true } ?? ""
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
            #expect(answer.contains("bad-host") == (status == "400"), "\(answer)")
        }
        // Who says that it will be too long hears it at once.
        let early = try StreamPeer(to: running.httpPort)
        early.send(head + "Content-Length: 99999999\r\n\r\n")
        #expect(early.expect { _ in true }?.hasPrefix("HTTP/1.1 413") == true)
        // Two bytes of a body that is to be too long: refused when it is, and the switch lives on.
        let long = try StreamPeer(to: running.httpPort)
        long.send(head + "Content-Length: 9000000\r\n\r\n" + String(repeating: "x", count: 8_500_000))
        #expect(long.expect { _ in true }?.hasPrefix("HTTP/1.1 413") == true)
        #expect(try running.http("/healthz").status == 200)
    }

    @Test func `what is escaped wrongly is refused, and a call that is not up is told from a path that is none`() throws
    {
        let running = try RunningSwitch()
        for wrong in ["from=%zz", "from=%", "from=%4", "from=%ff", "%c3=1", "from=1&from=2"] {
            let reply = try running.http("/api/v1/cdr?\(wrong)")
            #expect(reply.status == 400 && reply.text.contains("bad-target"), "\(wrong): \(reply.text)")
        }
        #expect(try running.http("/api/v1/cdr?from=%2B7%c3%a4").status == 200)
        let trace = try running.http("/api/v1/trace/01M8")
        #expect(trace.status == 404 && trace.text.contains("no-such-call"), "\(trace.text)")
    }

    @Test func `a body with a key that means nothing is refused, and what is not there is 404 for every method`() throws
    {
        let running = try RunningSwitch()
        func post(_ path: String, _ body: String) throws -> RunningSwitch.Reply {
            try running.http("/api/v1/\(path)", method: "POST", body: body)
        }
        for (path, body) in [
            ("agents/1001", #""action": "pause", "resaon": "lunch""#),
            ("calls", #""from": "1001", "to": "600", "too": 1"#),
            ("agents/1001/supervise", #""by": "1003", "mode": "listen", "loud": true"#),
            ("calls/one/transfer", #""to": "600", "word": "x""#),
            ("calls/one/recording", #""action": "pause", "at": 1"#),
            ("apply", #""files": [], "dryrun": true"#), ("apply", #""files": [{"name": "a", "text": "", "txt": ""}]"#),
        ] {
            let reply = try post(path, "{\(body)}")
            #expect(reply.status == 400 && reply.text.contains("bad-body"), "\(path): \(reply)")
            #expect(reply.text.contains("the body has a key"), "\(path): \(reply)")
        }
        let gone = #"{"by": "1003", "mode": "listen"}"#
        for (path, body, code) in [
            ("calls/one/transfer", #"{"to": "600"}"#, "no-such-call"), ("calls/one/supervise", gone, "no-such-call"),
            ("calls/one/recording", #"{"action": "pause"}"#, "no-such-call"),
            ("agents/9999", #"{"action": "login"}"#, "no-such-agent"),
        ] {
            let reply = try post(path, body)
            #expect(reply.status == 404 && reply.text.contains(code), "\(path): \(reply)")
        }
        let wish = try running.http("/api/v1/callbacks/nope", method: "DELETE")
        #expect(wish.status == 404 && wish.text.contains("no-such-callback"), "\(wish)")
        // What is there, and does not go as things stand.
        #expect(try post("agents/1001", #"{"action": "pause", "reason": "lunch"}"#).status == 409)
    }

    @Test func `HEAD has the length of what GET would say, and no more`() throws {
        let running = try RunningSwitch()
        let peer = try StreamPeer(to: running.httpPort)
        peer.send("HEAD /api/v1/calls HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n")
        // Two octets are announced and none comes: the next answer follows the head at once.
        let both = peer.everything(within: 5)
        #expect(both.contains("Content-Length: 2\r\n") || both.contains("content-length: 2\r\n"), "\(both)")
        #expect(both.contains("\r\n\r\nHTTP/1.") && both.hasSuffix("ok\n"), "\(both)")
    }

    @Test func `connections that say nothing take nobody's place`() throws {
        let running = try RunningSwitch()
        let silent = try (0..<100).map { _ in try StreamPeer(to: running.httpPort) }
        for peer in silent { peer.send("GET /healthz HTTP/1.1\r\nX: ") }
        #expect(try running.http("/healthz").status == 200)
        withExtendedLifetime(silent) {}
    }
}

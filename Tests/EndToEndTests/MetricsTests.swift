import Foundation
import Testing

/// `/metrics` while something happens.
@Suite("Metrics")
struct MetricsTests {
    @Test func `each refusal is counted by its status, of whatever layer`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", server: running.sipPort)
        let loop = phone.request("INVITE", to: "600").replacing("Max-Forwards: 70", with: "Max-Forwards: 0")
        let faulty = phone.request("OPTIONS", to: "600").replacing(" OPTIONS\r\nContact", with: " BYE\r\nContact")
        for (request, status) in [
            (loop, "483"), (faulty, "400"), (phone.request("CANCEL", to: "600"), "481"),
            // There is no TLS, which this caller wants on every hop (RFC 3261 §26.2.2).
            (phone.request("INVITE", to: "600", uri: "sips:600@demo.test"), "416"),
            (phone.request("INVITE", to: "600", extra: ["Require: x"]), "420"),
        ] {
            phone.send(request)
            #expect(phone.peer.expect(within: 5) { $0.startWord != "100" }?.startWord == status, "\(request)")
            #expect(try running.metric("gudok_sip_requests_refused_total{status=\"\(status)\"}") == 1, "\(status)")
        }
    }

    @Test func `calls, registrations, packets, ports, stalls, records and refusals are counted`() throws {
        let pair = try CallPair()
        let (caller, callee) = (try WirePeer(), try WirePeer())
        func metric(_ name: String) throws -> Double { try pair.running.metric("gudok_" + name) }
        try pair.ring(sdp: Phone.sdp(port: caller.port))
        pair.callee.respond("180 Ringing", to: pair.invite, toTag: "1001")
        _ = try #require(pair.carrier.expect("180"))
        #expect(try metric("calls{state=\"ringing\"}") == 1)
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port))
        let port = try #require(answer.audioPort)
        for number in [1, 2, 6] as [UInt8] {
            let voice = [UInt8](repeating: 0xD5, count: 160)
            caller.send([0x80, 8, 0, number, 0, 0, 0, number, 1, 2, 3, 4] + voice, to: port)
            #expect(callee.receive() != nil)
        }
        caller.send([0x80, 8, 0], to: port)
        try WirePeer().send("x", to: pair.running.sipPort)
        let scanner = try Phone("666", server: pair.running.sipPort)
        for (change, status) in [
            ({ $0.replacing("OPTIONS", with: "NONSENSE") }, 501), ({ $0.replacing("OPTIONS", with: "CANCEL") }, 481),
            ({ $0.replacing("\r\nCSeq:", with: "\r\nRequire: nonsense\r\nCSeq:") }, 420),
            ({ $0.replacing("OPTIONS sip:", with: "OPTIONS http:") }, 416),
            ({ $0.replacing("Max-Forwards: 70", with: "Max-Forwards: many") }, 400),
        ] as [((String) -> String, Int)] {
            let before = try metric("sip_requests_refused_total{status=\"\(status)\"}")
            scanner.callID = UUID().uuidString
            scanner.send(change(scanner.request("OPTIONS", to: "600")))
            let counted = try eventually {
                try metric("sip_requests_refused_total{status=\"\(status)\"}") == before + 1
            }
            #expect(counted, "\(status)")
        }
        scanner.send(scanner.request("ACK", to: "600", toTag: "nobody", sequence: 1))
        #expect(try eventually { try metric("sip_messages_dropped_total{reason=\"stray-ack\"}") == 1 })
        let stranger = try Phone("1001", server: pair.running.sipPort)
        #expect(try stranger.call("600").startWord == "401")
        let isCounted = try eventually {
            try metric("rtp_packets_malformed_total") == 1
                && metric("sip_messages_dropped_total{reason=\"unusable-") >= 1
        }
        #expect(isCounted)
        #expect(try metric("calls{state=\"talking\"}") == 1)
        #expect(try metric("calls_started_total") == 1)
        #expect(try metric("registrations") == 1)
        #expect(try metric("rtp_packets_relayed_total") == 3)
        #expect(try metric("rtp_port_pairs_in_use") == 2)
        #expect(try metric("sip_requests_refused_total{status=\"401\"}") >= 1)
        #expect(try metric("sip_messages_received_total") > 5 && metric("sip_messages_sent_total") > 5)
        #expect(try metric("trunk_up") == 1)
        try pair.hangUp()
        let isClosed = try eventually {
            try metric("rtp_packets_lost_total") == 3 && metric("cdr_written_total") >= 1 && metric("cdr_queued") == 0
        }
        #expect(isClosed)
        let page = try pair.running.page()
        for name in [
            "calls gauge", "calls_started_total counter", "calls_per_second gauge", "registrations gauge",
            "rtp_packets_relayed_total counter", "rtp_packets_lost_total counter",
            "rtp_packets_malformed_total counter", "rtp_port_pairs_in_use gauge", "loop_stalls_total counter",
            "cdr_lag_seconds gauge", "sip_requests_refused_total counter", "sip_messages_dropped_total counter",
        ] {
            #expect(page.contains("# TYPE gudok_\(name)\n"), "\(name)")
        }
        // Every sample has a value and belongs to a name that was described.
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            #expect(parts.count >= 2 && Double(parts.last ?? "") != nil, "\(line)")
            #expect(page.contains("# HELP \(line.prefix { $0 != " " && $0 != "{" }) "), "\(line)")
        }
        let described = page.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(described).count == described.count, "a name is described once")
    }

    @Test func `TCP connections are counted while they are open, and when they are cut`() throws {
        let running = try RunningSwitch()
        #expect(try running.metric("gudok_sip_connections ") == 0)
        let peers = try (0..<3).map { _ in try StreamPeer(to: running.tcpPort) }
        #expect(try eventually { try running.metric("gudok_sip_connections ") == 3 })
        peers[0].send("GET / HTTP/1.1\r\n\r\n")
        #expect(try eventually { try running.metric("gudok_sip_connections ") == 2 })
        #expect(try running.metric("gudok_sip_connections_broken_total") == 1)
    }

    @Test func `a web page of another origin has no access, one of ours and HEAD have`() throws {
        let running = try RunningSwitch()
        let own = "http://127.0.0.1:\(running.httpPort)"
        for origin in ["http://evil.example", "null", "http://127.0.0.1", own + "0"] {
            let refusal = try running.http("/api/v1/calls", headers: ["Origin: \(origin)"])
            #expect(refusal.status == 403 && refusal.text.contains("foreign-origin"), "\(origin)")
        }
        #expect(try running.http("/api/v1/calls", headers: ["Origin: \(own)"]).status == 200)
        let curl = try ChildProcess("/usr/bin/env", ["curl", "-sI", own + "/healthz"])
        #expect(curl.exitCode(within: 10) == 0)
        #expect(curl.waitFor(2) { $0.hasPrefix("HTTP/1.1 200") })
    }
}

import Foundation
import Testing

/// A switch all of whose media ports are in use.
@Suite("Short of media ports")
struct ShortOfPortsTests {
    /// The first of eight ports in a row that nobody has.
    private static func freePorts() throws -> UInt16 {
        try #require(
            stride(from: UInt16(28_000), to: 29_900, by: 16).first { base in
                (base..<base + 8).allSatisfy { (try? WirePeer(port: $0)) != nil }
            }
        )
    }

    @Test func `the port of a phone that rang is for others while the call goes on`() throws {
        let running = try RunningSwitch(
            tenant: "queues: [{name: sales, strategy: ring-all, agents: [{user: \"1001\"}, {user: \"1002\"}]}]",
            incoming: "routes: [{match: \".\", do: [{queue: sales}, {hangup: normal}]}]"
        )
        let caller = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        for phone in [anna, boris] {
            _ = try phone.register()
            #expect(try running.gudok("agent", "login", phone.user).code == 0)
        }
        func inUse(_ pairs: Double) throws -> Bool {
            try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == pairs }
        }
        _ = try caller.arrive(media: WirePeer())
        #expect(try inUse(3))
        boris.respond("486 Busy Here", to: try #require(boris.expect("INVITE")), toTag: "b")
        #expect(boris.expect("ACK") != nil)
        #expect(try inUse(2))
        _ = try anna.pickUp(media: WirePeer())
        #expect(try eventually { try running.rows("calls").first?["state"] as? String == "talking" })
        #expect(try inUse(2))
    }

    @Test func `the switch's own lack is no miss of its agents, and who waits is offered as soon as a port is free`()
        throws
    {
        let made = try RunningSwitch(
            tenant: "queues: [{name: sales, busy_delay: 60s, pause_after_misses: 1, agents: [{user: \"1001\"}]}]",
            incoming: """
                routes:
                  - {match: "600", do: [answer, echo]}
                  - {match: ".", do: [{queue: sales}, {hangup: normal}]}
                """
        )
        made.isFolderKept = true
        #expect(made.stop() == 0)
        let file = made.folder.appending(path: "gudok.yaml")
        let base = try Self.freePorts()
        try String(contentsOf: file, encoding: .utf8).replacing("30000-39999", with: "\(base)-\(base + 7)")
            .write(to: file, atomically: true, encoding: .utf8)
        let peer = try #require(made.carrier)
        let running = try RunningSwitch(carrierPort: peer.port, folder: made.folder)
        #expect(try running.metric("gudok_rtp_port_pairs ") == 4)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()

        let echoes = try (0..<3).map { try Phone("+7495111220\($0)", server: running.sipPort, peer: peer) }
        let tags = try echoes.map { echo in
            echo.send(echo.request("INVITE", to: "600", sdp: Phone.sdp(port: try WirePeer().port)))
            return echo.acknowledge(try #require(echo.final("INVITE")), to: "600")
        }
        let caller = try Phone("+74951112209", server: running.sipPort, peer: peer)
        _ = try caller.arrive(media: WirePeer())
        #expect(try running.gudok("agent", "login", "1001").code == 0)
        #expect(running.process.waitFor(5) { $0.contains("no media port") })
        #expect(try running.state(of: "1001") == "available")
        #expect(try running.rows("queues").first?["waiting"] as? Int == 1)
        let doctor = try running.gudok("doctor")
        #expect(doctor.code == 1 && doctor.text.contains("all 4 port pairs are in use"), "\(doctor.text)")

        echoes[0].send(echoes[0].request("BYE", to: "600", toTag: tags[0]))
        _ = try anna.pickUp(media: WirePeer())
        #expect(try eventually { try running.rows("calls").contains { $0["agent"] as? String == "1001" } })
        let figures = try #require(try running.rows("stats", "agents").first)
        #expect(figures["missed"] as? Int == 0, "\(figures)")
    }
}

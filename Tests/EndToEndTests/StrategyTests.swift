import Foundation
import Testing

/// Who is rung, over the wire, and for how long nobody is.
@Suite("Queues' strategies over the wire")
struct StrategyTests {
    private struct Team {
        let running: RunningSwitch
        let carrier: Phone
        let phones: [Phone]
        private let strategies: [String]

        /// A queue of three for each strategy; everybody has logged in, in order.
        init(_ strategies: [String], rules: String = "") throws {
            let queues = strategies.map { name in
                """
                  - name: \(name)
                    strategy: \(name)
                    \(rules)
                    agents: [{user: "1001", skill: 1}, {user: "1002", skill: 2}, {user: "1003", skill: 3}]
                """
            }
            let routes = strategies.enumerated().map {
                #"  - {match: "70\#($0)", do: [{queue: \#($1)}, {hangup: normal}]}"#
            }
            self.strategies = strategies
            running = try RunningSwitch(
                tenant: "queues:\n" + queues.joined(separator: "\n"),
                incoming: "routes:\n" + routes.joined(separator: "\n")
            )
            carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
            let port = running.sipPort
            phones = try ["1001": "anna-demo-1", "1002": "boris-demo-2", "1003": "vera-demo-3"]
                .sorted { $0.key < $1.key }.map { try Phone($0.key, password: $0.value, server: port) }
            for phone in phones {
                _ = try phone.register()
                #expect(try running.gudok("agent", "login", phone.user).code == 0)
            }
        }

        private func number(of queue: String) -> String { "70\(strategies.firstIndex(of: queue) ?? 9)" }

        /// Somebody calls the queue.
        func call(_ queue: String) throws -> (tag: String, media: WirePeer) {
            let media = try WirePeer()
            carrier.callID = UUID().uuidString
            return (try carrier.arrive(at: number(of: queue), media: media).tag, media)
        }

        /// The first phone that rings, and its INVITE.
        func ringing() throws -> (phone: Phone, invite: String) {
            var found: (Phone, String)?
            #expect(
                eventually {
                    for phone in phones where found == nil {
                        if let invite = phone.expect("INVITE", within: 0.05) { found = (phone, invite) }
                    }
                    return found != nil
                }
            )
            return try #require(found)
        }

        /// A whole call: who took it.
        func serve(_ queue: String, for seconds: Double = 0.1) throws -> String {
            let (tag, _) = try call(queue)
            let (phone, invite) = try ringing()
            let media = try WirePeer()
            phone.respond("200 OK", to: invite, toTag: phone.user, sdp: Phone.sdp(port: media.port))
            _ = try #require(phone.expect("ACK"))
            // The talk's length is what some strategies go by.
            _ = media.receive(within: seconds)
            carrier.send(carrier.request("BYE", to: number(of: queue), toTag: tag))
            try phone.expectBye()
            #expect(try eventually { try running.state(of: phone.user) == "available" })
            return phone.user
        }
    }

    @Test func `B131: strategies name the right agent`() throws {
        let team = try Team([
            "linear", "round-robin", "longest-idle", "fewest-calls", "least-talk-time", "skills", "random",
        ])
        let serve = { (queue: String, count: Int) in try (0..<count).map { _ in try team.serve(queue) } }
        #expect(try serve("linear", 2) == ["1001", "1001"])
        // 1001 came to rest last.
        #expect(try serve("longest-idle", 3) == ["1002", "1003", "1001"])
        // By this queue's own turns, whatever happened in others.
        #expect(try serve("round-robin", 4) == ["1001", "1002", "1003", "1001"])
        #expect(try serve("skills", 2) == ["1003", "1003"])
        // Nobody has a call in this queue: by idleness, then whoever has none yet.
        #expect(try serve("fewest-calls", 3) == ["1002", "1001", "1003"])
        // Whoever talked longest in this queue is asked last.
        let long = try team.serve("least-talk-time", for: 1)
        let others = try serve("least-talk-time", 4)
        #expect(!others.contains(long) && Set(others).count == 2)
        #expect(Set(try serve("random", 2)).isSubset(of: ["1001", "1002", "1003"]))
    }

    @Test(arguments: [("603 Decline", 1.0), ("486 Busy Here", 2.0)])
    func `B134: whoever declined or was busy is not asked again before his rest is over`(
        status: String,
        rest: Double
    ) throws {
        let team = try Team(["linear"], rules: "decline_delay: 1s\n    busy_delay: 2s")
        for phone in team.phones.dropFirst() { _ = try team.running.gudok("agent", "logout", phone.user) }
        _ = try team.call("linear")
        let anna = team.phones[0]
        let first = try #require(anna.expect("INVITE"))
        let refused = ContinuousClock.now
        anna.respond(status, to: first, toTag: "1001")
        let next = try #require(
            anna.peer.expect { $0.startWord == "INVITE" && $0.header("Call-ID") != first.header("Call-ID") }
        )
        let rested = refused.duration(to: .now)
        #expect(rested > .seconds(rest - 0.05) && rested < .seconds(rest + 1.5), "\(rested)")
        anna.respond("603 Decline", to: next, toTag: "1001")
    }

    @Test func `B134: the longest wait sends the caller on, whether agents are there or not`() throws {
        let team = try Team(["linear"], rules: "max_wait: 1s")
        for phone in team.phones { _ = try team.running.gudok("agent", "logout", phone.user) }
        for isStaffed in [false, true] {
            if isStaffed { _ = try team.running.gudok("agent", "login", "1001") }
            let began = ContinuousClock.now
            _ = try team.call("linear")
            if isStaffed {
                let invite = try #require(team.phones[0].expect("INVITE"))
                team.phones[0].respond("180 Ringing", to: invite, toTag: "1001")
                #expect(team.phones[0].expect("CANCEL") != nil)
            }
            let bye = try #require(team.carrier.expect("BYE"))
            team.carrier.respond("200 OK", to: bye)
            let waited = began.duration(to: .now)
            #expect(waited > .seconds(0.95) && waited < .seconds(3), "\(waited)")
        }
    }

    @Test func `B134: a queue that the last agent leaves sends on whoever waits in it`() throws {
        let team = try Team(["linear"], rules: "on_empty: refuse\n    max_wait_empty: 1s")
        let written = try team.running.gudok("export", "--tenant", "demo").text
        #expect(written.contains("max_wait_empty: 1s"), "\(written)")
        _ = try team.call("linear")
        _ = try team.ringing()
        for phone in team.phones { _ = try team.running.gudok("agent", "logout", phone.user) }
        // He hears the tone of a refusal first.
        let bye = try #require(team.carrier.expect("BYE", within: 10))
        team.carrier.respond("200 OK", to: bye)
        #expect(try eventually { try team.running.rows("cdr").first?["ended_at"] is String })
    }
}

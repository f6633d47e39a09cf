import Foundation
import Testing

/// What `gudok dialplan test` says of a call is what happens to one over the wire.
@Suite("Rehearsals of plans")
struct RehearsalTests {
    private static let tenant = """
        queues:
          - {name: empty, agents: [{user: "1001"}], on_empty: refuse}
          - {name: full, agents: [{user: "1001"}], max_length: 0, on_full: {dialplan: incoming, flow: engaged}}
          - name: sales
            agents: [{user: "1001"}]
            keys: {"1": {dialplan: incoming, flow: engaged}, "2": {dialplan: incoming, flow: elsewhere}}
        """
    private static let incoming = """
        routes:
          - {match: "1", do: [{queue: empty}, {play: welcome}, {hangup: congestion}]}
          - {match: "2", do: [{queue: full}, {play: welcome}, {hangup: congestion}]}
          - {match: "3", do: [{queue: sales}, {hangup: congestion}]}
          - match: "4"
            do:
              - callback: {queue: sales, number: "{caller}"}
              - when: {callback_result: refused}
                then: [{hangup: not-found}]
              - when: {callback_result: known}
                then: [{hangup: declined}]
              - hangup: busy
        flows:
          engaged: [{hangup: busy}]
          elsewhere: [{hangup: declined}]
        tests:
          - {name: refused, call: {from: "+7495", to: "1"}, queue: [empty], expect: [{queued: empty}, {hung-up: unavailable}]}
          - {name: empty in the end, call: {from: "+7495", to: "3"}, queue: [empty], expect: [answered, {hung-up: congestion}]}
          - {name: full, call: {from: "+7495", to: "2"}, queue: [full], expect: [{queued: full}, {hung-up: busy}]}
          - name: a key leads out, and one that leads nowhere does not
            call: {from: "+7495", to: "3"}
            input: ["7", "2"]
            queue: [key, key]
            expect: [answered, {queued: sales}, {hung-up: declined}]
          - {name: gone, call: {from: "+7495", to: "3"}, queue: [abandoned], expect: [answered, {queued: sales}]}
          - {name: no number, call: {from: anonymous, to: "4"}, expect: [{hung-up: not-found}]}
          - {name: a number, call: {from: "+7495", to: "4"}, callback: [known, accepted], expect: [{hung-up: declined}]}
        """

    @Test(arguments: [
        ("1001", "1002", "hung-up rejected"), ("1003", "1002", "supervised 1002"),
        ("1003", "1003", "hung-up unavailable"), ("+7495", "1002", "hung-up rejected"),
    ])
    func `who may not supervise is refused in the rehearsal too`(who: String, whom: String, end: String) throws {
        let step = "routes: [{match: \"*55.\", do: [{supervise: {mode: listen, agent: \"{called:3}\"}}]}]"
        let running = try RunningSwitch(incoming: step, internalPlan: step)
        let trunk = who.hasPrefix("+") ? ["--trunk", "carrier"] : []
        let said = try running.gudok(["dialplan", "route", "--from", who, "--to", "*55\(whom)"] + trunk)
        #expect(said.code == 0 && said.text.contains(end), "\(said.text)")
    }

    @Test func `queues that refuse, keys that lead out and callers who leave are rehearsed as they are`() throws {
        let running = try RunningSwitch(tenant: Self.tenant, incoming: Self.incoming)
        let result = try running.gudok("dialplan", "test")
        #expect(result.code == 0, "\(result.text)")
        // A plan without a test is not passed over: it is the least tested.
        #expect(result.text.contains("internal.yaml: 0 of 4 rules tested; not tested: lines "), "\(result.text)")
        func route(_ number: String) throws -> String {
            try running.gudok("dialplan", "route", "--from", "+7495", "--to", number, "--trunk", "carrier").text
        }
        #expect(!(try route("4")).contains("answered"))
        // Nobody is logged in, and nobody may wait.
        for (number, from, status) in [
            ("1", "+74951112233", "480"), ("2", "+74951112233", "486"), ("4", "anonymous", "404"),
            ("4", "+74951112233", "486"), ("4", "+74951112233", "603"),
        ] {
            let caller = try Phone(from, server: running.sipPort, peer: running.carrier)
            caller.send(caller.request("INVITE", to: number, sdp: Phone.sdp(port: 4_000)))
            #expect(caller.final("INVITE")?.startWord == status, "\(number) of \(from)")
        }
    }
}

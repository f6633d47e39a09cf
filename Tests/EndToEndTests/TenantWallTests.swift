import Foundation
import Testing

/// Whoever names a tenant has to do with that one alone, whatever call he names.
@Suite("Between tenants")
struct TenantWallTests {
    @Test func `a call of one tenant is not there for whoever names another, and a tenant has to be there`() throws {
        let running = try RunningSwitch()
        let caller = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let answer = try caller.call("600")
        #expect(answer.startWord == "200")
        let tag = caller.acknowledge(answer, to: "600")
        let call = try #require(try running.rows("calls", "--tenant", "demo").first?["call_id"] as? String)

        try """
        tenant: other
        domains: [other.test]
        users: [{extension: "1001", password: other-1}]
        dialplans: {internal: internal-other.yaml}
        """.write(to: running.folder.appending(path: "tenants/other.yaml"), atomically: true, encoding: .utf8)
        try "routes: [{match: \".\", do: [{hangup: not-found}]}]".write(
            to: running.folder.appending(path: "dialplans/internal-other.yaml"),
            atomically: true,
            encoding: .utf8
        )
        let file = running.folder.appending(path: "tenants/other.yaml").path
        let plan = running.folder.appending(path: "dialplans/internal-other.yaml").path
        #expect(try running.gudok("apply", file, plan).code == 0)

        for tenant in ["other", "nobody", "../demo"] {
            #expect(try running.http("/api/v1/calls/\(call)?tenant=\(tenant)", method: "DELETE").status == 404)
            #expect(try running.http("/api/v1/trace/\(call)?tenant=\(tenant)").status == 404)
            for command in [
                ["hangup", call], ["recordings", "pause", call], ["why", call], ["trace", call], ["cdr", call],
            ] {
                let (code, text) = try running.gudok(command + ["--tenant", tenant])
                #expect(code == 1, "\(command) \(tenant): \(text)")
            }
        }
        #expect(try running.http("/api/v1/calls/\(call)?tenat=demo", method: "DELETE").status == 400)
        for listing in ["calls", "agents", "queues", "cdr", "recordings", "callbacks", "stats/queues"] {
            let reply = try running.http("/api/v1/\(listing)?tenant=../demo")
            #expect(reply.status == 404 && reply.text.contains("no-such-tenant"), "\(listing): \(reply.text)")
        }
        #expect(try running.gudok("cdr", "--tenant", "nobody").text.contains("there is no tenant 'nobody'"))

        for (path, status) in [
            ("calls/\(call)", 200), ("calls/\(call)?tenant=demo", 200), ("calls/\(call)?tenant=other", 404),
            ("cdr/\(call)?tenant=demo", 200), ("cdr/\(call)?tenant=other", 404), ("trunks/carrier", 200),
            ("trunks/carrier?tenant=other", 404), ("queues/none", 404), ("recordings/none", 404), ("agents/1001", 404),
        ] {
            let reply = try running.http("/api/v1/\(path)")
            #expect(reply.status == status && (status == 404 || reply.text.hasPrefix("{")), "\(path): \(reply)")
        }

        // Nothing of that touched it, and its own tenant's word does.
        #expect(try running.rows("calls").count == 1)
        #expect(try running.gudok("why", call, "--tenant", "demo").text.contains("dial plan internal"))
        #expect(try running.gudok("hangup", call, "--tenant", "demo").code == 0)
        let bye = try #require(caller.expect("BYE"))
        #expect(bye.header("From")?.contains(tag) == true)
        caller.respond("200 OK", to: bye)
        #expect(try eventually { try running.rows("cdr", call, "--tenant", "demo").first?["ended_at"] is String })
        #expect(try running.gudok("why", call, "--tenant", "other").code == 1)
    }
}

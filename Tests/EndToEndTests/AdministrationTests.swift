import Foundation
import Testing

/// What administrators change, what of it lasts, and what commands beside a running switch go by.
@Suite("Administration")
struct AdministrationTests {
    private static func write(_ text: String, _ path: String, in folder: URL) throws {
        try text.write(to: folder.appending(path: path), atomically: true, encoding: .utf8)
    }

    private static func demo(of folder: URL) throws -> String {
        try String(contentsOf: folder.appending(path: "tenants/demo.yaml"), encoding: .utf8)
    }

    private static func tenant(_ name: String, domain: String? = nil) -> String {
        """
        tenant: \(name)
        domains: [\(domain ?? "\(name).test")]
        users: [{extension: "1001", password: x}]

        """
    }

    private static func sql(_ statement: String, _ database: URL) throws -> String {
        let command = try ChildProcess("/usr/bin/env", ["sqlite3", database.path, statement])
        #expect(command.exitCode(within: 10) == 0, "\(command.text)")
        return command.text
    }

    /// Runs a command where no switch runs.
    private static func gudok(_ arguments: String..., in folder: URL) throws -> (code: Int32?, text: String) {
        let command = try ChildProcess(RunningSwitch.binary, arguments + ["--config", "gudok.yaml"], in: folder)
        let code = command.exitCode(within: 20)
        return (code, command.text)
    }

    /// One call of the tenant demo, so that he has a database.
    private static func placeCall(_ running: RunningSwitch, from user: String = "+74951112233") throws {
        let before = try running.rows("cdr").count
        let phone = try Phone(user, server: running.sipPort, peer: running.carrier)
        phone.send(phone.request("INVITE", to: "999", sdp: Phone.sdp(port: 4_000)))
        #expect(phone.final("INVITE")?.startWord == "404")
        #expect(try eventually { try running.rows("cdr").filter { $0["ended_at"] is String }.count == before + 1 })
    }

    @Test func `what several put in force at once, without a switch, is all in force`() throws {
        let running = try RunningSwitch()
        #expect(running.stop() == 0)
        let names = (0..<6).map { "t\($0)" }
        for name in names { try Self.write(Self.tenant(name), "\(name).yaml", in: running.folder) }
        let commands = try names.map { name in
            try ChildProcess(
                RunningSwitch.binary,
                ["apply", "\(name).yaml", "--config", "gudok.yaml"],
                in: running.folder
            )
        }
        for command in commands { #expect(command.exitCode(within: 30) == 0, "\(command.text)") }
        let database = running.folder.appending(path: "data/gudok.sqlite")
        let applied = try Self.sql("SELECT group_concat(name) FROM (SELECT name FROM applied ORDER BY name)", database)
        #expect(applied.trimmingCharacters(in: .whitespacesAndNewlines) == names.joined(separator: ","))
    }

    @Test func `prune, route and export go by what the switch has in force, whatever lies in its folders`() throws {
        let running = try RunningSwitch(tenant: "recordings: {keep: 9000h}")
        let folder = running.folder
        try Self.placeCall(running)
        let own = folder.appending(path: "data/tenants/demo")
        try FileManager.default.createDirectory(
            at: own.appending(path: "recordings"),
            withIntermediateDirectories: true
        )
        let file = own.appending(path: "recordings/a.wav")
        try Data("RIFF".utf8).write(to: file)
        let hourAgo = Int64(Date().timeIntervalSince1970 * 1000) - 3_600_000
        _ = try Self.sql(
            """
            INSERT INTO recordings (id, call_id, file, policy, started_ms, milliseconds, octets, sha256, state)
            VALUES ('c-1', 'c', 'a.wav', 'plan', \(hourAgo), 1, 4, '', 'final')
            """,
            own.appending(path: "cdr.sqlite")
        )
        // Somebody is in the middle of an edit.
        try Self.write(
            try Self.demo(of: folder).replacing("keep: 9000h", with: "keep: 1s"),
            "tenants/demo.yaml",
            in: folder
        )
        let plan = "routes: [{match: \"600\", do: [{hangup: busy}]}]\n"
        try Self.write(plan, "dialplans/internal.yaml", in: folder)
        #expect(try running.gudok("recordings", "prune").text.contains("demo: 0 recordings deleted"))
        #expect(FileManager.default.fileExists(atPath: file.path))
        #expect(try running.gudok("dialplan", "route", "--from", "1001", "--to", "600").text.contains("echoed"))
        try Self.write("tenant: [\n", "tenants/broken.yaml", in: folder)
        #expect(try running.gudok("recordings", "prune").code == 0)
        let exported = try running.gudok("export")
        #expect(exported.code == 0 && exported.text.contains("keep: 9000h"), "\(exported.text)")
        // With no switch the files are what the next start puts in force.
        try FileManager.default.removeItem(at: folder.appending(path: "tenants/broken.yaml"))
        running.stop()
        #expect(try running.gudok("recordings", "prune").text.contains("demo: 1 recording deleted"))
    }

    @Test func `a tenant with a file goes with it and may be renamed, though it was applied once`() throws {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        func tenants() throws -> [Bool] {
            try ["demo", "acme", "two"].map { try running.gudok("export", "--tenant", $0).code == 0 }
        }
        try Self.write(Self.tenant("two"), "tenants/two.yaml", in: folder)
        for file in ["tenants/two.yaml", "tenants/demo.yaml"] { #expect(try running.gudok("apply", file).code == 0) }
        #expect(try tenants() == [true, false, true])
        try FileManager.default.removeItem(at: folder.appending(path: "tenants/two.yaml"))
        let acme = try Self.demo(of: folder).replacing("tenant: demo", with: "tenant: acme")
        try Self.write(acme, "tenants/demo.yaml", in: folder)
        // Another application in between makes no difference.
        try Self.write(Self.tenant("third"), "third.yaml", in: folder)
        #expect(try running.gudok("apply", "third.yaml").code == 0)
        running.process.signal(SIGHUP)
        #expect(try eventually { try tenants() == [false, true, false] })
        #expect(running.stop() == 0)
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(try tenants() == [false, true, false])
        #expect(running.stop() == 0)
    }

    @Test
    func `what was applied and has no file is taken away by name, and named where it keeps a switch from starting`()
        throws
    {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(Self.tenant("old"), "old.yaml", in: folder)
        #expect(try running.gudok("apply", "old.yaml").text.contains("+ user 1001"))
        let refused = try running.gudok("apply", "--remove", "demo")
        #expect(refused.code == 1 && refused.text.contains("nothing is applied over demo's file"), "\(refused.text)")
        #expect(try running.gudok("apply", "--remove", "nobody").text.contains("these were: old"))
        #expect(running.stop() == 0)

        try Self.write(Self.tenant("new", domain: "old.test"), "tenants/new.yaml", in: folder)
        for command in ["check", "doctor", "serve"] {
            let asked = try Self.gudok(command, in: folder)
            #expect(asked.code == 1, "\(command)")
            #expect(
                asked.text.contains("that of old, in applied/old.yaml [duplicate]")
                    && asked.text.contains("gudok apply --remove old"),
                "\(asked.text)"
            )
        }
        let removed = try Self.gudok("apply", "--remove", "old", in: folder)
        #expect(removed.code == 0 && removed.text.contains("- applied old"), "\(removed.text)")
        #expect(try Self.gudok("check", in: folder).text.contains("ok: 2 tenants"))
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(try running.gudok("export", "--tenant", "old").code == 1)
        // Live, too.
        try Self.write(Self.tenant("third"), "third.yaml", in: folder)
        #expect(try running.gudok("apply", "third.yaml").code == 0)
        #expect(try running.gudok("apply", "--remove", "third").text.contains("- user 1001 (tenant third)"))
        #expect(try running.gudok("export", "--tenant", "third").code == 1)
        #expect(running.stop() == 0)
    }

    @Test func `what has a file in the folders by the next start is dropped then, and goes with the file`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(
            """
            node: x
            sip: {listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]}
            media: {address: 127.0.0.1, ports: 30000-39999}
            http: {listen: "127.0.0.1:0"}
            """,
            "gudok.yaml",
            in: folder
        )
        try Self.write(Self.tenant("a"), "a.yaml", in: folder)
        #expect(try Self.gudok("apply", "a.yaml", in: folder).code == 0)
        #expect(try Self.gudok("export", in: folder).code == 0)
        try Self.write(Self.tenant("a"), "tenants/a.yaml", in: folder)
        let running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(running.stop() == 0)
        try FileManager.default.removeItem(at: folder.appending(path: "tenants/a.yaml"))
        #expect(try Self.gudok("export", "--tenant", "a", in: folder).code == 1)
    }

    @Test func `the later word counts: an application outlives a restart until the tenant's file is changed`() throws {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let demo = try Self.demo(of: folder)
        func restart(_ signal: Int32 = SIGTERM) throws {
            running.process.signal(signal)
            #expect(running.process.exitCode(within: 20) != nil)
            running = try RunningSwitch(folder: folder)
            running.isFolderKept = true
        }
        func name() throws -> String {
            let text = try running.gudok("export").text
            return ["Anya", "Asya", "Alla", "Anna"].first { text.contains($0) } ?? text
        }
        func apply(_ text: String, _ flags: String...) throws -> (code: Int32?, text: String) {
            try Self.write(text, "next.yaml", in: folder)
            return try running.gudok(["apply", "next.yaml"] + flags)
        }
        // To the running switch; then to the data folder.
        #expect(try apply(demo.replacing("name: Anna", with: "name: Anya")).code == 0)
        try restart(SIGKILL)
        #expect(try name() == "Anya")
        running.process.signal(SIGHUP)
        #expect(eventually { running.process.text.contains("files read again: 0 changes") })
        #expect(try name() == "Anya")
        running.stop()
        let offline = try apply(demo.replacing("name: Anna", with: "name: Asya"))
        #expect(offline.code == 0 && offline.text.contains("name Anya → Asya"), "\(offline.text)")
        #expect(offline.text.contains("tenants/demo.yaml says otherwise"), "\(offline.text)")
        try restart()
        #expect(try name() == "Asya")
        // A dry run says what it would do, and does nothing.
        #expect(try running.gudok("apply", "--remove", "demo", "--dry-run").text.contains("name Asya → Anna"))
        #expect(try running.gudok("apply", "--remove", "demo").text.contains("name Asya → Anna"))
        try restart()
        #expect(try name() == "Anna")
        // The file, changed after the application, has the last word, and keeps it.
        #expect(try apply(demo.replacing("name: Anna", with: "name: Asya")).code == 0)
        try Self.write(demo.replacing("name: Anna", with: "name: Alla"), "tenants/demo.yaml", in: folder)
        running.process.signal(SIGHUP)
        #expect(try eventually { try name() == "Alla" })
        try restart()
        try Self.write(demo, "tenants/demo.yaml", in: folder)
        try restart()
        #expect(try name() == "Anna")
        running.stop()
    }

    @Test func `apply says where a file of the folders says otherwise, and nothing for naught`() throws {
        let running = try RunningSwitch()
        let folder = running.folder
        let other = try Self.demo(of: folder).replacing("name: Anna", with: "name: Anya")
        try Self.write(other, "next.yaml", in: folder)
        let words = "tenants/demo.yaml says otherwise"
        let live = try running.gudok("apply", "next.yaml")
        #expect(live.code == 0 && live.text.contains("name Anna → Anya") && live.text.contains(words), "\(live.text)")
        // The file itself, changed and applied, has nothing against it; nor has what `export` made of it.
        try Self.write(other, "tenants/demo.yaml", in: folder)
        #expect(try running.gudok("apply", "tenants/demo.yaml").text == "nothing changes\n")
        try Self.write(try running.gudok("export").text, "next.yaml", in: folder)
        #expect(try running.gudok("apply", "next.yaml").text == "nothing changes\n")
    }

    @Test func `a pipe is applied as a file is, and an export reads back to the letter`() throws {
        let running = try RunningSwitch()
        func pipe(_ command: String) throws -> (code: Int32?, text: String) {
            let config = running.folder.appending(path: "gudok.yaml").path
            let shell = "\(command) | '\(RunningSwitch.binary)' apply /dev/stdin --config '\(config)'"
            let process = try ChildProcess("/bin/sh", ["-c", shell])
            return (process.exitCode(within: 20), process.text)
        }
        let name = #"name: "a\u2028b\u0085c\uFEFFd\x07""#
        let other = try Self.demo(of: running.folder).replacing("name: Anna", with: name)
        try Self.write(other, "next.yaml", in: running.folder)
        let applied = try pipe("cat '\(running.folder.appending(path: "next.yaml").path)'")
        #expect(applied.code == 0 && applied.text.contains("~ user 1001"), "\(applied.text)")
        let config = running.folder.appending(path: "gudok.yaml").path
        let again = try pipe("'\(RunningSwitch.binary)' export --config '\(config)'")
        #expect(again.code == 0 && again.text.hasPrefix("nothing changes\n"), "\(again.text)")
        let plan = try pipe("echo 'routes: []'")
        #expect(plan.code == 1 && plan.text.contains("write a dial plan to a file"), "\(plan.text)")
        // A folder's file is read at every start and reload, and nobody may ever write into a pipe.
        let fifo = running.folder.appending(path: "dialplans/pipe.yaml").path
        #expect(mkfifo(fifo, 0o600) == 0)
        let checked = try running.gudok("check")
        #expect(checked.code == 1 && checked.text.contains("pipe.yaml:1:1: error: cannot be read: it is a pipe"))
    }

    @Test func `two texts of one tenant are not applied, and an editor's hidden files are none`() throws {
        let running = try RunningSwitch()
        let demo = try Self.demo(of: running.folder)
        try Self.write(demo.replacing("name: Anna", with: "name: Anya"), "next.yaml", in: running.folder)
        try Self.write(demo.replacing("name: Anna", with: "name: Asya"), "old.yaml", in: running.folder)
        let files = ["next.yaml", "old.yaml"].map { running.folder.appending(path: $0).path }
        let refused = try running.gudok(["apply"] + files)
        #expect(refused.code == 1 && refused.text.contains("old.yaml:1:1: error: tenant demo is in"), "\(refused.text)")
        // What Emacs makes beside a file that is being changed leads nowhere.
        for place in ["tenants/.#demo.yaml", "dialplans/.#incoming.yaml"] {
            let link = running.folder.appending(path: place).path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "me@host.1:2")
        }
        let checked = try running.gudok("check")
        #expect(checked.code == 0, "\(checked.text)")
    }

    @Test func `a realm is what is written, to the letter: hashes of another system are over its own`() throws {
        let hash = Phone.md5("1009:Acme PBX:secret")
        let running = try RunningSwitch(
            users: "  - {extension: \"1009\", ha1: {md5: \(hash)}}",
            tenant: "realm: Acme PBX"
        )
        for (user, password) in [("1009", "secret"), ("1001", "anna-demo-1")] {
            #expect(try Phone(user, password: password, server: running.sipPort).register().startWord == "200")
        }
        #expect(try running.gudok("export").text.contains("\nrealm: \"Acme PBX\"\n"))
    }

    @Test func `an exported tenant may have another first domain, and his users' passwords still fit`() throws {
        let running = try RunningSwitch()
        let file = running.folder.appending(path: "next.yaml")
        let exported = try running.gudok("export").text
        let moved = exported.replacing("domains: [\"demo.test\"]", with: "domains: [\"new.test\", \"demo.test\"]")
        #expect(moved != exported && moved.contains("\nrealm: \"demo.test\"\n"), "\(exported)")
        try moved.write(to: file, atomically: true, encoding: .utf8)
        let applied = try running.gudok("apply", file.path)
        #expect(applied.code == 0 && applied.text.contains("domains demo.test → new.test, demo.test"), "\(applied)")
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")

        // Without it the hashes are over another realm than phones are asked for.
        try moved.replacing("realm: \"demo.test\"\n", with: "").write(to: file, atomically: true, encoding: .utf8)
        let refused = try running.gudok("apply", file.path)
        #expect(refused.code == 1, "\(refused.text)")
        #expect(refused.text.contains("the hashes of 3 users are over demo.test: no password fits"), "\(refused.text)")
        #expect(
            refused.text.contains("write `realm: demo.test`") && refused.text.contains("--force; nothing was changed")
        )
        #expect(try phone.register().startWord == "200")
    }

    @Test func `a plan that no tenant names is said to do nothing, and its dead references are told`() throws {
        let running = try RunningSwitch()
        try Self.write(
            "routes: [{match: \".\", do: [{queue: nope}, {dial: {trunk: none, number: \"1\"}}]}]\n",
            "internal.yml",
            in: running.folder
        )
        let applied = try running.gudok("apply", "internal.yml")
        for words in ["no tenant has the dial plan internal.yml", "no queue 'nope'", "no trunk 'none'"] {
            #expect(applied.text.contains(words), "\(applied.text)")
        }
    }

    @Test func `a dry run fails where the application would, and what was forced is not the next one's fault`() throws {
        let running = try RunningSwitch()
        let folder = running.folder
        func fails(_ arguments: String..., because why: String) throws {
            for flags in [["--dry-run"], []] {
                let refused = try running.gudok(["apply"] + arguments + flags)
                #expect(refused.code == 1 && refused.text.contains(why), "\(arguments + flags): \(refused.text)")
            }
        }
        let plan = RunningSwitch.internalPlan
        try Self.write(plan.replacing("[answer, echo]", with: "[{play: no-such}]"), "internal.yaml", in: folder)
        try fails("internal.yaml", because: "there is no prompt 'no-such'")
        try Self.write(
            plan + "\ntests: [{name: t, call: {from: \"1003\", to: \"600\"}, expect: [{hung-up: busy}]}]\n",
            "internal.yaml",
            in: folder
        )
        try fails("internal.yaml", because: "the test 't' fails")
        #expect(try running.gudok("apply", "internal.yaml", "--dry-run", "--force").code == 0)
        #expect(try running.gudok("apply", "internal.yaml", "--force").code == 0)
        try Self.write(
            try Self.demo(of: folder).replacing("name: Anna", with: "name: Anya"),
            "demo.yaml",
            in: folder
        )
        #expect(try running.gudok("apply", "demo.yaml", "--dry-run").code == 0)
        #expect(try running.gudok("apply", "demo.yaml").code == 0)
        // Its own test still is.
        try fails("internal.yaml", because: "the test 't' fails")
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `the next owner of an extension is nobody's heir, over a restart either`(signal: Int32) throws {
        let sales = "queues: [{name: sales, agents: [{user: \"1001\"}, {user: \"1002\"}]}]"
        var running = try RunningSwitch(tenant: "pause_reasons: [break]\n\(sales)")
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try Self.demo(of: folder)
        func put(_ text: String, agents: Int) throws {
            try Self.write(text, "tenants/demo.yaml", in: folder)
            running.process.signal(SIGHUP)
            #expect(try eventually { try running.rows("agents").count == agents })
        }
        _ = try running.gudok("agent", "login", "1001", "--device", "1003")
        _ = try running.gudok("agent", "pause", "1001", "--reason", "break")
        #expect(try running.state(of: "1001") == "paused")
        let anna = try #require(file.split(separator: "\n").first { $0.contains("name: Anna") })
        let without = file.replacing(anna + "\n", with: "").replacing("{user: \"1001\"}, ", with: "")
        try put(without, agents: 1)
        try put(file.replacing("name: Anna", with: "name: Asya"), agents: 2)
        let memory = "SELECT count(*) FROM agents WHERE user = '1001' AND memory LIKE '%break%'"
        #expect(try eventually { try Self.sql(memory, folder.appending(path: "data/gudok.sqlite")) == "0\n" })
        running.process.signal(signal)
        running.process.exitCode(within: 40)
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(try running.state(of: "1001") == "logged-out")
        #expect(try running.agent("1001")?["device"] as? String != "1003")
        // Removed while the switch is down.
        _ = try running.gudok("agent", "login", "1001", "--device", "1003")
        #expect(running.stop() == 0)
        try Self.write(without, "tenants/demo.yaml", in: folder)
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        let rows = "SELECT count(*) FROM agents WHERE user = '1001'"
        #expect(try eventually { try Self.sql(rows, folder.appending(path: "data/gudok.sqlite")) == "0\n" })
        #expect(running.stop() == 0)
    }

    @Test(arguments: ["America/New_York", "Pacific/Kiritimati"])
    func `a day of a listing is the tenant's, wherever the machine is`(zone: String) throws {
        let running = try RunningSwitch()
        try Self.placeCall(running)
        try Self.placeCall(running, from: "+74951112244")
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "Europe/Moscow"))
        let midnight = calendar.startOfDay(for: Date())
        let stamp = { (date: Date) in "\(ISO8601DateFormatter().string(from: date).dropLast()).000Z" }
        let database = running.folder.appending(path: "data/tenants/demo/cdr.sqlite")
        for (caller, seconds) in [("+74951112233", -30.0), ("+74951112244", 30.0)] {
            let start = stamp(midnight.addingTimeInterval(seconds))
            _ = try Self.sql("UPDATE calls SET started_at = '\(start)' WHERE \"from\" = '\(caller)'", database)
        }
        let date = calendar.dateComponents([.year, .month, .day], from: midnight)
        let today = String(format: "%04d-%02d-%02d", date.year ?? 0, date.month ?? 0, date.day ?? 0)
        func callers(_ filters: String...) throws -> [String] {
            let command = try ChildProcess(
                RunningSwitch.binary,
                ["cdr"] + filters + ["--format", "json", "--config", "gudok.yaml"],
                in: running.folder,
                environment: ["TZ": zone]
            )
            #expect(command.exitCode(within: 20) == 0, "\(command.text)")
            let rows = try JSONSerialization.jsonObject(with: Data(command.text.utf8)) as? [[String: Any]] ?? []
            return rows.compactMap { $0["from"] as? String }
        }
        #expect(try callers("--since", "today") == ["+74951112244"])
        #expect(try callers("--since", today, "--tenant", "demo") == ["+74951112244"])
        #expect(try callers("--since", "yesterday", "--until", "today") == ["+74951112233"])
        let last = stamp(midnight.addingTimeInterval(60))
        #expect(try callers("--since", "today", "--until", last) == ["+74951112244"])
        #expect(try callers("--since", "-72h").count == 2)
    }

    @Test func `route --at with an offset is that moment on every clock`() throws {
        let plan = """
            routes:
              - match: "600"
                do:
                  - hours: {open: [Mon-Fri 09:00-18:00], timezone: Asia/Kathmandu}
                    then: [answer, echo]
                    otherwise: [{hangup: declined}]
            """
        let running = try RunningSwitch(internalPlan: plan)
        func route(_ at: String) throws -> String {
            try running.gudok("dialplan", "route", "--from", "1001", "--to", "600", "--at", at).text
        }
        // Moscow's tenant is at seven in the morning, Kathmandu at a quarter to ten.
        #expect(try route("2026-11-27T07:00:00+03:00").contains("echoed"))
        #expect(try route("2026-11-27T17:00:00+03:00").contains("hung-up declined"))
        #expect(try route("2026-11-27T17:00").contains("echoed"))
    }

    @Test func `a tenant's damaged file costs the others nothing, and is named with what to do`() throws {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.write(Self.tenant("two"), "tenants/two.yaml", in: folder)
        try Self.placeCall(running)
        #expect(running.stop() == 0)
        let own = folder.appending(path: "data/tenants/two")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        let place = own.appending(path: "cdr.sqlite")
        try Data(repeating: 0x5A, count: 8192).write(to: place)
        let words = "two/cdr.sqlite is damaged: file is not a database; move it away"
        for command in [["doctor"], ["backup", "copy.tar"], ["cdr"]] {
            let asked = try running.gudok(command)
            #expect(asked.code == 1 && asked.text.contains(words), "\(command): \(asked.text)")
        }
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(running.process.waitFor(5) { $0.contains("tenant two") && $0.contains(words) })
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")
        #expect(try phone.call("600").startWord == "200")
        #expect(try eventually { try running.rows("cdr", "--tenant", "demo").count == 2 })
        #expect(try running.rows("queues").isEmpty)
        // Moved away, it is made anew by the next record.
        try FileManager.default.removeItem(at: place)
        #expect(running.stop() == 0)
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(!running.process.text.contains("is damaged"))
        #expect(running.stop() == 0)
    }

    @Test func `a list with other numbers is a change, and what cannot be read or written is said in words`() throws {
        let running = try RunningSwitch(tenant: "lists: {blocked: [\"603\"]}")
        let folder = running.folder
        try Self.write(try Self.demo(of: folder).replacing("603", with: "604"), "tenants/demo.yaml", in: folder)
        #expect(try running.gudok("apply", "tenants/demo.yaml").text == "~ list blocked has other numbers\n")
        #expect(try running.gudok("apply", "tenants").text.contains("error: cannot be read: it is a folder"))
        #expect(try running.gudok("apply", "nowhere.yaml").text.contains("there is no such file"))
        let archive = try running.gudok("backup", "copy.zip")
        #expect(archive.code == 2 && archive.text.contains("let it end in .tar"), "\(archive.text)")
    }

    @Test func `what is applied is applied with the lists of numbers as their files are now`() throws {
        let running = try RunningSwitch()
        let folder = running.folder
        let lists = folder.appending(path: "dialplans/lists")
        try FileManager.default.createDirectory(at: lists, withIntermediateDirectories: true)
        func write(_ text: String) throws {
            try text.write(to: lists.appending(path: "vip.txt"), atomically: true, encoding: .utf8)
        }
        try write("601\n")
        try Self.write(try Self.demo(of: folder) + "\nlists: {vip: vip.txt}\n", "tenants/demo.yaml", in: folder)
        let first = try running.gudok("apply", "tenants/demo.yaml")
        #expect(first.code == 0, "\(first.text)")
        try write("602\n")
        let second = try running.gudok("apply", "tenants/demo.yaml")
        #expect(second.text == "~ list vip has other numbers\n", "\(second.text)")
        #expect(try running.gudok("apply", "tenants/demo.yaml").text == "nothing changes\n")
    }

    @Test func `what a caller calls himself does not move the cursor of who reads his call`() throws {
        let running = try RunningSwitch()
        try Self.placeCall(running, from: "%E2%80%AEEvil%E2%80%A8")
        for command in [["why", "last"], ["trace", "last"], ["trace", "last", "--messages"], ["cdr"]] {
            let asked = try running.gudok(command)
            #expect(asked.code == 0 && asked.text.contains("Evil"), "\(command): \(asked.text)")
            #expect(!asked.text.contains { "\u{202E}\u{2028}".contains($0) }, "\(command): \(asked.text)")
        }
    }

    @Test func `doctor asks the trunks where no switch does`() throws {
        let (dead, spare) = (try WirePeer().port, try WirePeer())
        let running = try RunningSwitch(
            trunk: """
                probe: {interval: 60s}
                  - {name: dead, host: 127.0.0.1, port: \(dead)}
                  - {name: spare, host: 127.0.0.1, port: \(spare.port)}
                  - {name: quiet, host: 127.0.0.1, port: 5071, probe: false}
                  - {name: far, host: carrier.invalid}
                """
        )
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: running.folder) }
        #expect(running.stop() == 0)
        let doctor = try ChildProcess(
            RunningSwitch.binary,
            ["doctor", "--config", running.folder.appending(path: "gudok.yaml").path],
            in: running.folder
        )
        let question = try #require(spare.expect { $0.startWord == "OPTIONS" && $0.contains("sip:gudok-doctor@") })
        let port = try #require(
            question.header("Via")?.split(separator: ":").last.flatMap { UInt16($0.prefix { $0 != ";" }) }
        )
        spare.send(try Phone("spare", server: port, peer: spare).response("404 Not Found", to: question), to: port)
        #expect(doctor.exitCode(within: 20) == 1)
        for line in [
            "ok    trunk spare (demo): 127.0.0.1:\(spare.port) answers OPTIONS with 404 in ",
            "BAD   trunk dead (demo): 127.0.0.1:\(dead): nobody is at that port; ",
            "BAD   trunk carrier (demo): 127.0.0.1:\(running.carrier?.port ?? 0): no answer within 2 s; ",
            "ok    trunk quiet (demo): never asked", "ok    trunk far (demo): carrier.invalid: not asked: DNS says",
        ] {
            #expect(doctor.text.contains(line), "\(line) in \(doctor.text)")
        }
    }

    @Test func `doctor finds what a start would fail at, or go on record without`() throws {
        let (running, other) = (try RunningSwitch(trunk: "probe: false"), try RunningSwitch())
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(running.stop() == 0)
        #expect(try running.gudok("doctor").code == 0)
        let node = try String(contentsOf: folder.appending(path: "gudok.yaml"), encoding: .utf8)
        let taken = "127.0.0.1:\(other.httpPort)"
        try Self.write(
            node.replacing(/http: *\{listen: *"[^"]*"/, with: "http: {listen: \"\(taken)\""),
            "gudok.yaml",
            in: folder
        )
        for (command, words) in [
            ("doctor", "BAD   http://\(taken): another program has it"),
            ("serve", "cannot listen on \(taken): Address already in use; free it"),
        ] {
            let asked = try running.gudok(command)
            #expect(asked.code == 1 && asked.text.contains(words), "\(command): \(asked.text)")
        }
        try Self.write(node, "gudok.yaml", in: folder)
        let data = folder.appending(path: "data")
        let place = data.appending(path: "tenants/demo/cdr.sqlite")
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        _ = try Self.sql("CREATE TABLE calls (call_id TEXT)", place)
        let foreign = try running.gudok("doctor")
        let words = "demo/cdr.sqlite is no database of gudok's: it holds other tables; move it away"
        #expect(foreign.code == 1 && foreign.text.contains(words), "\(foreign.text)")
        try FileManager.default.removeItem(at: data)
        try Self.write("", "data", in: folder)
        let file = try running.gudok("doctor")
        #expect(file.code == 1 && file.text.contains("data is a file; name a folder"), "\(file.text)")
    }

    @Test func `a user without a phone is an absent subscriber, and a trace that cannot be written says what to do`()
        throws
    {
        let running = try RunningSwitch()
        let boris = try Phone("1002", password: "boris-demo-2", server: running.sipPort)
        let refused = try boris.call("1001")
        #expect(refused.startWord == "480" && refused.header("Reason")?.hasPrefix("Q.850;cause=20") == true)
        boris.acknowledge(refused, to: "1001")
        #expect(try eventually { try running.rows("cdr").first?["q850_cause"] as? Int == 20 })
        let written = try running.gudok("trace", "last", "--pcap", "/no-such-folder/x.pcap")
        #expect(written.code == 1)
        let words = "/no-such-folder/x.pcap cannot be written: there is no such folder; make it, or name another"
        #expect(written.text.contains(words), "\(written.text)")
    }

    @Test func `a switch whose control socket was taken away is running still, and makes it anew upon SIGHUP`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.call("600").startWord == "200")
        #expect(try eventually { try running.rows("cdr").first?["answered_at"] is String })
        try FileManager.default.removeItem(at: running.folder.appending(path: "data/control.sock"))
        let words = "its control socket is gone; try again, or send it SIGHUP"
        for command in [["calls"], ["apply", "tenants/demo.yaml"], ["export"], ["doctor"], ["serve"]] {
            let refused = try running.gudok(command, within: 40)
            #expect(refused.code == 1 && refused.text.contains(words), "\(command): \(refused.text)")
        }
        // The call lives, and what is on disk of it is told.
        let call = try #require(try running.rows("cdr").first?["call_id"] as? String)
        let isTold = try eventually {
            let told = try running.gudok("why", call).text
            #expect(!told.contains("died"), "\(told)")
            return told.contains("echo")
        }
        #expect(isTold)
        running.process.signal(SIGHUP)
        #expect(try eventually { try running.gudok("calls").code == 0 })
        // Nobody has closed what is up.
        #expect(try running.rows("calls").count == 1)
        #expect(try running.rows("cdr").first?["ended_at"] is NSNull)
        phone.send(phone.request("BYE", to: "600"))
    }

    @Test func `what is known of a call that died with the switch is told, before the next start and after it`()
        throws
    {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.call("600").startWord == "200")
        let database = folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let isKept = try eventually {
            let shell = try ChildProcess("/usr/bin/env", ["sqlite3", database, "SELECT count(*) FROM trace_parts"])
            return shell.exitCode(within: 10) == 0 && shell.text.hasPrefix("1")
        }
        #expect(isKept)
        let call = try #require(try running.rows("cdr").first?["call_id"] as? String)
        running.process.signal(SIGKILL)
        running.process.exitCode(within: 10)
        #expect(try running.gudok("why", call).text.contains("echo"))
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        let told = try running.gudok("why", call).text
        #expect(told.contains("echo") && told.contains("answered: engine-restart, by switch"), "\(told)")
        #expect(try running.gudok("trace", call).text.contains("INVITE"))
        #expect(try running.gudok("why", "nobody").text.contains("there is no call nobody"))
        #expect(running.stop() == 0)
    }
}

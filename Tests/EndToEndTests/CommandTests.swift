import Foundation
import Testing

/// The command line as administrators and scripts use it.
@Suite("Commands")
struct CommandTests {
    private static let contract = RunningSwitch.packageRoot.deletingLastPathComponent().appending(path: "shared")

    private func check(_ folder: URL) throws -> (code: Int32?, text: String) {
        let command = try ChildProcess(RunningSwitch.binary, ["check", "--config", "gudok.yaml"], in: folder)
        let code = command.exitCode(within: 20)
        return (code, command.text)
    }

    @Test(arguments: ["contract", "bench/gudok"])
    func `the contract's configurations are taken as they stand`(name: String) throws {
        let folder = Self.contract.appending(path: name)
        guard FileManager.default.fileExists(atPath: folder.appending(path: "gudok.yaml").path) else {
            print("skipped: ../shared/\(name) is not there")
            return
        }
        let (code, text) = try check(folder)
        #expect(code == 0, "\(text)")
    }

    @Test(arguments: ["cdr", "recordings", "audit", "callbacks", "stats queues", "stats worktime"])
    func `a time before now is written as the contract has it: --since -2h`(command: String) throws {
        let folder = RunningSwitch.packageRoot.appending(path: "dialplans")
        let period = ["--since", "-2h", "--until", "-1h", "--config", "gudok.yaml"]
        let asked = try ChildProcess(
            RunningSwitch.binary,
            command.split(separator: " ").map(String.init) + period,
            in: folder
        )
        let code = asked.exitCode(within: 20)
        // Nothing is wrong with the question; whether there is an answer is another matter.
        #expect(code != 2, "\(asked.text)")
    }

    @Test(arguments: ["serve", "cdr", "audit", "backup copy.tar"])
    func `a damaged database is named, with what to do`(command: String) throws {
        let running = try RunningSwitch()
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: running.folder) }
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.call("555").startWord == "404")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        running.stop()
        let data = running.folder.appending(path: "data")
        for name in ["gudok.sqlite", "tenants/demo/cdr.sqlite"] {
            for rest in ["-wal", "-shm"] { try? FileManager.default.removeItem(at: data.appending(path: name + rest)) }
            try Data(repeating: 0x5A, count: 8192).write(to: data.appending(path: name))
        }
        let words = command.split(separator: " ").map(String.init)
        let asked = try ChildProcess(RunningSwitch.binary, words + ["--config", "gudok.yaml"], in: running.folder)
        #expect(asked.exitCode(within: 20) == 1)
        let lines = asked.text.split(separator: "\n").filter { !$0.isEmpty }
        #expect(lines.count == 1, "\(asked.text)")
        #expect(asked.text.contains(".sqlite is damaged: file is not a database; "), "\(asked.text)")
    }

    @Test func `our own demo is taken`() throws {
        let (code, text) = try check(RunningSwitch.packageRoot.appending(path: "dialplans"))
        #expect(code == 0, "\(text)")
    }

    @Test func `check names file, line, column, fault and mend, all of them at once`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [
            "gudok.yaml": "node: x\nsip: {listen: [\"udp://127.0.0.1:5060\"]}\nmedia: {adress: 127.0.0.1}\n",
            "tenants/a.yaml":
                "tenant: a\ndomains: [a.test]\nusers:\n  - {extension: \"1\", password: x, rol: operator}\n"
                + "dialplans: {internal: plan.yaml}\n",
            "dialplans/plan.yaml":
                "routes:\n  - match: \".\"\n    do: [{queue: sails}]\n  - match: \"600\"\n    do: [echo]\n",
        ]
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let node = try check(folder)
        #expect(node.code == 1)
        #expect(
            node.text.contains(
                "gudok.yaml:3:9: error: media has no key 'adress' [unknown-key]; did you mean 'address'?"
            )
        )
        try "node: x\nsip: {listen: [\"udp://127.0.0.1:5060\"]}\nmedia: {address: 127.0.0.1}\n"
            .write(to: folder.appending(path: "gudok.yaml"), atomically: true, encoding: .utf8)
        let (code, text) = try check(folder)
        #expect(code == 1)
        #expect(
            text.contains("tenants/a.yaml:4:35: error: a user has no key 'rol' [unknown-key]; did you mean 'role'?"),
            "\(text)"
        )
        #expect(
            text.contains("dialplans/plan.yaml:3:18: error: the tenant has no queue 'sails' [dead-reference]"),
            "\(text)"
        )
        #expect(text.contains("dialplans/plan.yaml:4:5: error: the rule '600' is never reached"), "\(text)")
        try """
        routes:
          - {match: "/8[0-4]./", do: [echo]}
          - {match: "8[5-9]x", do: [echo]}
          - {match: "8xx", do: [echo]}
        """.write(to: folder.appending(path: "dialplans/plan.yaml"), atomically: true, encoding: .utf8)
        let line =
            "plan.yaml:4:5: error: the rule '8xx' is never reached: '/8[0-4]./' in line 2, '8[5-9]x' in line 3 take "
            + "its calls [shadowed-rule]; move it above them, or remove it"
        #expect(try check(folder).text.contains(line))
    }

    private static let listens = "sip: {listen: [\"udp://127.0.0.1:5060\"]}\n"
    private static let speaks = "media: {address: 127.0.0.1}\n"

    @Test(arguments: [
        ("media.address is '224.0.0.1'", CommandTests.listens + "media: {address: 224.0.0.1}"),
        ("media.address is '255.255.255.255'", CommandTests.listens + "media: {address: 255.255.255.255}"),
        ("media.address has 2 addresses", CommandTests.listens + "media: {address: [192.0.2.1, 192.0.2.2]}"),
        ("'udp://224.0.0.1:5060' is no address", CommandTests.speaks + #"sip: {listen: ["udp://224.0.0.1:5060"]}"#),
        ("is for IPv6, of which media.address has none", CommandTests.speaks + #"sip: {listen: ["udp://[::]:5060"]}"#),
        ("sip.connections is '0'", CommandTests.speaks + #"sip: {listen: ["udp://127.0.0.1:5060"], connections: 0}"#),
        ("rtp_timeout is too short", CommandTests.listens + CommandTests.speaks + "calls: {rtp_timeout: 0s}"),
        (
            "default_expires is not between",
            CommandTests.listens + CommandTests.speaks + "registrations: {default_expires: 10s}"
        ),
        ("keep_alive is too short", CommandTests.listens + CommandTests.speaks + "registrations: {keep_alive: 0s}"),
        (
            "ok: ",
            #"sip: {connections: 9, connections_per_address: 9, listen: ["udp://[::]:5060", "udp://0.0.0.0:5060"]}"#
                + "\nmedia: {address: [\"::1\", 127.0.0.1]}\nregistrations: {keep_alive: never, max_expires: 600s}"
        ),
    ])
    func `a node's values that would break its calls are errors`(line: String, node: String) throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "gudok.yaml")
        try "node: x\n\(node)\n".write(to: file, atomically: true, encoding: .utf8)
        let (code, text) = try check(folder)
        #expect(text.contains(line) && (code == 0) == line.hasPrefix("ok"), "\(text)")
    }

    @Test(arguments: [
        (
            "gudok.yaml:4:30: warning: calls.min_session_expires is below 90s, which no Min-SE may be (RFC 4028 §5); ",
            CommandTests.listens + CommandTests.speaks + "calls: {min_session_expires: 10s}"
        ),
        (
            "gudok.yaml:2:40: warning: udp://[::1]:5060 is for IPv6, of which media.address has none: ",
            #"sip: {listen: ["udp://127.0.0.1:5060", "udp://[::1]:5060"]}"# + "\n" + CommandTests.speaks
        ),
    ])
    func `check warns of what a node's file hardly means, and is content`(line: String, node: String) throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "gudok.yaml")
        try "node: x\n\(node)\n".write(to: file, atomically: true, encoding: .utf8)
        let (code, text) = try check(folder)
        #expect(code == 0 && text.contains(line), "\(text)")
    }

    @Test func `a file without end and a link to itself are faults, and no pipe`() throws {
        let running = try RunningSwitch()
        let endless = running.folder.appending(path: "tenants/endless.yaml")
        #expect(FileManager.default.createFile(atPath: endless.path, contents: nil))
        let file = try FileHandle(forWritingTo: endless)
        try file.truncate(atOffset: 5 << 30)
        try file.close()
        let circle = running.folder.appending(path: "tenants/circle.yaml").path
        try FileManager.default.createSymbolicLink(atPath: circle, withDestinationPath: "circle.yaml")
        let (code, text) = try running.gudok("check")
        #expect(code == 1 && text.contains("endless.yaml:1:1: error: it has more than 64 MiB"), "\(text)")
        #expect(text.contains("circle.yaml:1:1: error: cannot be read: Too many levels of symbolic links"), "\(text)")
    }

    @Test func `check says where a file is no UTF-8`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "gudok.yaml")
        try (Data("node: x\n# жук \u{1F41E}".utf8) + [0xE9] + Data(": 1\n".utf8)).write(to: file)
        let (code, text) = try check(folder)
        #expect(code == 1 && text.contains("gudok.yaml:2:8: error: what is here is no UTF-8 [yaml]; "), "\(text)")
    }

    @Test func `check warns of lines of number lists that match no number, and is content`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let lists = folder.appending(path: "dialplans/lists")
        try FileManager.default.createDirectory(at: lists, withIntermediateDirectories: true)
        let files = [
            "gudok.yaml": #"{node: x, sip: {listen: ["udp://127.0.0.1:0"]}, media: {address: 127.0.0.1}}"#,
            "tenants/a.yaml": "tenant: a\ndomains: [a.test]\nlists: {vip: vip.txt}\n",
            "dialplans/lists/vip.txt": "+7 495 111-22-33\nnot a number\n+7 12a\n"
                + String(repeating: "x y\n", count: 30),
        ]
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let (code, text) = try check(folder)
        #expect(code == 0)
        let line = "dialplans/lists/vip.txt:2:1: warning: 'not a number' is no number, and matches none; "
        #expect(text.contains(line) && text.contains("vip.txt:3:1: warning: '+7 12a' is no number"), "\(text)")
        #expect(text.contains("vip.txt:12:1: warning: from here on there are 22 more such lines"), "\(text)")
        #expect(text.contains("ok: 1 tenant, 0 rules") && text.split(separator: "\n").count == 12, "\(text)")
    }

    @Test func `a list that cannot be read is the fault of who names it, and of nobody else`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let lists = folder.appending(path: "dialplans/lists")
        try FileManager.default.createDirectory(at: lists, withIntermediateDirectories: true)
        let node = #"{node: x, sip: {listen: ["udp://127.0.0.1:0"]}, media: {address: 127.0.0.1}}"#
        try node.write(to: folder.appending(path: "gudok.yaml"), atomically: true, encoding: .utf8)
        try Data("+7495\n\u{0}".utf8 + [0xC8, 0xE2, 0xE0, 0x0A]).write(to: lists.appending(path: "export.txt"))
        let tenant = folder.appending(path: "tenants/a.yaml")
        try "tenant: a\ndomains: [a.test]\n".write(to: tenant, atomically: true, encoding: .utf8)
        let place = "dialplans/lists/export.txt:2:2:"
        let unnamed = try check(folder)
        #expect(unnamed.code == 0, "\(unnamed.text)")
        let warning = "\(place) warning: what is here is no UTF-8, and no tenant names it; save the file as UTF-8 text"
        #expect(unnamed.text.contains(warning), "\(unnamed.text)")
        let naming = "tenant: a\ndomains: [a.test]\nlists: {x: export.txt}\n"
        try naming.write(to: tenant, atomically: true, encoding: .utf8)
        let named = try check(folder)
        let fault = "\(place) error: what is here is no UTF-8 [yaml]"
        #expect(named.code == 1 && named.text.contains(fault), "\(named.text)")
    }

    @Test func `a control character is named with its place, and nothing of the file is printed`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [
            "gudok.yaml": "node: x\nsip: {listen: [\"udp://127.0.0.1:5060\"]}\nmedia: {address: 127.0.0.1}\n",
            "tenants/a.yaml": "tenant: a\nusers:\n  - {extension: \"1\", name: Зоя\u{1}, password: not-for-eyes}\n",
        ]
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let (code, text) = try check(folder)
        let fault = "a.yaml:3:31: error: control characters are not allowed (U+0001) [yaml]; remove the character"
        #expect(code == 1 && text.contains(fault) && !text.contains("not-for-eyes"), "\(text)")
    }

    @Test func `check finds prompts that nobody recorded, and a switch starts all the same`() throws {
        let plan = """
            routes:
              - match: "."
                do: [{play: welcome}, {play: own}, {menu: {prompt: nowhere, keys: {"1": [{play: "{called}"}]}}}]
            """
        let running = try RunningSwitch(internalPlan: plan)
        let prompts = running.folder.appending(path: "dialplans/prompts/en")
        try FileManager.default.createDirectory(at: prompts, withIntermediateDirectories: true)
        try Self.wave(bits: 16, octets: 320).write(to: prompts.appending(path: "own.wav"))
        let (code, text) = try check(running.folder)
        #expect(code == 1)
        #expect(
            text.contains("dialplans/internal.yaml:3:56: error: there is no prompt 'nowhere' [dead-reference]; "),
            "\(text)"
        )
        #expect(text.contains("gudok: 1 fault; mend the lines above"), "\(text)")
    }

    /// The head of a WAV file of 8 kHz, mono, and silence.
    private static func wave(tag: UInt8 = 1, bits: UInt8, octets: Int) -> Data {
        let (rate, frame) = (little(8000), bits / 8)
        let format = [tag, 0, 1, 0] + rate + little(8000 * Int(frame)) + [frame, 0, bits, 0]
        let chunks = Array("WAVEfmt ".utf8) + little(16) + format + Array("data".utf8) + little(octets)
        return Data(Array("RIFF".utf8) + little(chunks.count + octets) + chunks + Array(repeating: 0, count: octets))
    }

    private static func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    @Test func `check, apply and doctor tell of prompts that cannot be read, or are of another language`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let plan = """
            routes:
              - match: "1"
                do:
                  - {play: [text, empty, long, fine]}
                  - {menu: {prompt: russian, invalid: float, keys: {"1": [echo]}}}
                  - {play: [both, welcome]}
              - match: "2"
                do: [{set: {language: ru}}, {play: russian}]
            """
        let files = [
            "gudok.yaml": #"{node: x, sip: {listen: ["udp://127.0.0.1:0"]}, media: {address: 127.0.0.1}}"#,
            "tenants/a.yaml": """
            tenant: a
            domains: [a.test]
            language: de
            queues: [{name: q, music: mine, messages: [{prompt: german, every: 30s}], language: ru}]
            dialplans: {internal: plan.yaml}
            """,
            "dialplans/plan.yaml": plan,
        ]
        func write(_ files: [String: String]) throws {
            for (name, text) in files {
                try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            }
        }
        try write(files)
        let sounds = [
            "de/text": Data("nothing to hear".utf8), "empty": Self.wave(bits: 16, octets: 0),
            "en/float": Self.wave(tag: 3, bits: 32, octets: 320), "de/long": Self.wave(bits: 16, octets: 60_000),
            "fine": Self.wave(bits: 16, octets: 320), "ru/russian": Self.wave(bits: 16, octets: 320),
            "de/german": Self.wave(bits: 16, octets: 320), "de/both": Self.wave(bits: 24, octets: 240),
            "en/both": Self.wave(bits: 16, octets: 320), "music/mine": Self.wave(bits: 16, octets: 1_598),
        ]
        for (name, sound) in sounds {
            let file = folder.appending(path: "dialplans/prompts/\(name).wav")
            let parent = file.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try sound.write(to: file)
        }
        let (code, text) = try check(folder)
        #expect(code == 1)
        let expected = [
            "dialplans/plan.yaml:4:17: error: prompts/de/text.wav cannot be heard: this is not a WAV file: "
                + "it does not begin with RIFF and WAVE [bad-value]; convert it",
            "dialplans/plan.yaml:4:23: error: prompts/empty.wav cannot be heard: the file's sound is empty [bad-value]; ",
            "dialplans/plan.yaml:5:43: error: prompts/en/float.wav cannot be heard: the sound is encoded as floating point",
            "dialplans/plan.yaml:6:17: error: prompts/de/both.wav cannot be heard: a sample has 24 bits",
            "tenants/a.yaml:4:27: error: prompts/music/mine.wav cannot be heard: the music lasts 99 ms",
            "tenants/a.yaml:4:53: error: there is no prompt 'german' in language ru, only in de [dead-reference]; ",
        ]
        for line in expected { #expect(text.contains(line), "\(line) in \(text)") }
        #expect(text.contains("gudok: \(expected.count) faults; mend the lines above"), "\(text)")
        let doctor = try ChildProcess(RunningSwitch.binary, ["doctor", "--config", "gudok.yaml"], in: folder)
        #expect(doctor.exitCode(within: 20) == 1)
        #expect(doctor.text.contains("BAD   prompts: \(expected[3])"), "\(doctor.text)")
        try write(["dialplans/plan.yaml": plan.replacing("language: ru", with: "language: russian")])
        let unknown =
            "dialplans/plan.yaml:8:27: error: there are no prompts in language 'russian' [dead-reference]; "
            + "known are de, en, ru, or record some in prompts/russian beside the plans"
        #expect(try check(folder).text.contains(unknown))
        // Without the rule that sets it nobody hears Russian.
        try write(["dialplans/plan.yaml": plan.replacing("{set: {language: ru}}, ", with: "")])
        let line =
            "dialplans/plan.yaml:5:25: error: there is no prompt 'russian' in language de, only in ru [dead-reference]; "
            + "record it as prompts/de/russian.wav beside the plans, or write the `language` that is meant"
        #expect(try check(folder).text.contains(line))

        try write(["dialplans/plan.yaml": "routes: [{match: \"1\", do: [echo]}]\n", "plan.yaml": plan])
        let dryRun = ["apply", "--dry-run", "plan.yaml", "--config", "gudok.yaml"]
        let apply = try ChildProcess(RunningSwitch.binary, dryRun, in: folder)
        #expect(apply.exitCode(within: 20) == 1)
        #expect(apply.text.contains("plan.yaml:6:17: error: prompts/de/both.wav cannot be heard: "), "\(apply.text)")
    }

    @Test func `what agents and supervisors are configured with is checked, and exported as it was read`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        func tenant(pin: String, lunch: String) -> String {
            """
            tenant: a
            domains: [a.test]
            users: [{extension: "1001", password: x, pin: "\(pin)"}]
            pause_reasons: [break, \(lunch)]
            dialplans: {internal: plan.yaml}
            """
        }
        let node = #"{node: x, sip: {listen: ["udp://127.0.0.1:0"]}, media: {address: 127.0.0.1}}"#
        try write("gudok.yaml", node)
        let bad = tenant(pin: "47x1", lunch: "{name: break, limit: 2h, shift_limit: 1h, payed: no}")
        try write("tenants/a.yaml", "\(bad)\nrecordings: {keep: 0s}\n")
        try write(
            "dialplans/plan.yaml",
            """
            routes:
              - {match: "*5.", do: [{play: welcome}, {supervise: {mode: spy, agent: "{called:2}"}}]}
              - {match: "*6.", do: [{agent: pause, as: "1001", by: 2m}]}
            """
        )
        let (code, text) = try check(folder)
        #expect(code == 1)
        for fault in [
            "the pin is none", "a shift's pauses may last less", "no key 'payed'", "'break' is given twice",
            "'pause' is for whoever is at the phone", "'pause' takes no 'by'", "plan.yaml:2:",
            "recordings are kept for no time at all",
        ] { #expect(text.contains(fault), "\(fault) in \(text)") }

        try write(
            "tenants/a.yaml",
            tenant(pin: "4711", lunch: "{name: lunch, paid: false, limit: 45m, shift_limit: 1h, by: supervisor}")
        )
        let plan = #"{match: "*5.", do: [{play: welcome}, {supervise: {mode: listen, agent: "{called:2}"}}]}"#
        try write("dialplans/plan.yaml", "routes: [\(plan)]\n")
        #expect(try check(folder).text.contains("'play' answers the supervisor before 'supervise'"))
        let wrong = [
            ("answer, {pickup: {user: \"1\"}}", "'answer' answers the caller before 'pickup'"),
            ("{pickup: {trunk: t, number: \"1\"}}", "what rings at a trunk cannot be picked up"),
            ("{pickup: {user: \"{calld}\"}}", "calld"), ("{park: {timeout: 5s}}", "slot"),
            ("{park: {slot: \"1\", music: x}}", "music"), ("{pickup: {}}", "pickup names nobody"),
        ]
        for (steps, fault) in wrong {
            try write("dialplans/plan.yaml", "routes: [{match: \"*5.\", do: [\(steps)]}]\n")
            #expect(try check(folder).text.contains(fault), "\(steps)")
        }
        try write("dialplans/plan.yaml", "routes: [\(plan.replacing("{play: welcome}, ", with: ""))]\n")
        #expect(try check(folder).code == 0)
        func run(_ arguments: String...) throws -> String {
            let command = try ChildProcess(RunningSwitch.binary, arguments + ["--config", "gudok.yaml"], in: folder)
            #expect(command.exitCode(within: 20) == 0)
            return command.text
        }
        let exported = try run("export")
        let lunch = #"{name: "lunch", paid: false, limit: 45m, shift_limit: 1h, by: supervisor}"#
        #expect(exported.contains(#"pause_reasons: ["break", \#(lunch)]"#))
        #expect(exported.contains("pin_ha1: {") && !exported.contains("4711"))
        try write("a.yaml", exported)
        #expect(try run("apply", "--dry-run", "a.yaml").contains("nothing changes"))
    }

    @Test func `what is applied without a switch is known without one, and stays when more is applied`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        func run(_ arguments: String...) throws -> (code: Int32?, text: String) {
            let command = try ChildProcess(RunningSwitch.binary, arguments + ["--config", "gudok.yaml"], in: folder)
            let code = command.exitCode(within: 20)
            return (code, command.text)
        }
        let node = #"{node: x, sip: {listen: ["udp://127.0.0.1:0"]}, media: {address: 127.0.0.1}}"#
        try node.write(to: folder.appending(path: "gudok.yaml"), atomically: true, encoding: .utf8)
        for name in ["a", "b"] {
            try "tenant: \(name)\ndomains: [\(name).test]\nusers: [{extension: \"1001\", password: x}]\n"
                .write(to: folder.appending(path: "\(name).yaml"), atomically: true, encoding: .utf8)
            #expect(try run("apply", "\(name).yaml").text.contains("+ user 1001"))
        }
        for name in ["a", "b"] {
            #expect(try run("export", "--tenant", name).text.contains("tenant: \"\(name)\""))
            #expect(try run("stats", "queues", "--tenant", name).code == 0)
        }
    }

    @Test func `apply shows the difference, keeps calls up, and is atomic`() throws {
        let carrierPort = try WirePeer().port
        let running = try RunningSwitch(carrierPort: carrierPort)
        let folder = running.folder
        let peer = try WirePeer(port: carrierPort)
        let phone = try Phone("+74951112233", server: running.sipPort, peer: peer)
        phone.send(phone.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let answer = try #require(phone.final("INVITE"))
        let tag = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        phone.send(phone.request("ACK", to: "600", toTag: tag, sequence: phone.sequence))

        let tenant = try String(contentsOf: folder.appending(path: "tenants/demo.yaml"), encoding: .utf8)
        let more = tenant.replacingOccurrences(
            of: "trunks:",
            with: "  - {extension: \"1004\", name: Gleb, password: gleb-4}\ntrunks:"
        )
        let file = folder.appending(path: "next.yaml")
        try more.write(to: file, atomically: true, encoding: .utf8)
        let dry = try running.gudok("apply", file.path, "--dry-run")
        #expect(dry.code == 0 && dry.text.contains("+ user 1004"))
        let real = try running.gudok("apply", file.path)
        #expect(real.code == 0 && real.text.contains("+ user 1004"))
        #expect(try running.gudok("apply", file.path).text.contains("nothing changes"))
        #expect(try running.rows("calls").count == 1)
        let gleb = try Phone("1004", password: "gleb-4", server: running.sipPort)
        #expect(try gleb.register().startWord == "200")

        try more.replacingOccurrences(of: "internal: internal.yaml", with: "internal: none.yaml")
            .write(to: file, atomically: true, encoding: .utf8)
        let bad = try running.gudok("apply", file.path)
        #expect(bad.code == 1 && bad.text.contains("missing-file"))
        let export = try running.gudok("export")
        #expect(export.code == 0 && export.text.contains("\"1004\"") && !export.text.contains("gleb-4"))
        phone.send(phone.request("BYE", to: "600", toTag: tag))
        #expect(phone.final("BYE")?.startWord == "200")
    }

    @Test func `of changes that come at once none takes another back`() throws {
        let running = try RunningSwitch()
        let names = (1...6).map { "tenant\($0)" }
        let configuration = running.folder.appending(path: "gudok.yaml").path
        for name in names {
            try "tenant: \(name)\ndomains: [\(name).test]\nusers: [{extension: \"1001\", password: x}]\n"
                .write(to: running.folder.appending(path: "\(name).yaml"), atomically: true, encoding: .utf8)
        }
        let applied = try names.map {
            try ChildProcess(
                RunningSwitch.binary,
                ["apply", "\($0).yaml", "--config", configuration],
                in: running.folder
            )
        }
        for (name, command) in zip(names, applied) {
            running.process.signal(SIGHUP)
            #expect(command.exitCode(within: 40) == 0)
            // Each tells of its own change alone.
            #expect(command.text.split(separator: "\n").allSatisfy { $0.contains(name) }, "\(command.text)")
        }
        for name in names { #expect(try running.gudok("export", "--tenant", name).code == 0) }
    }

    @Test func `what was applied outlives SIGHUP as it does a restart, and a file that is gone takes its tenant along`()
        throws
    {
        var running = try RunningSwitch(carrierPort: try WirePeer().port)
        let folder = running.folder
        func write(_ tenant: String, to path: String) throws -> String {
            let file = folder.appending(path: path)
            try "tenant: \(tenant)\ndomains: [\(tenant).test]\nusers: [{extension: \"1001\", password: x}]\n"
                .write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
        func tenants() throws -> [Bool] {
            try ["demo", "filed", "applied"].map { try running.gudok("export", "--tenant", $0).code == 0 }
        }
        let filed = try write("filed", to: "tenants/filed.yaml")
        running.process.signal(SIGHUP)
        #expect(try eventually { try tenants() == [true, true, false] })
        #expect(try running.gudok("apply", try write("applied", to: "applied.yaml")).code == 0)
        try FileManager.default.removeItem(atPath: filed)
        running.process.signal(SIGHUP)
        #expect(try eventually { try tenants() == [true, false, true] })
        running.isFolderKept = true
        #expect(running.stop() == 0)
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = false
        #expect(try tenants() == [true, false, true])
    }

    @Test func `listings come as table, json, jsonl and csv, and wrong usage is 2`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.register().startWord == "200")
        let table = try running.gudok("registrations")
        #expect(table.text.hasPrefix("TENANT  USER  CONTACT"))
        let csv = try running.gudok("registrations", "--format", "csv")
        #expect(
            csv.text.hasPrefix(
                "tenant,user,contact,transport,source,user_agent,registered_at,expires_at,rtt_ms\r\ndemo,1001,"
            )
        )
        let lines = try running.gudok("registrations", "--format", "jsonl")
        #expect(lines.text.hasPrefix("{\"tenant\": \"demo\", \"user\": \"1001\""))
        #expect(try running.gudok("cdr", "--since", "whenever").code == 2)
        #expect(try running.gudok("cdr", "--format", "xml").code == 2)
        #expect(try running.gudok("cdr", "unknown-call").code == 1)
        #expect(try running.gudok("doctor").text.contains("trunk carrier"))
    }

    @Test func `doctor takes the switch's own ended connections for nobody, and another listener for another program`()
        throws
    {
        let (running, other) = (try RunningSwitch(), try RunningSwitch())
        let file = running.folder.appending(path: "gudok.yaml")
        let places = [running.tcpPort, other.tcpPort].map { "tcp://127.0.0.1:\($0)" }
        try String(contentsOf: file, encoding: .utf8)
            .replacing(#""tcp://127.0.0.1:0""#, with: places.map { "\"\($0)\"" }.joined(separator: ", "))
            .write(to: file, atomically: true, encoding: .utf8)
        let phone = try StreamPeer(to: running.tcpPort)
        phone.send("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n")
        #expect(running.stop() == 0)
        #expect(phone.everything(within: 5).hasPrefix("SIP/2.0"))
        let text = try running.gudok("doctor").text
        #expect(text.contains("ok    \(places[0]): free"), "\(text)")
        #expect(text.contains("BAD   \(places[1]): another program has it"), "\(text)")
    }

    @Test func `doctor has both families at one port, and names a listener whose family has no media`() throws {
        let folder = try RunningSwitch.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var port: UInt16 = 0
        let file = folder.appending(path: "gudok.yaml")
        func doctor(_ hosts: [String], media: String) throws -> String {
            let places = hosts.flatMap { ["\"udp://\($0):\(port)\"", "\"tcp://\($0):\(port)\""] }
            try "node: x\nsip: {listen: [\(places.joined(separator: ", "))]}\nmedia: {address: \(media)}\n"
                .write(to: file, atomically: true, encoding: .utf8)
            let command = try ChildProcess(RunningSwitch.binary, ["doctor", "--config", file.path], in: folder)
            command.exitCode(within: 20)
            return command.text
        }
        // A port that is free for datagrams may be a connection's of another test: then it is another one.
        var both = ""
        for _ in 0..<5 where both.isEmpty || both.contains("another program has it") {
            port = try WirePeer().port
            both = try doctor(["0.0.0.0", "[::]"], media: "[127.0.0.1, \"::1\"]")
        }
        for place in ["udp://0.0.0.0", "udp://[::]", "tcp://0.0.0.0", "tcp://[::]"] {
            #expect(both.contains("ok    \(place):\(port): free"), "\(both)")
        }
        let one = try doctor(["127.0.0.1", "[::1]"], media: "127.0.0.1")
        #expect(one.contains("BAD   udp://[::1]:\(port): media.address has none of its family"), "\(one)")
    }

    @Test func `a tenant without a call has reports, and they have the contract's keys`() throws {
        let running = try RunningSwitch()
        for kind in ["queues", "agents", "calls", "trunks", "worktime", "missed"] {
            let report = try running.gudok("stats", kind, "--format", "json")
            #expect(report.code == 0 && report.text.hasPrefix("["), "\(kind): \(report.text)")
        }
        let queues = try running.gudok("stats", "queues", "--format", "csv")
        let heading = queues.text.split(whereSeparator: \.isNewline).first.map {
            Set($0.split(separator: ",").map(String.init))
        }
        let keys: Set = [
            "queue", "from", "to", "offered", "answered", "abandoned", "short_abandoned", "overflowed", "service_level",
            "service_level_formula", "asa_s", "aht_s", "acw_s", "max_wait_s", "abandon_rate", "occupancy",
        ]
        #expect(keys.isSubset(of: heading ?? []), "\(queues.text)")
    }

    @Test func `without a switch the commands say so, and records are read all the same`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        phone.send(phone.request("INVITE", to: "999", sdp: Phone.sdp(port: 4_000)))
        #expect(phone.final("INVITE")?.startWord == "404")
        #expect(running.stop() == 0)
        let calls = try running.gudok("calls")
        #expect(calls.code == 1 && calls.text.contains("gudok serve"))
        let record = try #require(try running.rows("cdr").first)
        #expect(record["sip_code"] as? Int == 404 && record["to"] as? String == "999")
        let trace = try running.gudok("trace", "last")
        #expect(trace.code == 0 && trace.text.contains("404 Not Found"))
        let capture = running.folder.appending(path: "call.pcap")
        #expect(try running.gudok("trace", "last", "--pcap", capture.path).code == 0)
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark") else {
            print("skipped: tshark is not installed")
            return
        }
        let tshark = try ChildProcess(
            "/usr/bin/tshark",
            ["-r", capture.path, "-Y", "sip", "-T", "fields", "-e", "sip.Status-Code"]
        )
        tshark.exitCode(within: 30)
        #expect(tshark.waitFor(5) { $0.contains("404") }, "\(tshark.text)")
    }
}

extension Phone {
    /// The same phone at a switch on another port.
    func registerAgain(at port: UInt16) throws -> String {
        try Phone(user, password: password, server: port).register()
    }
}

import Foundation
import Testing

/// Call records on their way to others: a URL, or a file.
@Suite("Sinks of call records")
struct SinkTests {
    /// A call to the echo test; one that is not ended stays up.
    private static func call(
        _ running: RunningSwitch,
        from number: String,
        peer: WirePeer?,
        isEnded: Bool = true
    ) throws {
        let caller = try Phone(number, server: running.sipPort, peer: peer)
        caller.send(caller.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        let tag = caller.acknowledge(try #require(caller.final("INVITE")), to: "600")
        guard isEnded else { return }
        caller.send(caller.request("BYE", to: "600", toTag: tag))
        #expect(caller.final("BYE")?.startWord == "200")
    }

    private static func numbers(_ records: [[String: Any]]) -> [String] { records.compactMap { $0["from"] as? String } }

    private static func freePort() throws -> UInt16 {
        let catcher = try RecordCatcher()
        catcher.stop()
        return catcher.port
    }

    @Test func `records wait for who is not there, over a crash too, and come whole, in their order, each once`() throws
    {
        let port = try Self.freePort()
        let carrierPort = try WirePeer().port
        let sink = "cdr_sinks: [{name: billing, url: \"http://me:secret-7@127.0.0.1:\(port)/calls\", timeout: 5s}]"
        let first = try RunningSwitch(carrierPort: carrierPort, tenant: sink)
        first.isFolderKept = true
        do {
            let peer = try WirePeer(port: carrierPort)
            for (count, number) in ["+7001", "+7002", "+7003"].enumerated() {
                try Self.call(first, from: number, peer: peer, isEnded: number != "+7003")
                // A record is closed when the media threads have told of the call, a moment after its end.
                #expect(try eventually { try first.metric("gudok_cdr_undelivered") == Double(min(count + 1, 2)) })
            }
        }
        let isWaiting = try eventually {
            guard let row = try first.rows("sinks").first else { return false }
            return row["waiting"] as? Int == 2 && row["reason"] is String
        }
        #expect(isWaiting)
        #expect(try first.rows("sinks").first?["to"] as? String == "http://127.0.0.1:\(port)/calls")
        #expect(try first.metric("gudok_cdr_undelivered") == 2)
        let doctor = try first.gudok("doctor")
        #expect(doctor.text.contains("BAD   sink billing (demo): ") && doctor.text.contains("2 records"), "\(doctor)")
        #expect(first.process.text.contains("the sink billing (http://127.0.0.1:\(port)/calls) takes no records"))
        first.process.signal(SIGKILL)
        first.process.exitCode(within: 5)

        // The first answer is none that lets us forget.
        let catcher = try RecordCatcher(port: port, answering: [503])
        defer { catcher.stop() }
        let second = try RunningSwitch(carrierPort: carrierPort, folder: first.folder)
        #expect(try eventually(within: 20) { try second.rows("sinks").first?["waiting"] as? Int == 0 })
        let posts = catcher.posts
        #expect(posts.count == 2)
        #expect(posts.allSatisfy { $0.head.hasPrefix("POST /calls HTTP/1.1") })
        #expect(posts.allSatisfy { $0.head.header("Content-Type") == "application/json" })
        #expect(posts.allSatisfy { $0.head.header("Authorization")?.hasPrefix("Basic ") == true })
        let records = try #require(posts.last?.records)
        #expect(Self.numbers(records) == ["+7001", "+7002", "+7003"])
        #expect(records.last?["reason"] as? String == "engine-restart")
        let told = try JSONSerialization.data(withJSONObject: records, options: .sortedKeys)
        let kept = try JSONSerialization.data(
            withJSONObject: Array(second.rows("cdr").reversed()),
            options: .sortedKeys
        )
        #expect(told == kept)
        #expect(!first.process.text.contains("secret-7") && !second.process.text.contains("secret-7"))
        try? FileManager.default.removeItem(at: first.folder)
    }

    @Test func `a file has a line for each record, whole, whatever was cut off before it or moved away`() throws {
        let running = try RunningSwitch(tenant: "cdr_sinks: [{name: archive, file: calls.jsonl}]")
        let place = running.folder.appending(path: "data/tenants/demo/calls.jsonl")
        func lines() -> [[String: Any]] {
            let text = (try? String(contentsOf: place, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap {
                try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
        }
        try Self.call(running, from: "+7001", peer: running.carrier)
        #expect(eventually { lines().count == 1 })
        let rights = try FileManager.default.attributesOfItem(atPath: place.path)[.posixPermissions] as? NSNumber
        #expect(rights?.intValue == 0o600)
        let handle = try FileHandle(forWritingTo: place)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"call_id": "cut o"#.utf8))
        try handle.close()
        try Self.call(running, from: "+7002", peer: running.carrier)
        #expect(eventually { Self.numbers(lines()) == ["+7001", "+7002"] })
        try FileManager.default.moveItem(at: place, to: place.appendingPathExtension("1"))
        try Self.call(running, from: "+7003", peer: running.carrier)
        #expect(eventually { Self.numbers(lines()) == ["+7003"] })
        // What it is not let write waits.
        try FileManager.default.removeItem(at: place)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        try Self.call(running, from: "+7004", peer: running.carrier)
        #expect(try eventually { try (running.rows("sinks").first?["reason"] as? String)?.contains("folder") == true })
        try FileManager.default.removeItem(at: place)
        #expect(eventually(within: 20) { Self.numbers(lines()) == ["+7004"] })
    }

    @Test func `sinks come and go with the configuration, and what one never got is told`() throws {
        let running = try RunningSwitch()
        try Self.call(running, from: "+7001", peer: running.carrier)
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let plain = try String(contentsOf: file, encoding: .utf8)
        let port = try Self.freePort()
        let sinks = "cdr_sinks: [{name: a, file: a.jsonl}, {name: b, url: \"http://x:hidden-9@127.0.0.1:\(port)/\"}]\n"
        try (plain + "\n" + sinks).write(to: file, atomically: true, encoding: .utf8)
        let applied = try running.gudok("apply", file.path)
        #expect(applied.code == 0 && applied.text.contains("+ sink a") && applied.text.contains("+ sink b"))
        try Self.call(running, from: "+7002", peer: running.carrier)
        #expect(
            try eventually { try running.rows("sinks").compactMap { $0["waiting"] as? Int } == [0, 1] }
        )
        let line = try String(
            contentsOf: running.folder.appending(path: "data/tenants/demo/a.jsonl"),
            encoding: .utf8
        )
        #expect(line.contains("+7002") && !line.contains("+7001"))
        #expect(try running.gudok("export").text.contains("hidden-9"))
        let other = sinks.replacing("hidden-9", with: "hidden-8")
        try (plain + "\n" + other).write(to: file, atomically: true, encoding: .utf8)
        let changed = try running.gudok("apply", file.path)
        #expect(changed.text.contains("~ sink b password") && !changed.text.contains("hidden-"), "\(changed.text)")
        try plain.write(to: file, atomically: true, encoding: .utf8)
        let gone = try running.gudok("apply", file.path)
        #expect(gone.text.contains("- sink b"))
        #expect(running.process.waitFor(5) { $0.contains("the sink b is gone, and never got 1 record") })
        #expect(try running.rows("sinks").isEmpty)
    }

    @Test func `who takes no large requests gets small ones`() throws {
        let port = try Self.freePort()
        let running = try RunningSwitch(
            tenant: "cdr_sinks: [{name: billing, url: \"http://127.0.0.1:\(port)/\", timeout: 5s}]"
        )
        let numbers = (0..<6).map { "+700\($0)" }
        for number in numbers { try Self.call(running, from: number, peer: running.carrier) }
        #expect(try eventually { try running.metric("gudok_cdr_undelivered") == 6 })
        let catcher = try RecordCatcher(port: port, longest: 4_000)
        defer { catcher.stop() }
        #expect(try eventually(within: 30) { try running.metric("gudok_cdr_undelivered") == 0 })
        // A record is closed a moment after its call, when the media threads have told of it: their order is not the calls'.
        #expect(Self.numbers(catcher.posts.filter(\.isTaken).flatMap(\.records)).sorted() == numbers)
    }

    @Test func `a tenant's file that cannot be read takes neither the metrics nor the doctor away`() throws {
        let catcher = try RecordCatcher()
        defer { catcher.stop() }
        let running = try RunningSwitch(
            tenant: "cdr_sinks: [{name: billing, url: \"http://127.0.0.1:\(catcher.port)/\"}]"
        )
        try Self.call(running, from: "+7001", peer: running.carrier)
        #expect(eventually { !catcher.posts.isEmpty })
        let file = running.folder.appending(path: "data/tenants/demo/cdr.sqlite")
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + ending) }
        try FileManager.default.moveItem(at: file, to: file.appendingPathExtension("away"))
        try Data(repeating: 0x55, count: 8_192).write(to: file)
        let page = try running.http("/metrics")
        #expect(page.status == 200 && page.text.contains("gudok_cdr_write_failures_total"))
        let row = try #require(try running.rows("sinks").first)
        #expect(row["waiting"] is NSNull || row["waiting"] as? Int != nil)
        let doctor = try running.gudok("doctor")
        #expect(doctor.text.contains("sink billing (demo)") && doctor.text.contains("to mend"), "\(doctor)")
    }

    @Test(arguments: [
        ("{name: a}", "leads nowhere"), ("{url: \"http://x/\"}", "name"),
        ("{name: a, url: \"ftp://x/\"}", "the url is none"), ("{name: a, url: \"http://\"}", "the url is none"),
        ("{name: a, url: \"http://x/ y\"}", "the url is none"),
        ("{name: a, file: ../calls}", "no file for records"), ("{name: a, file: cdr.sqlite-wal}", "no file"),
        ("{name: a, file: set-aside.jsonl}", "no file"),
        ("{name: a, file: x, url: \"http://x/\"}", "a url and a file"),
        ("{name: a, file: x, timeout: 3s}", "a file has no timeout"),
        ("{name: a, url: \"http://x/\", timeout: 0s}", "no time at all"),
        ("{name: a, file: x}, {name: a, file: y}", "given twice"),
        ("{name: a, file: x}, {name: b, file: x}", "has x already"),
    ])
    func `what is no sink is refused with its place`(written: String, fault: String) throws {
        let running = try RunningSwitch()
        let file = running.folder.appending(path: "tenants/demo.yaml")
        let text = try String(contentsOf: file, encoding: .utf8) + "\ncdr_sinks: [\(written)]\n"
        try text.write(to: file, atomically: true, encoding: .utf8)
        let checked = try running.gudok("check")
        #expect(checked.code == 1 && checked.text.contains(fault) && checked.text.contains("demo.yaml:"), "\(checked)")
    }
}

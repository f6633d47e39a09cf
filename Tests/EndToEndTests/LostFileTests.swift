import Foundation
import Testing

/// What becomes of databases that are damaged or gone is said in words, with what to do.
@Suite("Files that are damaged or lost")
struct LostFileTests {
    private static func sql(_ statement: String, _ database: URL) throws -> String {
        let command = try ChildProcess("/usr/bin/env", ["sqlite3", database.path, statement])
        #expect(command.exitCode(within: 10) == 0, "\(command.text)")
        return command.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func gudok(_ arguments: String..., in folder: URL) throws -> (code: Int32?, text: String) {
        let command = try ChildProcess(RunningSwitch.binary, arguments + ["--config", "gudok.yaml"], in: folder)
        let code = command.exitCode(within: 20)
        return (code, command.text)
    }

    /// The folder of a switch that has stopped after one call.
    private static func folderWithCall() throws -> URL {
        let running = try RunningSwitch()
        running.isFolderKept = true
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.call("555").startWord == "404")
        #expect(try eventually { try running.rows("cdr").first?["ended_at"] is String })
        #expect(running.stop() == 0)
        return running.folder
    }

    @Test func `records that are damaged behind their beginning are told by doctor, and by whoever reads them`() throws
    {
        let folder = try Self.folderWithCall()
        defer { try? FileManager.default.removeItem(at: folder) }
        let place = folder.appending(path: "data/tenants/demo/cdr.sqlite")
        _ = try Self.sql("PRAGMA wal_checkpoint(TRUNCATE)", place)
        let size = try #require(Int(try Self.sql("PRAGMA page_size", place)))
        let page = try #require(Int(try Self.sql("SELECT rootpage FROM sqlite_master WHERE name = 'calls'", place)))
        let file = try FileHandle(forWritingTo: place)
        try file.seek(toOffset: UInt64((page - 1) * size))
        try file.write(contentsOf: Data(repeating: 0x5A, count: size))
        try file.close()

        let doctor = try Self.gudok("doctor", in: folder)
        #expect(doctor.code == 1)
        #expect(doctor.text.contains("BAD   records of demo: "), "\(doctor.text)")
        #expect(doctor.text.contains("cdr.sqlite is damaged: ") && doctor.text.contains("(gudok restore)"))
        let listing = try Self.gudok("cdr", in: folder)
        #expect(listing.code == 1 && listing.text.hasPrefix("gudok: "), "\(listing.text)")
        #expect(listing.text.contains("cdr.sqlite is damaged: ") && !listing.text.contains("SQLite error"))
        #expect(listing.text.split(separator: "\n").count == 1, "\(listing.text)")
    }

    @Test func `a file without its tables is no database of ours`() throws {
        let folder = try Self.folderWithCall()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["tenants/demo/cdr.sqlite", "gudok.sqlite"] {
            let place = folder.appending(path: "data/\(name)")
            for rest in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: place.path + rest) }
            try Data().write(to: place)
            for command in ["doctor", "cdr"] {
                let (code, text) = try Self.gudok(command, in: folder)
                #expect(code == 1 && text.contains("\(name) is no database of gudok's: "), "\(command): \(text)")
                #expect(!text.contains("SQLite error"), "\(command): \(text)")
            }
        }
    }

    @Test func `a gudok.sqlite that is lost is told before the start, at it, and in the audit log`() throws {
        let folder = try Self.folderWithCall()
        let data = folder.appending(path: "data")
        for name in try FileManager.default.contentsOfDirectory(atPath: data.path) where name.hasPrefix("gudok.sqlite")
        {
            try FileManager.default.removeItem(at: data.appending(path: name))
        }
        let told = "gudok.sqlite is not there, though tenants have records (demo)"
        let doctor = try Self.gudok("doctor", in: folder)
        #expect(doctor.code == 1 && doctor.text.contains("BAD   data folder: \(told)"), "\(doctor.text)")

        let next = try RunningSwitch(folder: folder)
        #expect(next.process.waitFor(5) { $0.contains(told) }, "\(next.process.text)")
        let first = try #require(try next.rows("audit", "--action", "audit.begin").last)
        #expect(first["id"] as? Int == 1 && (first["detail"] as? String)?.hasPrefix(told) == true, "\(first)")
        #expect(first["channel"] as? String == "switch")
        #expect(next.stop() == 0)
    }

    @Test func `records that wait for their database are told by doctor while the switch runs`() throws {
        let running = try RunningSwitch()
        let phone = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        #expect(try phone.call("555").startWord == "404")
        #expect(try eventually { try running.rows("cdr").count == 1 })
        let place = running.folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let words = [".timeout 5000", "BEGIN IMMEDIATE", ".shell sleep 30"]
        let holder = try ChildProcess("/usr/bin/env", ["sqlite3", place] + words)
        defer { holder.signal(SIGKILL) }
        // The record of this one waits, as soon as somebody else holds the file.
        _ = try phone.call("556")
        #expect(try eventually(within: 30) { try running.metric("gudok_cdr_lag_seconds") > 5 })
        let doctor = try running.gudok("doctor")
        #expect(doctor.code == 1 && doctor.text.contains("BAD   records: the oldest has waited"), "\(doctor.text)")
    }

    @Test
    func `whoever holds a file over the start keeps nobody waiting, and what a crash left is told when it is free`()
        throws
    {
        let carrierPort = try WirePeer().port
        let crashed = try RunningSwitch(carrierPort: carrierPort)
        crashed.isFolderKept = true
        _ = try crashed.gudok("agent", "login", "1001")
        let carrier = try Phone("+74951112233", server: crashed.sipPort, peer: try WirePeer(port: carrierPort))
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        carrier.acknowledge(try #require(carrier.final("INVITE")), to: "600")
        #expect(try eventually { try crashed.rows("cdr").first?["answered_at"] is String })
        crashed.process.signal(SIGKILL)
        crashed.process.exitCode(within: 10)
        let place = crashed.folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let words = [".timeout 5000", "BEGIN IMMEDIATE", ".shell echo held; sleep 60"]
        let holder = try ChildProcess("/usr/bin/env", ["sqlite3", place] + words)
        defer { holder.signal(SIGKILL) }
        #expect(holder.waitFor(10) { $0.contains("held") })

        let next = try RunningSwitch(carrierPort: carrierPort, folder: crashed.folder)
        #expect(next.process.text.contains("calls are taken, but not put on record yet"), "\(next.process.text)")
        let doctor = try next.gudok("doctor")
        #expect(
            doctor.text.contains("BAD   records: 1 file of tenants could not be used since the start"),
            "\(doctor.text)"
        )
        let events = "http://127.0.0.1:\(next.httpPort)/api/v1/events?last_event_id=0"
        let follower = try ChildProcess("/usr/bin/env", ["curl", "-s", "-N", events])
        defer { follower.signal(SIGKILL) }
        holder.signal(SIGKILL)
        #expect(follower.waitFor(30) { $0.contains("callEnded") && $0.contains("engine-restart") }, "\(follower.text)")
        #expect(try eventually { try next.metric("gudok_cdr_recoveries_owed") == 0 })
    }

    @Test func `a folder in which nothing was yet has lost nothing`() throws {
        let running = try RunningSwitch()
        #expect(try running.rows("audit", "--action", "audit.begin").isEmpty)
        #expect(!running.process.text.contains("gudok.sqlite is not there"))
    }

    @Test func `a clock that is behind the records is told, at the start and by the doctor`() throws {
        var running = try RunningSwitch()
        let folder = running.folder
        running.isFolderKept = true
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try running.gudok("agent", "login", "1001")
        #expect(try eventually { try running.rows("audit").count == 1 })
        let sound = try running.gudok("doctor").text
        #expect(sound.contains("ok    clock"), "\(sound)")
        #expect(running.stop() == 0)
        let later = Int(Date().timeIntervalSince1970 + 7_200) * 1_000
        let database = folder.appending(path: "data/tenants/demo/cdr.sqlite").path
        let beat = "INSERT OR REPLACE INTO clock (id, at_ms) VALUES (1, \(later))"
        #expect(try ChildProcess("/usr/bin/env", ["sqlite3", database, beat]).exitCode(within: 10) == 0)
        let config = folder.appending(path: "gudok.yaml").path
        let doctor = try ChildProcess(RunningSwitch.binary, ["doctor", "--config", config])
        #expect(doctor.waitFor(10) { $0.contains("s behind the last records; set it") }, "\(doctor.text)")
        running = try RunningSwitch(folder: folder)
        running.isFolderKept = true
        #expect(running.process.waitFor(10) { $0.contains("tenant demo: the clock is 7") })
        #expect(running.stop() == 0)
    }
}

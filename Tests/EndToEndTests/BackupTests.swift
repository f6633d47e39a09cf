import Foundation
import Testing

/// `gudok backup` beside a switch at work, and `gudok restore` elsewhere.
@Suite("Backups")
struct BackupTests {
    /// Runs a command against a node's file of no running switch.
    private static func gudok(_ arguments: String..., node: URL) throws -> (code: Int32?, text: String) {
        let command = try ChildProcess(RunningSwitch.binary, arguments + ["--config", node.path])
        let code = command.exitCode(within: 20)
        return (code, command.text)
    }

    private static func place() -> URL {
        FileManager.default.temporaryDirectory.appending(path: "gudok-\(UUID().uuidString.prefix(8))")
    }

    @Test func `a backup in the middle of a call is restored elsewhere, equal, and serves there`() throws {
        let carrierPort = try WirePeer().port
        var running = try RunningSwitch(carrierPort: carrierPort, tenant: "recordings: {directions: [inbound]}")
        let peer = try WirePeer(port: carrierPort)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        let (callers, annas) = try (WirePeer(), WirePeer())
        let first = try Phone("+74951112233", server: running.sipPort, peer: peer)
        first.send(first.request("INVITE", to: "1001", sdp: Phone.sdp(port: callers.port)))
        let (invite, toAnna) = try anna.pickUp(media: annas)
        let answer = try #require(first.final("INVITE"))
        first.acknowledge(answer, to: "1001")
        Speaker.speak([(callers, try #require(answer.audioPort), 440), (annas, toAnna, 1_000)], seconds: 0.5)
        anna.hangUp(invite)
        try first.expectBye()
        #expect(
            try eventually { try running.rows("recordings").first?["state"] as? String == "final" }
        )
        let live = try Phone("+74951112244", server: running.sipPort, peer: peer)
        live.send(live.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        live.acknowledge(try #require(live.final("INVITE")), to: "600")
        #expect(try eventually { try running.rows("cdr").first?["answered_at"] is String })

        let file = running.folder.appending(path: "gudok.yaml")
        try (String(contentsOf: file, encoding: .utf8) + "\ntls: {ca_file: own/ca.pem}\n").write(
            to: file,
            atomically: false,
            encoding: .utf8
        )
        let authority = running.folder.appending(path: "own/ca.pem")
        try FileManager.default.createDirectory(
            at: authority.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try "-----BEGIN CERTIFICATE-----\n".write(to: authority, atomically: true, encoding: .utf8)
        try Self.setMode(0o600, of: "tenants/demo.yaml", in: running.folder)
        try Self.setMode(0o700, of: "tenants", in: running.folder)
        let archive = running.folder.appending(path: "all.tar.gz")
        let made = try running.gudok("backup", archive.path)
        #expect(made.code == 0 && made.text.contains("1 tenant, 1 recording,"), "\(made.text)")
        let rights = try FileManager.default.attributesOfItem(atPath: archive.path)[.posixPermissions] as? NSNumber
        #expect(rights?.intValue == 0o600)
        // What the records know and nobody finds is told.
        let (sound, aside) = (
            running.folder.appending(path: "data/tenants/demo/recordings"), running.folder.appending(path: "aside")
        )
        try FileManager.default.moveItem(at: sound, to: aside)
        let poor = try running.gudok("backup", running.folder.appending(path: "poor.tar").path)
        #expect(poor.code == 1 && poor.text.contains("1 recording known to the records"), "\(poor.text)")
        try FileManager.default.moveItem(at: aside, to: sound)
        let around = try FileManager.default.contentsOfDirectory(atPath: running.folder.appending(path: "data").path)
        #expect(!around.contains { $0.hasPrefix(".backup") })
        #expect(try running.rows("calls").count == 1)

        // Not under a switch at work, not even by force.
        for force in [[], ["--force"]] {
            let node = running.folder.appending(path: "gudok.yaml").path
            let refused = try ChildProcess(RunningSwitch.binary, ["restore", archive.path, "--config", node] + force)
            #expect(refused.exitCode(within: 20) == 1)
            #expect(refused.waitFor(2) { $0.contains("a switch serves") })
        }

        let place = Self.place()
        defer { try? FileManager.default.removeItem(at: place) }
        let node = place.appending(path: "gudok.yaml")
        let restored = try Self.gudok("restore", archive.path, node: node)
        #expect(restored.code == 0, "\(restored.text)")
        #expect(try Self.gudok("check", node: node).code == 0)
        // Who could not read the passwords and the records before cannot now.
        let modes = [
            "tenants": 0o700, "tenants/demo.yaml": 0o600, "gudok.yaml": 0o644, "data": 0o700, "data/tenants": 0o700,
            "data/tenants/demo": 0o700, "data/tenants/demo/recordings": 0o750, "data/gudok.sqlite": 0o600,
            "data/tenants/demo/cdr.sqlite": 0o600,
        ]
        for (path, mode) in modes {
            #expect(Self.mode(of: path, in: place) == mode, "\(path)")
            #expect(Self.mode(of: path, in: running.folder) == mode, "\(path), as it was")
        }
        let records = try running.gudok("cdr", "--format", "json").text
        #expect(
            try Self.gudok("cdr", "--format", "json", node: node).text == records && records.contains("+74951112244")
        )
        let verified = try Self.gudok("recordings", "verify", node: node)
        #expect(verified.code == 0 && verified.text.contains("1 recording as written"), "\(verified.text)")
        #expect(try Self.gudok("audit", "verify", node: node).code == 0)
        #expect(try Self.gudok("audit", node: node).text.contains("restore"))

        // What is there is not overwritten unasked, and set aside when asked.
        let again = try Self.gudok("restore", archive.path, node: node)
        #expect(again.code == 1 && again.text.contains("--force"), "\(again.text)")
        let forced = try Self.gudok("restore", archive.path, "--force", node: node)
        #expect(forced.code == 0 && forced.text.contains("data.before-"), "\(forced.text)")

        // Data on another disk, by a link, stay there.
        let (data, disk) = (place.appending(path: "data"), Self.place())
        defer { try? FileManager.default.removeItem(at: disk) }
        try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
        try FileManager.default.moveItem(at: data, to: disk.appending(path: "gudok"))
        try FileManager.default.createSymbolicLink(at: data, withDestinationURL: disk.appending(path: "gudok"))
        let linked = try Self.gudok("restore", archive.path, "--force", node: node)
        #expect(linked.code == 0 && linked.text.contains("\(disk.path)/gudok.before-"), "\(linked.text)")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: data.path) == "\(disk.path)/gudok")
        // What a backup left that was killed.
        let left = try ChildProcess("/usr/bin/env", ["true"])
        left.exitCode(within: 5)
        let rest = data.appending(path: ".backup-\(left.pid)")
        try FileManager.default.createDirectory(at: rest, withIntermediateDirectories: true)

        running = try RunningSwitch(carrierPort: carrierPort, folder: place)
        #expect(!FileManager.default.fileExists(atPath: rest.path))
        let reasons = try running.rows("cdr").compactMap { $0["reason"] as? String }
        #expect(reasons == ["engine-restart", "normal"])
        let next = try Phone("+74951112255", server: running.sipPort, peer: peer)
        next.send(next.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_002)))
        #expect(next.final("INVITE")?.startWord == "200")
    }

    @Test func `a broken archive is refused with its fault, and nothing is changed`() throws {
        let running = try RunningSwitch()
        let archive = running.folder.appending(path: "all.tar")
        #expect(try running.gudok("backup", archive.path, "--without-recordings").code == 0)
        let whole = try Data(contentsOf: archive)
        // A password of the tenant's file: the archive is readable as ever, and not what was backed up.
        var changed = whole
        let secret = try #require(changed.range(of: Data("anna-demo-1".utf8)))
        changed[secret.lowerBound] ^= 1
        let cases = [
            ("cut off", whole.prefix(whole.count / 2), "is no backup, or a broken one"),
            ("noise", Data((0..<4096).map { _ in UInt8.random(in: 0...255) }), "is no backup, or a broken one"),
            ("changed", changed, "tenants/demo.yaml is not what was backed up"),
        ]
        for (name, octets, fault) in cases {
            try octets.write(to: archive)
            let place = Self.place()
            let empty = try Self.gudok("restore", archive.path, node: place.appending(path: "gudok.yaml"))
            #expect(empty.code == 1 && empty.text.contains(fault), "\(name): \(empty.text)")
            #expect(!FileManager.default.fileExists(atPath: place.path))
        }
        // A folder with data is as it was.
        #expect(running.stop() == 0)
        let node = running.folder.appending(path: "gudok.yaml")
        let before = BackupTests.listing(running.folder)
        #expect(try Self.gudok("restore", archive.path, "--force", node: node).code == 1)
        #expect(BackupTests.listing(running.folder) == before)
        #expect(try Self.gudok("check", node: node).text.hasPrefix("ok: 1 tenant,"))
    }

    private static func setMode(_ mode: Int, of path: String, in folder: URL) throws {
        let place = folder.appending(path: path).path
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: place)
    }

    private static func mode(of path: String, in folder: URL) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)
        return (attributes?[.posixPermissions] as? NSNumber)?.intValue
    }

    private static func listing(_ folder: URL) -> [String] {
        FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }.sorted() ?? []
    }
}

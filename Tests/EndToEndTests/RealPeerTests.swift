import Foundation
import Testing

/// Phones and carriers as they come from Debian's packages, unmodified.
@Suite("Real peers", .serialized)
struct RealPeerTests {
    /// Where a program is; nil, with a line that says so, when it is not installed.
    private static func installed(_ name: String) -> String? {
        for folder in ["/usr/bin", "/usr/local/bin"]
        where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        print("skipped: \(name) is not installed (make test installs it)")
        return nil
    }

    // MARK: SIPp

    /// A scenario that registers with digest.
    private static let register = """
        <?xml version="1.0" encoding="UTF-8"?>
        <scenario name="register">
          <send retrans="500"><![CDATA[

        REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
        From: <sip:1001@[remote_ip]>;tag=[call_number]
        To: <sip:1001@[remote_ip]>
        Call-ID: [call_id]
        CSeq: 1 REGISTER
        Contact: <sip:1001@[local_ip]:[local_port]>
        Max-Forwards: 70
        Expires: 300
        Content-Length: 0

        ]]></send>
          <recv response="401" auth="true"/>
          <send retrans="500"><![CDATA[

        REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
        From: <sip:1001@[remote_ip]>;tag=[call_number]
        To: <sip:1001@[remote_ip]>
        Call-ID: [call_id]
        CSeq: 2 REGISTER
        Contact: <sip:1001@[local_ip]:[local_port]>
        [authentication username=1001 password=anna-demo-1]
        Max-Forwards: 70
        Expires: 300
        Content-Length: 0

        ]]></send>
          <recv response="200"/>
        </scenario>
        """

    private func sipp(
        _ arguments: [String],
        scenario: String? = nil,
        port: UInt16,
        transport: String = "u1",
        running: RunningSwitch
    ) throws -> ChildProcess? {
        guard let program = Self.installed("sipp") else { return nil }
        var all = [
            "127.0.0.1:\(transport == "t1" ? running.tcpPort : running.sipPort)", "-i", "127.0.0.1", "-p", "\(port)",
        ]
        all += ["-t", transport, "-nostdin", "-timeout", "20s", "-timeout_error"]
        if let scenario {
            let file = running.folder.appending(path: "scenario-\(port).xml")
            try scenario.write(to: file, atomically: true, encoding: .utf8)
            all += ["-sf", file.path]
        }
        return try ChildProcess(program, all + arguments, in: running.folder)
    }

    @Test(arguments: ["u1", "t1"])
    func `SIPp registers with digest over UDP and over TCP`(transport: String) throws {
        let running = try RunningSwitch()
        let port = try WirePeer().port
        guard
            let sipp = try sipp(
                ["-m", "1"],
                scenario: Self.register,
                port: port,
                transport: transport,
                running: running
            )
        else { return }
        #expect(sipp.exitCode(within: 30) == 0, "\(sipp.text.suffix(600))")
        let rows = try running.rows("registrations")
        // A TCP registration ends with its connection.
        #expect(rows.count == (transport == "u1" ? 1 : 0) || transport == "t1")
        if transport == "u1" { #expect(rows.first?["user"] as? String == "1001") }
    }

    @Test func `a SIPp carrier calls the echo test fifty times, and each call leaves its record`() throws {
        let port = try WirePeer().port
        let running = try RunningSwitch(carrierPort: port)
        guard
            let sipp = try sipp(
                ["-sn", "uac", "-s", "600", "-m", "50", "-r", "25", "-d", "200"],
                port: port,
                running: running
            )
        else { return }
        #expect(sipp.exitCode(within: 40) == 0, "\(sipp.text.suffix(600))")
        var records: [[String: Any]] = []
        let isWritten = try eventually {
            records = try running.rows("cdr", "--limit", "1000")
            return records.count { $0["ended_at"] is String } == 50
        }
        #expect(isWritten)
        #expect(records.count == 50)
        #expect(
            records.allSatisfy { $0["disposition"] as? String == "answered" && $0["trunk"] as? String == "carrier" }
        )
        #expect(Set(records.compactMap { $0["call_id"] as? String }).count == 50)
        let isFree = try eventually { try running.metric("gudok_rtp_port_pairs_in_use") == 0 }
        #expect(isFree)
    }

    // MARK: baresip

    /// A baresip whose microphone is a tone of `hertz`, and which writes down what it hears.
    private func baresip(
        _ user: String,
        _ password: String,
        hertz: Double,
        running: RunningSwitch,
        seconds: Int,
        command: String? = nil,
        console: UInt16? = nil
    ) throws -> (process: ChildProcess, folder: URL)? {
        guard let program = Self.installed("baresip") else { return nil }
        let folder = running.folder.appending(path: "baresip-\(user)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Tone.wave(hertz: hertz, seconds: seconds + 20).write(to: folder.appending(path: "in.wav"))
        let modules =
            FileManager.default.fileExists(atPath: "/usr/lib/baresip/modules")
            ? "/usr/lib/baresip/modules" : "/usr/lib/x86_64-linux-gnu/baresip/modules"
        let config = """
            sip_listen 127.0.0.1:0
            audio_source aufile,\(folder.path)/in.wav
            audio_player aufile,\(folder.path)/none.wav
            audio_alert aufile,\(folder.path)/none.wav
            module_path \(modules)
            module g711.so
            module aufile.so
            module sndfile.so
            snd_path \(folder.path)
            module_app account.so
            module_app menu.so
            \(console.map { "module cons.so\ncons_listen 127.0.0.1:\($0)" } ?? "")
            """
        try config.write(to: folder.appending(path: "config"), atomically: true, encoding: .utf8)
        let account =
            "<sip:\(user)@127.0.0.1:\(running.sipPort)>;auth_user=\(user);auth_pass=\(password);regint=300;"
            + "answermode=auto;audio_codecs=PCMA/8000/1\n"
        try account.write(to: folder.appending(path: "accounts"), atomically: true, encoding: .utf8)
        try "".write(to: folder.appending(path: "contacts"), atomically: true, encoding: .utf8)
        var arguments = ["-f", folder.path, "-t", "\(seconds)"]
        if let command { arguments += ["-e", command] }
        return (try ChildProcess(program, arguments, in: folder), folder)
    }

    @Test func `two baresips talk through the relay, and each hears the other's tone`() throws {
        let running = try RunningSwitch()
        guard let callee = try baresip("1002", "boris-demo-2", hertz: 1_000, running: running, seconds: 14) else {
            return
        }
        let isRegistered = try eventually(within: 10) { try running.rows("registrations").count == 1 }
        #expect(isRegistered, "\(callee.process.text)")
        let caller = try #require(
            try baresip("1001", "anna-demo-1", hertz: 440, running: running, seconds: 6, command: "/dial 1002")
        )
        caller.process.exitCode(within: 20)
        callee.process.exitCode(within: 20)
        let heardByCaller = try Tone.heard(in: caller.folder)
        let heardByCallee = try Tone.heard(in: callee.folder)
        #expect(Tone.share(of: 1_000, in: heardByCaller) > 0.8)
        #expect(Tone.share(of: 440, in: heardByCaller) < 0.1)
        #expect(Tone.share(of: 440, in: heardByCallee) > 0.8)
        #expect(Tone.share(of: 1_000, in: heardByCallee) < 0.1)
        let record = try #require(try running.rows("cdr").first)
        #expect(record["disposition"] as? String == "answered")
        #expect((record["packets_lost_a"] as? Int) == 0 && (record["packets_lost_b"] as? Int) == 0)
        let legs = record["legs"] as? [[String: Any]] ?? []
        let verdicts = legs.compactMap { ($0["media"] as? [String: Any])?["verdict"] as? String }
        #expect(verdicts == ["both", "both"])
    }

    @Test func `a baresip transfers its caller blind, hears how it went, and is let go`() throws {
        let running = try RunningSwitch()
        let carrier = Handset(
            try Phone("+74951112233", server: running.sipPort, peer: running.carrier),
            media: try WirePeer()
        )
        let boris = Handset(
            try Phone("1002", password: "boris-demo-2", server: running.sipPort),
            media: try WirePeer()
        )
        _ = try boris.phone.register()
        let console = try WirePeer().port
        guard
            let phone = try baresip(
                "1001",
                "anna-demo-1",
                hertz: 1_000,
                running: running,
                seconds: 20,
                console: console
            )
        else { return }
        #expect(try eventually { try running.rows("registrations").count == 2 }, "\(phone.process.text)")
        let (tag, toCaller) = try carrier.phone.arrive(at: "1001", media: carrier.media)
        #expect(phone.process.waitFor(10) { $0.contains("Call established") }, "\(phone.process.text)")
        // It tells only of calls that lasted a second.
        var heard: [Double] = []
        #expect(
            eventually(within: 10) {
                heard += carrier.media.samples()
                return heard.count > 12_000
            }
        )
        try WirePeer().send("/transfer sip:1002@127.0.0.1:\(running.sipPort)\n", to: console)
        let invite = try #require(boris.await("INVITE"), "\(phone.process.text)")
        boris.phone.respond("180 Ringing", to: invite, toTag: "boris")
        boris.phone.respond("200 OK", to: invite, toTag: "boris", sdp: Phone.sdp(port: boris.media.port))
        #expect(boris.await("ACK") != nil)
        // It has understood the NOTIFY, and its call is over.
        #expect(
            phone.process.waitFor(10) { $0.contains("session closed") || $0.contains("terminated") },
            "\(phone.process.text)"
        )
        let toBoris = try #require(invite.audioPort)
        _ = (carrier.media.samples(), boris.media.samples())
        Speaker.speak([(carrier.media, toCaller, 440), (boris.media, toBoris, 1_700)], seconds: 2.5)
        #expect(Tone.share(of: 1_700, in: carrier.media.samples()) > 0.8)
        #expect(Tone.share(of: 440, in: boris.media.samples()) > 0.8)
        carrier.phone.send(carrier.phone.request("BYE", to: "1001", toTag: tag))
        #expect(boris.await("BYE") != nil)
        var record: [String: Any] = [:]
        #expect(
            try eventually {
                record = try running.rows("cdr").first ?? [:]
                return record["ended_at"] is String
            }
        )
        #expect(record.legs.compactMap { $0["result"] as? String } == ["answered", "transferred", "answered"])
        phone.process.signal(SIGTERM)
        phone.process.exitCode(within: 5)
    }
}

/// Tones as files, and how much of what was heard is one.
enum Tone {
    static func wave(hertz: Double, seconds: Int) -> Data {
        let samples = (0..<(8_000 * seconds)).map { Int16(8_000 * sin(2 * .pi * hertz * Double($0) / 8_000)) }
        var data = Data("RIFF".utf8)
        func word(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) } }
        func half(_ value: UInt16) { withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) } }
        word(UInt32(36 + samples.count * 2))
        data.append(contentsOf: "WAVEfmt ".utf8)
        word(16)
        half(1)
        half(1)
        word(8_000)
        word(16_000)
        half(2)
        half(16)
        data.append(contentsOf: "data".utf8)
        word(UInt32(samples.count * 2))
        for sample in samples { half(UInt16(bitPattern: sample)) }
        return data
    }

    /// The samples of the file that a baresip wrote of what it decoded.
    static func heard(in folder: URL) throws -> [Double] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        guard let name = names.first(where: { $0.hasPrefix("dump-") && $0.hasSuffix("-dec.wav") }) else { return [] }
        let data = try Data(contentsOf: folder.appending(path: name)).dropFirst(44)
        return stride(from: data.startIndex, to: data.endIndex - 1, by: 2).map { index in
            Double(Int16(bitPattern: UInt16(data[index]) | UInt16(data[index + 1]) << 8))
        }
    }

    /// The share of the energy of the middle second that is at one frequency (Goertzel).
    static func share(of hertz: Double, in samples: [Double]) -> Double {
        guard samples.count >= 16_000 else { return 0 }
        return share(of: hertz, inAll: samples[(samples.count / 2 - 4_000)..<(samples.count / 2 + 4_000)])
    }

    static func share(of hertz: Double, inAll samples: ArraySlice<Double>) -> Double {
        var (real, imaginary, energy) = (0.0, 0.0, 0.0)
        for (index, sample) in samples.enumerated() {
            let angle = 2 * .pi * hertz * Double(index) / 8_000
            real += sample * cos(angle)
            imaginary += sample * sin(angle)
            energy += sample * sample
        }
        return energy == 0 ? 0 : 2 * (real * real + imaginary * imaginary) / (Double(samples.count) * energy)
    }
}

import ArgumentParser
import CLinuxIO
import Config
import Console
import ControlAPI
import Foundation
import Glibc
import NetAddress
import Records
import Switch

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine and the configuration, and says what to do."
    )

    @OptionGroup var config: ConfigOption

    func run() async throws {
        var report = Report()
        let files: ConfigurationFiles
        do { files = try ConfigurationFiles(file: config.config) } catch {
            report.bad("configuration", "\(error.inWords)")
            return try report.finish()
        }
        do {
            // As the next start takes it: with what was applied.
            let files = try files.inForce()
            let configuration = try files.configuration()
            report.good("configuration", counted(configuration.tenants.count, "tenant"))
            for fault in files.missingPrompts(in: configuration) { report.bad("prompts", "\(fault)") }
        } catch {
            report.bad("configuration", "\(error.inWords)")
        }
        let service = await files.service
        switch service {
        case .answering:
            await checkReadiness(files, &report)
            await checkFigures(files, &report)
        case .silent: report.bad("switch", "it runs, but \(FolderLock.silence)")
        case .none:
            report.good("switch", "not running")
            checkPorts(files.nodeConfiguration, &report)
            checkLimits(files.nodeConfiguration, &report)
        }
        checkFiles(files, &report)
        checkClock(files, &report)
        checkRecordings(files, &report)
        if service == .answering {
            try await checkTrunks(files, &report)
            await checkSinks(files, &report)
        } else if let configuration = try? files.inForce().configuration() {
            askTrunks(of: configuration, &report)
        }
        try report.finish()
    }

    private func checkReadiness(_ files: ConfigurationFiles, _ report: inout Report) async {
        do {
            _ = try await files.ask(ControlRequest(path: ["readyz"]))
            report.good("switch", "running")
        } catch {
            report.bad(
                "switch",
                "it takes no calls: \(error.inWords); one that drains ends by itself, then start it again"
            )
        }
    }

    /// What the switch says of itself.
    private func checkFigures(_ files: ConfigurationFiles, _ report: inout Report) async {
        guard let metrics = try? await files.ask(ControlRequest(path: ["metrics"])) else { return }
        let page = String(decoding: metrics, as: UTF8.self)
        if let stall = Self.gauge("gudok_recording_disk_stall_seconds", in: page), stall > 0 {
            let mend = "look at the disk, or at its server"
            report.bad("recordings", "their disk has not answered for \(Int(stall)) s; \(mend)")
        }
        if let lag = Self.gauge("gudok_cdr_lag_seconds", in: page), lag > Self.longestLag {
            report.bad("records", "the oldest has waited to be written for \(Int(lag)) s; the log says for what")
        }
        if let owed = Self.gauge("gudok_cdr_recoveries_owed", in: page), owed > 0 {
            let files = "\(counted(Int(owed), "file")) of tenants could not be used since the start"
            report.bad("records", "\(files), and what a crash left open in them is not closed; the log says why")
        }
        if let open = Self.gauge("gudok_open_files", in: page), let most = Self.gauge("gudok_open_files_max", in: page)
        {
            checkOpenFiles(Int(open), of: Int(most), files.nodeConfiguration, &report)
        }
        if let pairs = Self.gauge("gudok_rtp_port_pairs", in: page),
            let used = Self.gauge("gudok_rtp_port_pairs_in_use", in: page)
        {
            if used < pairs {
                report.good("media", "\(Int(used)) of \(Int(pairs)) port pairs are in use")
            } else {
                let mend = "widen media.ports"
                report.bad("media", "all \(Int(pairs)) port pairs are in use, and nobody can be called; \(mend)")
            }
        }
    }

    /// Seconds that a record may wait to be written on a machine that is well.
    private static let longestLag = 5.0

    private static func gauge(_ name: String, in page: String) -> Double? {
        page.split(separator: "\n").first { $0.hasPrefix("\(name) ") }?.split(separator: " ").last.flatMap {
            Double($0)
        }
    }

    private func checkPorts(_ node: NodeConfiguration, _ report: inout Report) {
        var places = node.listen.map { ("\($0)", $0.address, $0.transport == .tcp, "sip.listen") }
        if let http = node.httpListen { places.append(("http://\(http)", http, true, "http.listen")) }
        // All at once, as the switch has them.
        var held: [Int32] = []
        defer { for descriptor in held { close(descriptor) } }
        for (name, address, isStream, key) in places where address.port != 0 {
            switch bindError(address, isStream: isStream, holding: &held) {
            case 0: report.good(name, "free")
            case EADDRINUSE: report.bad(name, "another program has it; stop it, or choose another port in \(key)")
            case EADDRNOTAVAIL: report.bad(name, "this machine has no such address; choose one of `ip address`")
            case let error: report.bad(name, String(cString: strerror(error)))
            }
        }
        for address in node.mediaAddresses.all {
            let place = SocketAddress(address, node.mediaPorts.lowerBound)
            if bindError(place, isStream: false, holding: &held) == EADDRNOTAVAIL {
                report.bad("media \(address)", "this machine has no such address; choose one of `ip address`")
            } else {
                report.good("media \(address)", "\(node.mediaPorts.count / 4) calls have room")
            }
        }
        for listener in node.listen where node.mediaAddresses.ofFamily(isV6: listener.address.ip.isV6) == nil {
            report.bad("\(listener)", "media.address has none of its family: who knows no other hears nothing; add one")
        }
    }

    /// 0, or the error number of binding; what was bound is held.
    private func bindError(_ address: SocketAddress, isStream: Bool, holding held: inout [Int32]) -> Int32 {
        let type = isStream ? Int32(SOCK_STREAM.rawValue) : Int32(SOCK_DGRAM.rawValue)
        var hints = addrinfo()
        hints.ai_socktype = type
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo("\(address.ip)", "\(address.port)", &hints, &list) == 0, let info = list?.pointee else {
            return EADDRNOTAVAIL
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(info.ai_family, type, 0)
        guard descriptor >= 0 else { return errno }
        held.append(descriptor)
        // As the switch opens it: connections of its own that have just ended are not in its way, but whoever listens is.
        var yes: Int32 = 1
        if isStream { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size)) }
        if address.ip.isV6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 else { return errno }
        return !isStream || listen(descriptor, 1) == 0 ? 0 : errno
    }

    private func checkFiles(_ files: ConfigurationFiles, _ report: inout Report) {
        let folder = files.dataFolder
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder)
        guard isFolder.boolValue || !isThere else {
            return report.bad("data folder", "\(folder.path) is a file; name a folder with `data:`, or move it away")
        }
        let parent = isThere ? folder : folder.deletingLastPathComponent()
        guard FileManager.default.isWritableFile(atPath: parent.path) else {
            return report.bad("data folder", "\(folder.path) cannot be written; check its owner")
        }
        checkRoom("data folder", folder, on: parent, &report)
        let records = RecordFolder(folder)
        if let fault = records.faultOfNode() ?? records.faultOfWriting(of: nil) { report.bad("data folder", fault) }
        do {
            for tenant in try records.tenants {
                let fault =
                    records.fault(of: tenant) ?? records.loss(of: tenant) ?? records.faultOfWriting(of: tenant)
                if let fault { report.bad("records of \(tenant)", fault) }
                let (count, place) = try records.setAside(of: tenant)
                guard count > 0 else { continue }
                let mend = "each line of \(place.path) says why; enter what you need, and move that file away"
                report.bad("records of \(tenant)", "\(counted(count, "row")) would not go into its database; \(mend)")
            }
        } catch { report.bad("data folder", "\(error.inWords)") }
    }

    private func checkRoom(_ what: String, _ folder: URL, on place: URL, _ report: inout Report) {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
        let gibibytes = Double(free) / 1_073_741_824
        let text = "\(folder.path), \((gibibytes * 10).rounded() / 10) GiB free"
        gibibytes < 1 ? report.bad(what, "\(text); make room") : report.good(what, text)
    }

    /// The tenants' recordings are often on a disk of their own; and what failed of late fails again.
    private func checkRecordings(_ files: ConfigurationFiles, _ report: inout Report) {
        let records = RecordFolder(files.dataFolder)
        for tenant in (try? records.tenants) ?? [] {
            let folder = files.recordingsFolder(of: tenant)
            if let own = Self.device(of: folder), own != Self.device(of: files.dataFolder) {
                checkRoom("recordings of \(tenant)", folder, on: folder, &report)
            }
            var query = RecordingQuery()
            query.since = Int64((Date().timeIntervalSince1970 - 86_400) * 1000)
            // A database that cannot be read is told above.
            guard let rows = try? records.recordings(query, of: [tenant]).map(\.0) else { continue }
            let failed = rows.filter { $0.state == .failed && !($0.fault ?? "").hasPrefix("engine-restart") }
            guard let last = failed.first else { continue }
            let text =
                "\(failed.count) of \(rows.count) of the last day failed; the last one: \(last.fault ?? "no reason")"
            report.bad("recordings of \(tenant)", "\(text); make room on their disk, or look at it")
        }
    }

    /// The number of the file system that a folder lies on; nil when there is no such folder.
    private static func device(of folder: URL) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path)
        return (attributes?[.systemNumber] as? NSNumber)?.intValue
    }

    /// As a switch that whoever asks starts now may have.
    private func checkLimits(_ node: NodeConfiguration, _ report: inout Report) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        checkOpenFiles(0, of: Int(clamping: limit.rlim_max), node, &report)
    }

    private func checkOpenFiles(_ open: Int, of most: Int, _ node: NodeConfiguration, _ report: inout Report) {
        let needed = node.mediaPorts.count + 1_000
        let mend = "raise `ulimit -Hn`, or LimitNOFILE of its service"
        if most - open <= Int(LINUX_IO_SPARE) {
            report.bad("open files", "\(open) of \(most) are open: calls and connections are refused; \(mend)")
        } else if most < needed {
            report.bad("open files", "\(most) are allowed, \(needed) are needed for every port; \(mend)")
        } else {
            report.good("open files", "\(most) are allowed")
        }
    }

    private func checkClock(_ files: ConfigurationFiles, _ report: inout Report) {
        let (now, text) = (Date(), ISO8601DateFormatter().string(from: Date()))
        let year = Calendar(identifier: .gregorian).component(.year, from: now)
        guard year >= 2026 else { return report.bad("clock", "it says \(year); set it, or start a time service") }
        let ahead = RecordFolder(files.dataFolder).lastKnown / 1_000 - Int64(now.timeIntervalSince1970)
        ahead > 5
            ? report.bad("clock", "\(text) is \(ahead) s behind the last records; set it, or start a time service")
            : report.good("clock", text)
    }

    private struct Trunk: Decodable {
        var tenant: String
        var trunk: String
        var address: String
        var state: String
        var reason: String?
        var rtt_ms: Double?
        var probed: Bool
        var registration: String?
        var registration_reason: String?
    }

    private func checkTrunks(_ files: ConfigurationFiles, _ report: inout Report) async throws {
        let rows = try await files.ask(ControlRequest(path: ["api", "v1", "trunks"]))
        for trunk in try JSONDecoder().decode([Trunk].self, from: rows) {
            let name = "trunk \(trunk.trunk) (\(trunk.tenant))"
            if trunk.state == "down" {
                let why = trunk.reason ?? "no answer"
                report.bad(name, "\(trunk.address): \(why); check the address, and that it answers OPTIONS")
            } else if trunk.state == "resting" {
                report.bad(name, "\(trunk.address): \(trunk.reason ?? "503"); ask the carrier what it is busy with")
            } else if let time = trunk.rtt_ms {
                report.good(name, "\(trunk.address) answers in \(time) ms")
            } else {
                let why = trunk.probed ? "not asked yet" : "never asked, as it has `probe: false`"
                report.good(name, "\(trunk.address): \(why)")
            }
            guard let registration = trunk.registration else { continue }
            registration == "registered"
                ? report.good("\(name) registration", "we are registered there")
                : report.bad(
                    "\(name) registration",
                    "\(registration): \(trunk.registration_reason ?? "no answer yet"); check `auth` and `register`"
                )
        }
    }

    /// No switch runs that knows of them.
    private func askTrunks(of configuration: Configuration, _ report: inout Report) {
        let known = configuration.tenants.values.sorted { $0.id < $1.id }.flatMap { tenant in
            tenant.trunks.values.sorted { $0.name < $1.name }.map {
                (name: "trunk \($0.name) (\(tenant.id))", trunk: $0)
            }
        }
        let asked = known.filter(\.trunk.probe.isEnabled)
        for (name, _) in known.filter({ !$0.trunk.probe.isEnabled }) {
            report.good(name, "never asked, as it has `probe: false`")
        }
        for ((name, trunk), answer) in zip(asked, TrunkQuestions.ask(asked.map(\.trunk))) {
            let place = trunk.port.map { "\(trunk.host):\($0)" } ?? trunk.host
            switch answer {
            case .answered(let status, let time):
                report.good(name, "\(place) answers OPTIONS with \(status) in \((time * 10).rounded() / 10) ms")
            case .unanswered(let why):
                let mend =
                    "check the address, and that it answers OPTIONS; it was asked from another port than the switch's"
                report.bad(name, "\(place): \(why); \(mend)")
            case .notAsked(let why): report.good(name, "\(place): not asked: \(why)")
            }
        }
    }

    private struct Sink: Decodable {
        var tenant: String
        var sink: String
        var to: String
        /// nil: nobody knows, as the tenant's file cannot be read.
        var waiting: Int?
        var reason: String?
    }

    private func checkSinks(_ files: ConfigurationFiles, _ report: inout Report) async {
        do {
            let rows = try await files.ask(ControlRequest(path: ["api", "v1", "sinks"]))
            for sink in try JSONDecoder().decode([Sink].self, from: rows) { check(sink, &report) }
        } catch { report.bad("sinks", "\(error.inWords)") }
    }

    private func check(_ sink: Sink, _ report: inout Report) {
        let name = "sink \(sink.sink) (\(sink.tenant))"
        let waiting = sink.waiting.map { counted($0, "record") } ?? "nobody knows how many"
        if let reason = sink.reason {
            report.bad(name, "\(sink.to): \(reason); waiting: \(waiting)")
        } else {
            report.good(name, "\(sink.to): \(sink.waiting == 0 ? "has every record" : "\(waiting) on their way")")
        }
    }

    private struct Report {
        private var troubles = 0

        mutating func good(_ what: String, _ text: String) { print("ok    \(what): \(text)") }

        mutating func bad(_ what: String, _ text: String) {
            troubles += 1
            print("BAD   \(what): \(text)")
        }

        /// Tells how it went; with trouble the command fails.
        func finish() throws {
            guard troubles == 0 else {
                throw Failure("\(counted(troubles, "thing")) to mend: the lines that begin with BAD")
            }
            print("all is well")
        }
    }
}

public import ArgumentParser
import Config
import Console
import Events
import Foundation
import Records
import Reports
import Statistics
import Switch
import Timebase

/// Reports from the history, with or without a running switch.
struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reports with the standard contact-centre metrics.",
        discussion: """
            queues, agents, calls, trunks, worktime, missed; the formulas are printed below a table. See also \
            `stats forecast` and `stats what-if`.
            """,
        subcommands: [StatsReport.self, Forecast.self, WhatIfReport.self],
        defaultSubcommand: StatsReport.self
    )
}

struct StatsReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "report", abstract: "A report.")

    @Argument(help: "queues, agents, calls, trunks, worktime or missed.") var kind: Reporter.Kind
    @Option(name: .long, help: "15m, 30m, hour, day, week, queue or agent.") var by: Reporter.Grouping?
    @OptionGroup var history: HistoryOptions
    @OptionGroup var formula: FormulaOption
    @Option(name: .long) var agent: String?
    @Option(name: .long, help: "Of calls and trunks, as the next three.") var trunk: String?
    @Option(name: .long, help: "Who called.") var from: String?
    @Option(name: .long, help: "Whom he called.") var to: String?
    @Option(name: .long, help: "answered, no-answer, busy, failed, cancelled, abandoned, rejected or blocked.")
    var disposition: Disposition?
    @Flag(name: .long, help: "List the calls behind the numbers instead.") var showCalls = false
    @Option(name: .long, help: "Of queues: who comes again within 1 to 90 days was not helped.") var fcrDays: String?
    @Flag(name: .long, help: "Show the metrics under other sources' formulas too.") var variants = false
    @Flag(name: .long, help: "Draw it too.") var chart = false
    @Option(name: .long, help: "Write a page with charts instead.") var html: String?
    @Option(name: .long, help: "At most so many rows.") var limit: Int?
    @Option(name: .long, help: "Go on after this row, which a table cut by --limit names.") var after: String?
    @OptionGroup var format: FormatOption

    func validate() throws {
        try checkLimit(limit)
        if let days = fcrDays, !(Int(days).map(Reporter.fcrDays.contains) ?? false) {
            throw ValidationError("--fcr-days is '\(days)': write 1 to 90")
        }
        let foreign = [
            ("by", by != nil), ("formula", formula.formula != nil), ("fcr-days", fcrDays != nil),
            ("variants", variants),
        ]
        if showCalls, let (name, _) = foreign.first(where: \.1) {
            throw ValidationError("--show-calls lists calls, which have no --\(name)")
        }
        do { try kind.check(filters.keys, by) } catch { throw ValidationError(error.description) }
    }

    private var filters: [Reporter.Filter: String] {
        let given: [Reporter.Filter: String?] = [
            .queue: history.queue, .agent: agent, .formula: formula.formula, .trunk: trunk, .from: from, .to: to,
            .disposition: disposition?.rawValue, .fcrDays: fcrDays,
        ]
        return given.compactMapValues { $0 }
    }

    func run() async throws {
        let report = try await history.report { reporter, request in
            var request = request
            (request.grouping, request.filters, request.page) = (by, filters, Page(after: after, limit: limit))
            return showCalls ? try reporter.calls(behind: kind, request) : try reporter.report(kind, request)
        }
        if let html { return try await write(report, to: html) }
        let hidden = ["service_level_formula"] + (isByTime ? [] : ["to"]) + (variants ? [] : report.extras)
        try format.show(report, hiding: hidden, chart: chart ? try drawn(report) : [])
    }

    private var isByTime: Bool { by.map(Reporter.Grouping.times.contains) ?? false }

    private func drawing(of report: Report) throws -> ReportDrawing {
        ReportDrawing(kind, rows: try report.rowsToRead(), isByTime: isByTime, ofCalls: showCalls)
    }

    private func drawn(_ report: Report) throws -> [String] {
        try drawing(of: report).text(width: Terminal.width)
    }

    /// Which time the report is of, and when it was made.
    private func period(of report: Report) throws -> String {
        let clock = LocalClock(report.timeZone.flatMap { TimeZone(identifier: $0) } ?? .gmt)
        let made = "made \(clock.text(of: Date()))"
        guard let window = report.window else { return made }
        let ends = [window.from, window.until].map { clock.text(of: Date(timeIntervalSince1970: Double($0) / 1000)) }
        return "\(ends[0]) to \(ends[1]), \(made)"
    }

    private func write(_ report: Report, to path: String) async throws {
        let title = "\(try await history.owner.id): \(kind.rawValue)"
        let cells = Listing(try report.rowsToRead(), keys: report.keys).cells(report.keys)
        let section = ReportSection(
            kind.rawValue,
            [.text(try period(of: report))] + (try drawing(of: report)).blocks
                + [.table(caption: kind.rawValue, headings: report.keys, rows: cells)]
        )
        let times = report.timeZone.map { ["times: \($0)"] } ?? []
        let notes = ReportSection("How the numbers are made", (report.notes + times).map { .text($0) })
        let page = HTMLReport.htmlReport(title: title, sections: [section, notes])
        do {
            try Data(page.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure("\(path) cannot be written: \(FileFault(writing: error))")
        }
        print("written: \(path)")
    }
}

struct FormulaOption: ParsableArguments {
    @Option(name: .long, help: "Of the service level: SL1 to SL6, cisco-ignore, cisco-negative, cisco-positive.")
    var formula: String?

    func validate() throws {
        guard let formula else { return }
        do { _ = try ServiceLevelFormula(named: formula) } catch { throw ValidationError("\(error.inWords)") }
    }
}

/// Whose history a report is of, and of which time.
struct HistoryOptions: ParsableArguments {
    // The value may begin with a dash.
    @Option(
        name: .long,
        parsing: .unconditional,
        help: "From: RFC 3339, a date, today, yesterday, -2h; today if left out."
    ) var since: String?
    @Option(name: .long, parsing: .unconditional, help: "Before; now if left out.") var until: String?
    @Option(name: .long) var queue: String?
    @Option(name: .long, help: "Which tenant; may be left out when there is one.") var tenant: String?
    @OptionGroup var config: ConfigOption

    func validate() throws { try PeriodOption.validate(since: since, until: until) }

    /// As the running switch knows him: the figures are those that it tells.
    var owner: Tenant { get async throws { try await config.tenantOnRecord(tenant) } }

    func report(_ make: (Reporter, Reporter.Request) throws -> Report) async throws -> Report {
        let (owner, now) = (try await owner, Date())
        let (folder, isSwitchUp) = (try config.files().dataFolder, try await config.isSwitchUp)
        let reporter: Reporter
        do { reporter = try Reporter(tenant: owner, folder: folder, now: now, isSwitchUp: isSwitchUp) } catch {
            throw Failure("the history of tenant \(owner.id) cannot be read: \(error.inWords)")
        }
        let zone = TimeZone(identifier: owner.timeZone) ?? .gmt
        let millisecond = { (text: String) in
            TimeFilter(text, now: now, zone: zone).map { Int64(($0.date.timeIntervalSince1970 * 1000).rounded()) }
        }
        var window = reporter.today
        if let start = since.flatMap(millisecond) { window.from = start }
        if let end = until.flatMap(millisecond) { window.until = end }
        var request = Reporter.Request(window: window)
        request.filters[.queue] = queue
        do {
            var report = try make(reporter, request)
            (report.window, report.timeZone) = (window, owner.timeZone)
            return report
        } catch { throw Failure("\(error.inWords)") }
    }
}

extension Report {
    /// The rows as people read them: times on the tenant's clock, whole days without one.
    func rowsToRead() throws -> [[String: Any]] {
        let rows = try JSONSerialization.jsonObject(with: Data(json)) as? [[String: Any]] ?? []
        guard let zone = timeZone.flatMap({ TimeZone(identifier: $0) }) else { return rows }
        let reading = ISO8601DateFormatter()
        reading.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let clock = LocalClock(zone)
        return rows.map { row in
            row.merging(
                Self.times.compactMap { key -> (String, Any)? in
                    guard let stamp = row[key] as? String, let date = reading.date(from: stamp) else { return nil }
                    let text = clock.text(of: date)
                    return (key, text.hasSuffix(" 00:00:00") ? String(text.prefix(10)) : text)
                }
            ) { $1 }
        }
    }

    private static let times = ["from", "to", "at", "entered_at", "started_at", "first_login", "last_logout"]
}

extension FormatOption {
    /// The table without columns that are empty in every row or hidden, its chart, and how the numbers were made.
    func show(_ report: Report, hiding hidden: [String] = [], chart: [String] = []) throws {
        let rows = try JSONSerialization.jsonObject(with: Data(report.json)) as? [[String: Any]] ?? []
        let columns = report.keys.filter { key in
            !hidden.contains(key) && rows.contains { $0[key] != nil && !($0[key] is NSNull) }
        }.map { Listing.Column($0, $0.uppercased().replacingOccurrences(of: "_S", with: " S")) }
        guard format ?? .table == .table else {
            return try show(Data(report.json), keys: report.keys, columns: columns)
        }
        try show(JSONSerialization.data(withJSONObject: report.rowsToRead()), keys: report.keys, columns: columns)
        for line in chart { print(line) }
        for note in report.notes { print("# \(note)") }
        if let zone = report.timeZone, report.keys.contains(where: ["from", "at", "entered_at", "started_at"].contains)
        {
            print("# times: \(zone)")
        }
        guard let next = report.next else { return }
        // A time that is told from now on would name other rows.
        let window = report.window.map { window in
            [window.from, window.until].map { "\(WallTime(milliseconds: $0))" }
        }
        print("# more rows: \(window.map { "--since \($0[0]) --until \($0[1]) " } ?? "")--after '\(next)'")
    }
}

extension Reporter.Kind: ExpressibleByArgument {}
extension Reporter.Grouping: ExpressibleByArgument {}

extension ConfigOption {
    /// Whose records are meant: those of the tenant named, or of all that have any.
    func owners(_ name: String?) async throws -> [TenantID] {
        let folder = RecordFolder(try files().dataFolder)
        let known: [TenantID]
        do { known = try folder.tenants } catch { throw Failure("\(error.inWords)") }
        guard let name else {
            // A list without one of them would pass for the whole.
            guard let fault = known.lazy.compactMap({ folder.fault(of: $0) }).first else { return known }
            throw Failure(known.count > 1 ? "\(fault); until then ask for the others one by one: --tenant NAME" : fault)
        }
        return [known.contains(TenantID(name)) ? TenantID(name) : try await tenantInForce(name).id]
    }

    /// The tenant that is meant, be it one who has been removed: his records stay until somebody deletes their folder. What nobody knows any
    /// more, queues' thresholds and the clock of his reports, is the default.
    func tenantOnRecord(_ name: String?) async throws -> Tenant {
        do { return try await tenantInForce(name) } catch {
            guard let name, let known = try? RecordFolder(files().dataFolder).tenants, known.contains(TenantID(name)),
                try await configurationInForce().tenants[TenantID(name)] == nil
            else { throw error }
            let zone = TimeZone.current.identifier
            Output.complain("tenant \(name) is in no file of the configuration: default thresholds, times in \(zone)")
            var tenant = Tenant(id: TenantID(name), domains: [])
            tenant.timeZone = zone
            return tenant
        }
    }

    /// The tenant that is meant: the one named, or the only one.
    func tenantInForce(_ name: String?) async throws -> Tenant {
        let tenants = try await configurationInForce().tenants
        let names = tenants.keys.sorted().map(\.name).joined(separator: ", ")
        guard let name else {
            guard tenants.count == 1, let only = tenants.values.first else {
                throw Failure("there are \(tenants.count) tenants; name one with --tenant: \(names)")
            }
            return only
        }
        guard let tenant = tenants[TenantID(name)] else {
            throw Failure("there is no tenant '\(name)'; there are: \(names)")
        }
        return tenant
    }
}

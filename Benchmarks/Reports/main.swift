// How long reports take on a year of calls, while the switch writes fifty more each second.
//
//   ReportBench [CALLS] [FOLDER [cold]]  CALLS: 1 000 000; FOLDER: kept, and used again when it holds calls already; cold: before
//                                        the first reading of each, Linux forgets what it has of files in memory (root only)
//
// 200 agents, 20 queues, four intervals of an agent a call. The file is opened anew for each report, as the command line does.

import Config
import Events
import Foundation
import Records
import Reports

let arguments = CommandLine.arguments
let count = arguments.count > 1 ? Int64(arguments[1]) ?? 1_000_000 : 1_000_000
let isKept = arguments.count > 2
let isCold = arguments.dropFirst(3).first == "cold"
let scratch = FileManager.default.temporaryDirectory.appending(path: "report-bench-\(UUID().uuidString.prefix(8))")
let folder = isKept ? URL(fileURLWithPath: arguments[2]) : scratch

func measure(_ name: String, target: Int, _ body: () throws -> Int) rethrows {
    var times: [Double] = []
    var rows = 0
    if isCold {
        sync()
        do {
            try Data("3".utf8).write(to: URL(fileURLWithPath: "/proc/sys/vm/drop_caches"))
        } catch { print("not cold: \(error.localizedDescription)") }
    }
    for _ in 0..<3 {
        let began = ContinuousClock.now
        rows = try body()
        let time = (ContinuousClock.now - began).components
        times.append(Double(time.seconds) * 1000 + Double(time.attoseconds) / 1e15)
    }
    let first = String(format: "%.1f", times[0])
    let best = String(format: "%.1f", times.min() ?? 0)
    let verdict = times[0] <= Double(target) ? "" : "  MISSED"
    print("\(name): \(first) ms the first time, \(best) ms at best, \(rows) rows, target \(target) ms\(verdict)")
}

func open() throws -> TenantDatabase {
    guard let database = try TenantDatabase(reading: folder, tenant: Filling.tenant) else {
        throw CocoaError(.fileNoSuchFile)
    }
    return database
}

do {
    defer { if !isKept { try? FileManager.default.removeItem(at: folder) } }
    if try TenantDatabase(reading: folder, tenant: Filling.tenant) == nil {
        let began = ContinuousClock.now
        try Filling.fill(folder, calls: count)
        print("filled with \(count) calls in \((ContinuousClock.now - began).components.seconds) s")
    }
    let writing = Writing(folder: folder)
    let day: Int64 = 86_400_000
    let noon = Filling.start + 200 * day
    let month = (0...30).map { noon + $0 * day }
    // Ten agents a queue, as the tenant's file has them.
    var tenant = Tenant(id: Filling.tenant, domains: ["bench.test"])
    for number in 0..<20 {
        var queue = Queue(name: "queue-\(number)")
        queue.agents = (0..<10).map { Queue.Agent(user: "\(1000 + number * 10 + $0)") }
        tenant.queues[queue.name] = queue
    }
    func report(_ kind: Reporter.Kind, days: Int64, by grouping: Reporter.Grouping? = nil) throws -> Int {
        var request = Reporter.Request(window: Reporter.Window(from: noon, until: noon + days * day))
        request.grouping = grouping
        return try Reporter(tenant: tenant, folder: folder, now: Date(), isSwitchUp: true).report(kind, request).json
            .count
    }
    try measure("gudok stats queues, a day", target: 300) { try report(.queues, days: 1) }
    try measure("gudok stats queues, a day by hour", target: 300) { try report(.queues, days: 1, by: .hour) }
    try measure("gudok stats agents, a day", target: 300) { try report(.agents, days: 1) }
    try measure("gudok stats calls, a day", target: 300) { try report(.calls, days: 1) }
    try measure("gudok stats queues, a month by day", target: 2_000) { try report(.queues, days: 30, by: .day) }
    try measure("gudok stats calls, a month by day", target: 2_000) { try report(.calls, days: 30, by: .day) }
    try measure("queues, a day", target: 300) {
        try open().queueTotals(from: noon, until: noon + day, threshold: 20_000, short: 5_000, now: noon).count
    }
    try measure("queues, a day by quarter hours", target: 300) {
        let edges = (1..<96).map { noon + $0 * day / 96 }
        return try open().queueTotals(
            from: noon,
            until: noon + day,
            threshold: 20_000,
            short: 5_000,
            now: noon,
            groupedBy: edges
        )
        .count
    }
    try measure("agents, a day", target: 300) { try open().agentTotals(from: noon, until: noon + day).count }
    try measure("calls and trunks, a day", target: 300) {
        let database = try open()
        return try database.callTotals(CallQuery(from: noon, until: noon + day)).count
            + database.trunkTotals(CallQuery(from: noon, until: noon + day)).count
    }
    try measure("missed calls, a day", target: 300) { try open().missedCalls(from: noon, until: noon + day).count }
    try measure("queues, a month by day", target: 2_000) {
        let end = noon + 30 * day
        return try open().queueTotals(
            from: noon,
            until: end,
            threshold: 20_000,
            short: 5_000,
            now: noon,
            groupedBy: month
        ).count
    }
    try measure("agents, a month", target: 2_000) { try open().agentTotals(from: noon, until: noon + 30 * day).count }
    try measure("calls, a month", target: 2_000) {
        try open().callTotals(CallQuery(from: noon, until: noon + 30 * day)).count
    }
    try measure("the newest hundred calls", target: 50) {
        var query = CallQuery()
        query.limit = 100
        return try open().calls(query).count
    }
    let id = Filling.callID(count / 2)
    try measure("one call by its id, with its stays", target: 5) {
        let database = try open()
        return try (database.call(id) == nil ? 0 : 1) + database.stays(of: id).count
    }
    print("\(writing.stop()) calls were written meanwhile")
} catch {
    print("ReportBench: \(error)")
    exit(2)
}

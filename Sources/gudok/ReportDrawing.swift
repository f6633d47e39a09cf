import Foundation
import Reports
import Statistics

/// What of a report is drawn: bars of one metric, and where its rows are of times, lines of how well it went.
struct ReportDrawing {
    struct Metric {
        var key: String
        var name: String
        var unit = ""
        /// Of the value in the row, which has seconds.
        var scale = 1.0

        var caption: String { unit.isEmpty ? name : "\(name), \(unit)" }
    }

    let metric: Metric
    private(set) var bars: [ReportValue] = []
    private var lines: ReportBlock?

    init(_ kind: Reporter.Kind, rows: [[String: Any]], isByTime: Bool, ofCalls: Bool) {
        let metric = ofCalls ? kind.metricOfCalls : kind.metric
        self.metric = metric
        let moment = { (row: [String: Any]) in Self.moments.lazy.compactMap { row[$0] as? String }.first }
        bars = rows.map { row in
            let time = isByTime || ofCalls ? moment(row).map { [$0] } ?? [] : []
            let value = (row[metric.key] as? NSNumber)?.doubleValue ?? 0
            return ReportValue((Self.names(of: row) + time).joined(separator: " "), value / metric.scale)
        }
        guard isByTime, !ofCalls, let quality = kind.quality else { return }
        var known: Set<String> = []
        let labels = rows.compactMap(moment).filter { known.insert($0).inserted }
        let whose = Dictionary(grouping: rows) { Self.names(of: $0).joined(separator: " ") }
        let series = whose.sorted { $0.key < $1.key }.map { name, rows in
            let points = Dictionary(rows.map { (moment($0) ?? "", ($0[quality.key] as? NSNumber)?.doubleValue) }) { $1 }
            return ReportSeries(name, labels.map { points[$0] ?? nil })
        }
        lines = .lines(caption: quality.caption, unit: quality.unit, labels: labels, series: series)
    }

    var blocks: [ReportBlock] {
        [.bars(caption: metric.caption, unit: metric.unit, values: bars)] + (lines.map { [$0] } ?? [])
    }

    private static let moments = ["entered_at", "started_at", "at", "from"]

    private static func names(of row: [String: Any]) -> [String] {
        ["queue", "agent", "direction", "disposition", "trunk", "number", "state"].compactMap { row[$0] as? String }
    }
}

extension Reporter.Kind {
    fileprivate var metric: ReportDrawing.Metric {
        switch self {
        case .queues: .init(key: "offered", name: "calls offered")
        case .agents: .init(key: "handled", name: "calls handled")
        case .calls, .trunks: .init(key: "calls", name: "calls")
        case .worktime: .init(key: "logged_in_s", name: "logged in", unit: "h", scale: 3_600)
        case .missed: metricOfCalls
        }
    }

    fileprivate var metricOfCalls: ReportDrawing.Metric {
        switch self {
        case .queues: .init(key: "wait_s", name: "waited", unit: "s")
        case .missed: .init(key: "waited_s", name: "waited", unit: "s")
        case .agents: .init(key: "talk_s", name: "talked", unit: "s")
        case .calls, .trunks, .worktime: .init(key: "duration_s", name: "lasted", unit: "s")
        }
    }

    /// How well it went; nil: the report has no share of anything.
    fileprivate var quality: ReportDrawing.Metric? {
        switch self {
        case .queues: .init(key: "service_level", name: "service level")
        case .agents, .worktime: .init(key: "occupancy", name: "occupancy")
        case .trunks: .init(key: "answer_rate", name: "answer rate")
        case .calls, .missed: nil
        }
    }
}

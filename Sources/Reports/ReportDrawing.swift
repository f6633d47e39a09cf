import Foundation
public import Statistics

/// What of a report is drawn: a bar for each row, of the parts that its figure is made of, and below it how well that went: lines where
/// the rows are of times, bars where not.
public struct ReportDrawing: Sendable {
    struct Chart: Sendable {
        var name: String
        var unit = ""
        /// Of the values in the rows, which have seconds and shares.
        var scale = 1.0
        /// Each a key of the rows, and what it is called where there are several.
        var parts: [(key: String, name: String)]

        var caption: String { unit.isEmpty ? name : "\(name), \(unit)" }
        var names: [String] { parts.count > 1 ? parts.map(\.name) : [] }
        /// A part of nothing is nothing, a figure of nothing is none.
        var unknown: Double { parts.count > 1 ? 0 : .nan }
    }

    private var charts: [(chart: Chart, values: [ReportValue])] = []
    private var lines: [ReportBlock] = []

    /// `rows`: of the report, their times as they are to be read; `ofCalls`: they are the calls behind the numbers.
    public init(_ kind: Reporter.Kind, rows: [[String: Any]], isByTime: Bool, ofCalls: Bool) {
        let labels = rows.map { row in
            let time = isByTime || ofCalls ? Self.moment(of: row).map { [$0] } ?? [] : []
            return (Self.names(of: row) + time).joined(separator: " ")
        }
        for chart in ofCalls ? kind.chartsOfCalls : kind.charts {
            let values = zip(labels, rows).map { label, row in
                ReportValue(label, parts: chart.parts.map { Self.number($0.key, of: row, in: chart) ?? chart.unknown })
            }
            // Of what nothing is known there is nothing to see.
            guard charts.isEmpty || values.contains(where: \.value.isFinite) else { continue }
            if isByTime, !charts.isEmpty { lines.append(Self.lines(chart, rows)) }
            charts.append((chart, values))
        }
    }

    /// Of a page.
    public var blocks: [ReportBlock] {
        let bars = charts.map { chart, values in
            ReportBlock.bars(caption: chart.caption, unit: chart.unit, parts: chart.names, values: values)
        }
        return lines.isEmpty ? bars : bars.prefix(1) + lines
    }

    /// For a terminal of so many columns.
    public func text(width: Int) -> [String] {
        charts.flatMap { chart, values in
            ["", "\(chart.caption):"] + (chart.names.isEmpty ? [] : [TerminalChart.legend(chart.names)])
                + TerminalChart.barChart(values, width: width)
        } + [""]
    }

    private static func lines(_ chart: Chart, _ rows: [[String: Any]]) -> ReportBlock {
        var known: Set<String> = []
        let labels = rows.compactMap(moment).filter { known.insert($0).inserted }
        let key = chart.parts.first?.key ?? ""
        let series = Dictionary(grouping: rows) { names(of: $0).joined(separator: " ") }.sorted { $0.key < $1.key }
            .map { name, rows in
                let points = Dictionary(rows.map { (moment(of: $0) ?? "", number(key, of: $0, in: chart)) }) { $1 }
                return ReportSeries(name, labels.map { points[$0] ?? nil })
            }
        return .lines(caption: chart.caption, unit: chart.unit, labels: labels, series: series)
    }

    private static func number(_ key: String, of row: [String: Any], in chart: Chart) -> Double? {
        (row[key] as? NSNumber).map { $0.doubleValue / chart.scale }
    }

    private static func moment(of row: [String: Any]) -> String? {
        ["entered_at", "started_at", "at", "from"].lazy.compactMap { row[$0] as? String }.first
    }

    private static func names(of row: [String: Any]) -> [String] {
        ["queue", "agent", "direction", "disposition", "trunk", "number", "state"].compactMap { row[$0] as? String }
    }
}

extension ReportDrawing.Chart {
    fileprivate init(_ name: String, _ unit: String = "", scale: Double = 1, of key: String) {
        self.init(name: name, unit: unit, scale: scale, parts: [(key, name)])
    }
}

extension Reporter.Kind {
    fileprivate var charts: [ReportDrawing.Chart] {
        let occupancy = ReportDrawing.Chart("occupancy", "%", scale: 0.01, of: "occupancy")
        return switch self {
        case .queues:
            [
                .init(
                    name: "calls offered",
                    parts: [
                        ("answered", "answered"), ("abandoned", "abandoned"), ("overflowed", "led elsewhere"),
                        ("waiting", "waiting"),
                    ]
                ),
                .init("service level", "%", scale: 0.01, of: "service_level"),
                .init("average speed of answer", "s", of: "asa_s"), .init("longest wait", "s", of: "max_wait_s"),
                .init("abandon rate", "%", scale: 0.01, of: "abandon_rate"),
            ]
        case .agents:
            [.init("calls handled", of: "handled"), .init("average handle time", "s", of: "aht_s"), occupancy]
        case .worktime:
            [
                .init(
                    name: "logged in",
                    unit: "h",
                    scale: 3_600,
                    parts: [
                        ("on_call_s", "on call"), ("wrap_up_s", "wrap-up"), ("ringing_s", "ringing"),
                        ("available_s", "available"), ("paused_s", "paused"), ("unreachable_s", "unreachable"),
                    ]
                ),
                occupancy,
            ]
        case .trunks: [.init("calls", of: "calls"), .init("answer rate", "%", scale: 0.01, of: "answer_rate")]
        case .calls: [.init("calls", of: "calls")]
        case .missed: chartsOfCalls
        }
    }

    fileprivate var chartsOfCalls: [ReportDrawing.Chart] {
        switch self {
        case .queues: [.init("waited", "s", of: "wait_s")]
        case .missed: [.init("waited", "s", of: "waited_s")]
        case .agents: [.init("talked", "s", of: "talk_s")]
        case .calls, .trunks, .worktime: [.init("lasted", "s", of: "duration_s")]
        }
    }
}

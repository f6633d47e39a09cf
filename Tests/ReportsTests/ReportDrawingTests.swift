import Foundation
import Statistics
import Testing

@testable import Reports

/// What reports draw of their rows.
@Suite struct ReportDrawingTests {
    private static var hours: [[String: Any]] {
        [
            [
                "queue": "sales", "from": "10:00", "answered": 3, "abandoned": 1, "overflowed": 0, "waiting": 0,
                "service_level": 0.75, "asa_s": 4.5, "max_wait_s": 9, "abandon_rate": 0.25,
            ],
            [
                "queue": "sales", "from": "11:00", "answered": 0, "abandoned": 0, "overflowed": 2, "waiting": 0,
                "service_level": NSNull(), "asa_s": NSNull(), "max_wait_s": 1, "abandon_rate": NSNull(),
            ],
        ]
    }

    @Test func `a queue's calls are drawn by what became of them, and by the hour how well that went`() throws {
        let blocks = ReportDrawing(.queues, rows: Self.hours, isByTime: true, ofCalls: false).blocks
        guard case .bars("calls offered", _, let parts, let values) = blocks.first else {
            throw CancellationError()
        }
        #expect(parts == ["answered", "abandoned", "led elsewhere", "waiting"])
        #expect(values.map(\.parts) == [[3, 1, 0, 0], [0, 0, 2, 0]])
        var lines: [String: [Double?]] = [:]
        for case .lines(let caption, _, let labels, let series) in blocks {
            #expect(labels == ["10:00", "11:00"] && series.map(\.name) == ["sales"])
            lines[caption] = series.first?.points
        }
        #expect(lines.count == 4)
        #expect(lines["service level, %"] == [75, nil] && lines["average speed of answer, s"] == [4.5, nil])
        #expect(lines["longest wait, s"] == [9, 1] && lines["abandon rate, %"] == [25, nil])
    }

    @Test func `whole days have bars of their waits, and what nobody knows is not drawn`() {
        var row = Self.hours[1]
        row["from"] = nil
        let drawing = ReportDrawing(.queues, rows: [row], isByTime: false, ofCalls: false)
        let captions = drawing.blocks.map { block in
            if case .bars(let caption, _, _, _) = block { caption } else { "" }
        }
        #expect(captions == ["calls offered", "longest wait, s"])
        let text = drawing.text(width: 40)
        #expect(text.contains("calls offered:") && text.contains("longest wait, s:"))
        #expect(text.contains(TerminalChart.legend(["answered", "abandoned", "led elsewhere", "waiting"])))
    }

    @Test func `work time is drawn by its states, in hours`() throws {
        let row: [String: Any] = ["agent": "1001", "on_call_s": 3_600, "available_s": 1_800, "paused_s": 900]
        let blocks = ReportDrawing(.worktime, rows: [row], isByTime: false, ofCalls: false).blocks
        guard case .bars("logged in, h", "h", let parts, let values) = blocks.first else { throw CancellationError() }
        #expect(parts.first == "on call" && values.first?.parts.first == 1 && values.first?.parts[3] == 0.5)
    }
}

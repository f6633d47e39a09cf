import Testing

@testable import Statistics

@Suite("Charts")
struct ChartTests {
    @Test func `bars are as long as their values, in eighths of a column`() {
        let rows = [("a", 16), ("bb", 8), ("c", 0.01), ("d", 0)].map { ReportValue($0, $1) }
        let lines = TerminalChart.barChart(rows: rows, width: 25)
        #expect(lines[0] == "a  █████████████████   16")
        #expect(lines[1] == "bb ████████▌            8")
        // Whatever is more than nothing shows; nothing does not.
        #expect(lines[2] == "c  ▏                 0.01")
        #expect(lines[3] == "d                       0")
    }

    @Test func `odd values and odd labels break neither the width nor the terminal`() {
        let rows: [ReportValue] = [
            ReportValue("\u{1B}[2J\nevil", .nan), ReportValue(String(repeating: "long", count: 50), .infinity),
            ReportValue("", -5), ReportValue("big", .greatestFiniteMagnitude), ReportValue("небольшой", 3),
        ]
        for width in [Int.min, 0, 20, 21, 80, .max] {
            let lines = TerminalChart.barChart(rows: rows, width: width)
            #expect(lines.count == 5)
            #expect(lines.allSatisfy { $0.count == min(max(width, 20), 1000) })
            #expect(!lines.joined().unicodeScalars.contains { $0.value < 32 })
        }
        #expect(TerminalChart.barChart(rows: [], width: 80).isEmpty)
    }

    static let sections = [
        ReportSection(
            "Queue <sales> & \"more\"",
            [
                .text("<script>alert('x')</script>\u{0}"),
                .figures([ReportFigure("Service level", "81.9 %", note: ServiceLevelFormula.sl6.formula)]),
                .table(
                    caption: "By hour",
                    headings: ["Hour", "Calls"],
                    rows: [["09:00", "12"], ["10:00", "–"], []]
                ),
                .table(
                    caption: "By queue",
                    headings: ["Queue", "Calls"],
                    rows: [["sales", "12"], ["support", "–"]]
                ),
                .bars(caption: "Calls", unit: "", values: [ReportValue("<a>", 3), ReportValue("b", .nan)]),
                .lines(
                    caption: "Wait",
                    unit: "s",
                    labels: (0..<96).map { "\($0)" },
                    series: [
                        ReportSeries("mean", [1, 2, nil, 4, .infinity, 3]), ReportSeries("max", []),
                        ReportSeries("huge", [.greatestFiniteMagnitude]),
                    ]
                ),
            ]
        )
    ]

    @Test func `the page is whole, and every text in it is escaped`() {
        let page = HTMLReport.htmlReport(title: "Day & night", sections: Self.sections)
        #expect(page.hasPrefix("<!DOCTYPE html>"))
        #expect(page.hasSuffix("</html>\n"))
        #expect(page.contains("<title>Day &amp; night</title>"))
        #expect(page.contains("Queue &lt;sales&gt; &amp; &quot;more&quot;"))
        #expect(!page.contains("<script"))
        #expect(!page.contains("http://") && !page.contains("https://"))
        #expect(page.contains("prefers-color-scheme: dark") && page.contains("@media print"))
        for name in ["section", "table", "svg", "figure", "dl", "tr", "td", "th", "text"] {
            let opened = page.ranges(of: "<\(name)>").count + page.ranges(of: "<\(name) ").count
            #expect(opened == page.ranges(of: "</\(name)>").count, "\(name)")
        }
    }

    @Test func `columns of numbers are set to the right, and a missing point breaks the line`() {
        let page = HTMLReport.htmlReport(title: "", sections: Self.sections)
        #expect(page.contains("<td>sales</td><td class=\"n\">12</td>"))
        #expect(page.contains("<th scope=\"col\">Queue</th><th scope=\"col\" class=\"n\">Calls</th>"))
        #expect(page.ranges(of: "<polyline").count == 1)
        #expect(page.ranges(of: "<circle").count == 3)
        #expect(!page.contains("nan") && !page.contains("inf"))
    }

    @Test func `numbers are printed without a locale`() {
        #expect(Decimal.text(0.005, places: 2) == "0.01")
        #expect(Decimal.text(-0.001, places: 2) == "0.00")
        #expect(Decimal.text(-12.5, places: 1) == "-12.5")
        #expect(Decimal.text(3, places: 0) == "3")
        #expect(Decimal.short(2.5) == "2.50")
        #expect(Decimal.short(.nan) == "–")
    }
}

/// Bars of text for a terminal.
public enum TerminalChart {
    /// One line a row: label, bar in eighths of a column, value. Every line is as wide as the width, if that is 20 or more.
    ///
    /// - Parameters:
    ///   - rows: values below 0 have no bar, values that are no numbers read `–`.
    ///   - width: columns, held between 20 and 1000.
    /// - Returns: the lines, without their ends.
    public static func barChart(rows: [ReportValue], width: Int) -> [String] {
        let width = min(max(width, 20), 1000)
        let values = rows.map { fitted(Decimal.short($0.value), width / 3) }
        let labels = rows.map { fitted($0.label.printable, width / 3) }
        let labelWidth = labels.map(\.count).max() ?? 0
        let valueWidth = values.map(\.count).max() ?? 0
        let barWidth = width - labelWidth - valueWidth - 2
        let greatest = rows.map(\.value).filter(\.isFinite).max() ?? 0
        return rows.indices.map { index in
            let bar = bar(rows[index].value, of: greatest, width: barWidth)
            let label = labels[index] + blanks(labelWidth - labels[index].count)
            let space = blanks(barWidth - bar.count + valueWidth - values[index].count)
            return "\(label) \(bar)\(space) \(values[index])"
        }
    }

    private static func bar(_ value: Double, of greatest: Double, width: Int) -> String {
        guard value.isFinite, value > 0, greatest > 0 else { return "" }
        // Whatever is more than nothing shows.
        let eighths = max(1, Int((value / greatest * Double(width * 8)).rounded()))
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8) + (rest > 0 ? partial[rest - 1] : "")
    }

    private static let partial = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

    private static func fitted(_ text: String, _ width: Int) -> String {
        text.count <= width ? text : text.prefix(width - 1) + "…"
    }
}

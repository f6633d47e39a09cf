/// Bars of text for a terminal.
public enum TerminalChart {
    /// One line a value: label, bar, value. A bar of one part is drawn in eighths of a column, one of several in whole ones, each part with
    /// its own fill. Every line is as wide as the width, if that is 20 or more.
    ///
    /// - Parameters:
    ///   - values: those below 0 have no bar, those that are no numbers read `–`.
    ///   - width: columns, held between 20 and 1000.
    /// - Returns: the lines, without their ends.
    public static func barChart(_ values: [ReportValue], width: Int) -> [String] {
        let width = min(max(width, 20), 1000)
        let readings = values.map { fitted(Decimal.short($0.value), width / 3) }
        let labels = values.map { fitted($0.label.printable, width / 3) }
        let labelWidth = labels.map(\.count).max() ?? 0
        let valueWidth = readings.map(\.count).max() ?? 0
        let barWidth = width - labelWidth - valueWidth - 2
        let greatest = values.map(\.value).filter(\.isFinite).max() ?? 0
        return values.indices.map { index in
            let parts = values[index].parts
            let bar =
                parts.count > 1
                ? stack(parts, of: greatest, width: barWidth) : bar(values[index].value, of: greatest, width: barWidth)
            let label = labels[index] + blanks(labelWidth - labels[index].count)
            let space = blanks(barWidth - bar.count + valueWidth - readings[index].count)
            return "\(label) \(bar)\(space) \(readings[index])"
        }
    }

    /// Which fill is which part.
    public static func legend(_ parts: [String]) -> String {
        parts.enumerated().map { "\(fill($0)) \($1.printable)" }.joined(separator: "   ")
    }

    private static func bar(_ value: Double, of greatest: Double, width: Int) -> String {
        guard value.isFinite, value > 0, greatest > 0 else { return "" }
        // Whatever is more than nothing shows.
        let eighths = max(1, Int((value / greatest * Double(width * 8)).rounded()))
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8) + (rest > 0 ? partial[rest - 1] : "")
    }

    private static func stack(_ parts: [Double], of greatest: Double, width: Int) -> String {
        let parts = parts.map { $0.isFinite ? max(0, $0) : 0 }
        guard greatest > 0 else { return "" }
        var (sum, end) = (0.0, 0)
        var lengths = parts.map { part in
            sum += part
            let next = min(width, Int((min(1, sum / greatest) * Double(width)).rounded()))
            defer { end = next }
            return next - end
        }
        // Here too, at the cost of the longest.
        for index in parts.indices where parts[index] > 0 && lengths[index] == 0 {
            guard let longest = lengths.indices.max(by: { lengths[$0] < lengths[$1] }), lengths[longest] > 1 else {
                break
            }
            (lengths[longest], lengths[index]) = (lengths[longest] - 1, 1)
        }
        return lengths.enumerated().map { String(repeating: fill($0), count: $1) }.joined()
    }

    private static let partial = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    private static func fill(_ part: Int) -> String { ["█", "▓", "▒", "░", "▚", "·"][part % 6] }

    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

    private static func fitted(_ text: String, _ width: Int) -> String {
        text.count <= width ? text : text.prefix(width - 1) + "…"
    }
}

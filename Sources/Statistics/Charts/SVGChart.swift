/// Charts as SVG within a page; colours are the page's.
enum SVGChart {
    private static let width = 760.0
    private static let colours = 6

    /// Bars that lie, since names are longer than they are high; those of several parts with a legend, and with the number in each part
    /// that has room for it, for print and for eyes that need it.
    static func bars(_ values: [ReportValue], unit: String, parts: [String] = [], _ caption: String) -> String {
        let (row, labelWidth, valueWidth) = (24.0, 280.0, 90.0)
        let head = parts.isEmpty ? 0 : row
        let greatest = values.map(\.value).filter(\.isFinite).max() ?? 0
        let room = width - labelWidth - valueWidth
        let lines = values.enumerated().map { index, item in
            let top = head + Double(index) * row
            var end = labelWidth
            let bar = item.parts.enumerated().map { place, part in
                let share = part.isFinite && greatest.isFinite && greatest > 0 ? min(1, max(0, part / greatest)) : 0
                defer { end += share * room }
                let number = parts.isEmpty ? "" : Decimal.short(part)
                return "<rect x=\"\(at(end))\" y=\"\(at(top + 4))\" width=\"\(at(share * room))\" height=\"16\" "
                    + "fill=\"var(--c\(place % colours))\"/>"
                    + (Double(number.count) * 8 + 6 < share * room && !number.isEmpty
                        ? text(number, end + share * room / 2, top + 16, "middle", of: "part") : "")
            }
            return text(shortened(item.label, 36), labelWidth - 8, top + 16, "end") + bar.joined()
                + text(reading(item.value, unit), end + 6, top + 16, "start")
        }
        return svg(
            height: head + max(1, Double(values.count)) * row,
            caption,
            ([legend(parts, from: labelWidth)] + lines).joined(separator: "\n")
        )
    }

    private static func legend(_ parts: [String], from left: Double) -> String {
        var start = left
        return parts.enumerated().map { place, name in
            defer { start += Double(name.count) * 7 + 32 }
            return "<rect x=\"\(at(start))\" y=\"4\" width=\"12\" height=\"12\" fill=\"var(--c\(place % colours))\"/>"
                + text(shortened(name, 36), start + 16, 14, "start")
        }.joined()
    }

    /// Lines over an axis from 0, with a legend. Shapes differ as well as colours, for print and for eyes that need it.
    static func lines(_ series: [ReportSeries], labels: [String], unit: String, _ caption: String) -> String {
        let (left, top, height) = (64.0, 10.0, 220.0)
        let count = max(labels.count, series.map(\.points.count).max() ?? 0)
        let greatest = ceiling(series.flatMap { $0.points.compactMap { $0 } }.filter(\.isFinite).max() ?? 0)
        let step = count > 1 ? (width - left - 16) / Double(count - 1) : 0
        let place = { (index: Int, value: Double) in
            (left + Double(index) * step, top + height * (1 - min(max(value / greatest, 0), 1)))
        }
        var parts = (0...4).map { tick in
            let value = greatest * Double(tick) / 4
            let y = place(0, value).1
            return "<line class=\"grid\" x1=\"\(at(left))\" x2=\"\(at(width))\" y1=\"\(at(y))\" y2=\"\(at(y))\"/>"
                + text(reading(value, unit), left - 6, y + 4, "end")
        }
        // As many labels as fit beside each other.
        let every = max(1, (labels.count + 11) / 12)
        for index in stride(from: 0, to: labels.count, by: every) {
            parts.append(text(shortened(labels[index], 12), place(index, 0).0, top + height + 18, "middle"))
        }
        for (index, line) in series.enumerated() {
            let style = "stroke=\"var(--c\(index % colours))\" stroke-dasharray=\"\(dashes[index % dashes.count])\""
            parts += runs(line.points).map { run in
                let points = run.map { place($0.index, $0.value) }.map { "\(at($0.0)),\(at($0.1))" }
                return points.count > 1
                    ? "<polyline fill=\"none\" stroke-width=\"2\" \(style) points=\"\(points.joined(separator: " "))\"/>"
                    : "<circle r=\"3\" fill=\"var(--c\(index % colours))\" \(centre(run.map { place($0.index, $0.value) }))/>"
            }
            let y = top + height + 40 + Double(index) * 18
            parts.append("<line stroke-width=\"2\" \(style) x1=\"64\" x2=\"96\" y1=\"\(at(y))\" y2=\"\(at(y))\"/>")
            parts.append(text(shortened(line.name, 80), 104, y + 4, "start"))
        }
        let total = top + height + 40 + Double(series.count) * 18
        return svg(height: total, caption, parts.joined(separator: "\n"))
    }

    private static let dashes = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"]

    /// Neighbouring points that exist; a missing one breaks the line instead of pretending to be 0.
    private static func runs(_ points: [Double?]) -> [[(index: Int, value: Double)]] {
        var runs: [[(index: Int, value: Double)]] = [[]]
        for (index, point) in points.enumerated() {
            if let point, point.isFinite {
                runs[runs.count - 1].append((index, point))
            } else if runs.last?.isEmpty == false {
                runs.append([])
            }
        }
        return runs.filter { !$0.isEmpty }
    }

    private static func centre(_ points: [(Double, Double)]) -> String {
        points.first.map { "cx=\"\(at($0.0))\" cy=\"\(at($0.1))\"" } ?? ""
    }

    /// The next 1, 2, 4 or 8 times a power of ten, so that quarters of it read well.
    private static func ceiling(_ value: Double) -> Double {
        guard value > 0 else { return 1 }
        var power = 1.0
        while power * 10 <= value, power < 1e300 { power *= 10 }
        while power > value, power > 1e-300 { power /= 10 }
        return [1, 2, 4, 8, 10].map { $0 * power }.first { $0 >= value } ?? value
    }

    private static func svg(height: Double, _ caption: String, _ content: String) -> String {
        "<svg viewBox=\"0 0 \(at(width)) \(at(height))\" role=\"img\" aria-label=\"\(HTMLReport.escaped(caption))\">\n"
            + content + "\n</svg>"
    }

    private static func text(
        _ text: String,
        _ x: Double,
        _ y: Double,
        _ anchor: String,
        of kind: String? = nil
    ) -> String {
        let mark = kind.map { " class=\"\($0)\"" } ?? ""
        return "<text\(mark) x=\"\(at(x))\" y=\"\(at(y))\" text-anchor=\"\(anchor)\">\(HTMLReport.escaped(text))</text>"
    }

    private static func reading(_ value: Double, _ unit: String) -> String {
        Decimal.short(value) + (unit.isEmpty ? "" : "\u{202F}" + unit)
    }

    private static func shortened(_ text: String, _ most: Int) -> String {
        text.count <= most ? text : text.prefix(most - 1) + "…"
    }

    private static func at(_ value: Double) -> String { Decimal.text(value, places: 1) }
}

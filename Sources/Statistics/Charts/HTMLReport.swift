/// A report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere.
public enum HTMLReport {
    /// The page.
    ///
    /// - Parameters:
    ///   - title: of the page.
    ///   - sections: all their texts are escaped.
    ///   - language: of the texts, as BCP 47 has it.
    /// - Returns: the text of the file, in UTF-8.
    public static func htmlReport(title: String, sections: [ReportSection], language: String = "en") -> String {
        let body = sections.map { section in
            "<section>\n<h2>\(escaped(section.heading))</h2>\n\(section.blocks.map(html).joined())</section>\n"
        }
        // Even if a text got past the escaping, the policy lets no script run and nothing be fetched.
        return """
            <!DOCTYPE html>
            <html lang="\(escaped(language))">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escaped(title))</title>
            <style>
            \(style)
            </style>
            </head>
            <body>
            <h1>\(escaped(title))</h1>
            \(body.joined())</body>
            </html>

            """
    }

    private static func html(_ block: ReportBlock) -> String {
        switch block {
        case .text(let text): "<p>\(escaped(text))</p>\n"
        case .figures(let figures):
            "<dl>"
                + figures.map {
                    "<div><dt>\(escaped($0.label))</dt><dd>\(escaped($0.reading))</dd>"
                        + ($0.note.isEmpty ? "" : "<dd class=\"note\">\(escaped($0.note))</dd>") + "</div>"
                }.joined() + "</dl>\n"
        case .table(let caption, let headings, let rows): table(caption, headings, rows)
        case .bars(let caption, let unit, let parts, let values):
            figure(caption, SVGChart.bars(values, unit: unit, parts: parts, caption))
        case .lines(let caption, let unit, let labels, let series):
            figure(caption, SVGChart.lines(series, labels: labels, unit: unit, caption))
        }
    }

    private static func figure(_ caption: String, _ svg: String) -> String {
        "<figure>\n<figcaption>\(escaped(caption))</figcaption>\n\(svg)\n</figure>\n"
    }

    private static func table(_ caption: String, _ headings: [String], _ rows: [[String]]) -> String {
        // A column is of numbers when all its cells are: then its heading goes to the right as well.
        let isNumeric = headings.indices.map { column in
            !rows.isEmpty && rows.allSatisfy { column < $0.count && isNumber($0[column]) }
        }
        let mark = { (column: Int) in isNumeric.indices.contains(column) && isNumeric[column] ? " class=\"n\"" : "" }
        let head = headings.enumerated().map { "<th scope=\"col\"\(mark($0))>\(escaped($1))</th>" }.joined()
        let lines = rows.map { row in
            "<tr>" + row.enumerated().map { "<td\(mark($0))>\(escaped($1))</td>" }.joined() + "</tr>\n"
        }
        return """
            <div class="wide"><table>
            <caption>\(escaped(caption))</caption>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(lines.joined())</tbody>
            </table></div>

            """
    }

    /// Digits with what stands around and between them in figures, times and shares; a dash for "none".
    private static func isNumber(_ text: String) -> Bool {
        text.isEmpty || text == "–" || text.allSatisfy { $0.isNumber || "+-−.,:% \u{A0}\u{202F}s".contains($0) }
    }

    /// Safe as text and between quotes of an attribute; characters that HTML does not allow become U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 32 || (127..<160).contains(scalar.value): result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c1e21; --soft: #5f6670; --line: #d5d9df; --paper: #fff; --c0: #1f6feb;
          --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #0f766e; --c5: #be185d; }
        @media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ad; --line: #3a4048;
          --paper: #16191d; --c0: #6ea8fe; --c1: #fb923c; --c2: #4ade80; --c3: #c084fc; --c4: #2dd4bf; --c5: #f472b6; } }
        body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
          margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
        dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; }
        dl div { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; min-width: 8rem; }
        dt, .note, caption, figcaption { color: var(--soft); font-size: .85rem; }
        dd { margin: 0; font-size: 1.4rem; } dd.note { font-size: .75rem; }
        table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-variant-numeric: tabular-nums; }
        .wide { overflow-x: auto; } caption { text-align: left; } th, td { text-align: left; padding: .25rem .6rem .25rem 0;
          border-bottom: 1px solid var(--line); } .n { text-align: right; }
        figure { margin: 1rem 0; } svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }
        svg .grid { stroke: var(--line); } svg .part { fill: var(--paper); } svg .axis { fill: var(--soft); }
        @media print { body { margin: 0; max-width: none; } section, figure, tr, dl div { break-inside: avoid; }
          .wide { overflow-x: visible; } table { font-size: 6pt; } th { overflow-wrap: anywhere; }
          svg, svg * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } thead { display: table-header-group; } }
        """
}

public import Foundation
import Statistics

/// How a listing is printed.
public enum OutputFormat: String, CaseIterable, Sendable { case table, json, jsonl, csv }

/// Rows of JSON objects with their keys in a known order, printed as the user wants them.
public struct Listing {
    /// A column of the table: a key of the rows, and its heading.
    public struct Column: Sendable {
        var key: String
        var heading: String
        public init(_ key: String, _ heading: String? = nil) {
            (self.key, self.heading) = (key, heading ?? key.uppercased())
        }
    }

    private let keys: [String]
    private let columns: [Column]
    private let rows: [[String: Any]]

    /// - Parameters:
    ///   - json: an array of objects.
    ///   - keys: every key in the order of the contract; keys that are not named come last.
    ///   - columns: what the table shows.
    /// - Throws: when it is no array of objects.
    public init(json: Data, keys: [String], columns: [Column]) throws {
        let read = try JSONSerialization.jsonObject(with: json)
        guard let rows = read as? [[String: Any]] else { throw CocoaError(.propertyListReadCorrupt) }
        self.init(rows, keys: keys, columns: columns)
    }

    /// Of rows that are read already: values that JSON has.
    public init(_ rows: [[String: Any]], keys: [String], columns: [Column] = []) {
        (self.rows, self.keys, self.columns) = (rows, keys, columns)
    }

    public var isEmpty: Bool { rows.isEmpty }

    /// The text, with its last line ended.
    public func text(_ format: OutputFormat, isColored: Bool = false) -> String {
        switch format {
        case .table: table(isColored: isColored)
        case .json: "[" + rows.map { "\n  " + object($0) }.joined(separator: ",") + (rows.isEmpty ? "]\n" : "\n]\n")
        case .jsonl: rows.map { object($0) + "\n" }.joined()
        case .csv: csv
        }
    }

    /// The cells of each row in columns of these keys, as CSV has them without its quotes.
    public func cells(_ keys: [String]) -> [[String]] { rows.map { row in keys.map { plain(row[$0]) } } }

    private func ordered(_ row: [String: Any]) -> [String] {
        keys.filter { row[$0] != nil } + row.keys.filter { !keys.contains($0) }.sorted()
    }

    private func object(_ row: [String: Any]) -> String {
        "{" + ordered(row).map { "\(json($0)): \(json(row[$0] ?? NSNull()))" }.joined(separator: ", ") + "}"
    }

    private func json(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }

    private func plain(_ value: Any?) -> String {
        switch value {
        case nil, is NSNull: ""
        case let text as String: text
        case let some?: json(some)
        }
    }

    /// For people: lists of texts without their brackets, and of what is so or not only what is.
    private func brief(_ value: Any?) -> String {
        if let list = value as? [String] { return list.joined(separator: ", ") }
        let text = plain(value)
        guard !(value is String) else { return text }
        return text == "true" ? "yes" : text == "false" ? "" : text
    }

    // MARK: CSV

    /// RFC 4180: CRLF, a header line, quotes doubled. Lists and objects are JSON in their field.
    private var csv: String {
        let others = Set(rows.flatMap(\.keys)).subtracting(keys).sorted()
        let all = keys.filter { key in rows.isEmpty || rows.contains { $0[key] != nil } } + others
        let lines = [all] + rows.map { row in all.map { plain(row[$0]) } }
        return lines.map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
    }

    private func field(_ text: String) -> String {
        let safe = Self.isFormula(text) ? "'" + text : text
        guard safe.contains(where: { ",\"\r\n".contains($0) || $0.isNewline }) else { return safe }
        return "\"" + safe.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    /// Whether a spreadsheet would take it for a formula; numbers, those of phones among them, are none.
    private static func isFormula(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first else { return false }
        if "+-".unicodeScalars.contains(first) { return !text.allSatisfy { "+-.0123456789eE".contains($0) } }
        return "=@\t\r".unicodeScalars.contains(first)
    }

    // MARK: table

    private func table(isColored: Bool) -> String {
        let cells = rows.map { row in columns.map { shown(brief(row[$0.key]), $0.key) } }
        let widths = columns.indices.map { index in
            max(columns[index].heading.count, cells.map { $0[index].count }.max() ?? 0)
        }
        let line = { (texts: [String]) -> String in
            zip(texts, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
                .joined(separator: "  ").trimmingTrailingBlanks
        }
        let head = line(columns.map(\.heading))
        let body = cells.map { line($0) + "\n" }.joined()
        return (isColored ? "\u{1B}[1m\(head)\u{1B}[0m" : head) + "\n" + body
    }

    /// A peer's text must not move the cursor; stamps, which are in UTC, are shorter for people.
    private func shown(_ text: String, _ key: String) -> String {
        let safe = text.printable
        guard key.hasSuffix("_at") || key == "since", safe.count == 24 else { return safe }
        return String(safe.prefix(19)).replacingOccurrences(of: "T", with: " ") + "Z"
    }
}

extension String {
    fileprivate var trimmingTrailingBlanks: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

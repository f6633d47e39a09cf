import Timebase

/// Draws a trace as a ladder: the caller's side on the left, Gudok in the middle, whoever was called on the right.
public struct Ladder: Sendable {
    private let trace: CallTrace
    private let width: Int
    /// Columns between two lines.
    private var span: Int { max(24, min(40, (width - 24) / 2)) }

    /// `width` is the terminal's, in columns.
    public init(_ trace: CallTrace, width: Int = 100) { (self.trace, self.width) = (trace, width) }

    public var lines: [String] {
        var out = ["\(trace.callID)  \(trace.from) → \(trace.to)  \(trace.started.wall)"]
        out.append(header)
        for entry in inOrder {
            switch entry.kind {
            case .message(let message): out.append(draw(message, entry.offset))
            case .event(let text): out.append(stamp(entry.offset) + rails(text))
            }
        }
        if trace.omitted > 0 { out.append("… and \(trace.omitted) more that found no room") }
        return out
    }

    /// By time: a call's end is stamped with the moment it came, and told when the last report of its media is there.
    private var inOrder: [TraceEntry] {
        trace.entries.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }.map(
            \.element
        )
    }

    public var text: String { lines.joined(separator: "\n") + "\n" }

    private var header: String {
        var left = ""
        var right: [String] = []
        for case .message(let message) in trace.entries.map(\.kind) {
            if message.leg == 0, left.isEmpty { left = message.remote }
            if message.leg > 0, !right.contains(message.remote) { right.append(message.remote) }
        }
        let others = right.isEmpty ? "" : right[0] + (right.count > 1 ? " +\(right.count - 1)" : "")
        return String(repeating: " ", count: Self.margin) + pad(left, span) + pad("Gudok", span) + others
    }

    private static let margin = 13

    /// Seconds since the start.
    private func stamp(_ offset: Int64) -> String {
        let milliseconds = max(0, offset) / 1000
        let fraction = String(milliseconds % 1000)
        let text = "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
        return String(repeating: " ", count: max(0, Self.margin - 2 - text.count)) + text + "  "
    }

    private func rails(_ text: String) -> String {
        "│" + String(repeating: " ", count: span - 1) + "│ • " + text
    }

    private func draw(_ message: TracedMessage, _ offset: Int64) -> String {
        let label = Self.label(message.text) + (message.leg > 1 ? " [\(message.leg)]" : "")
        let toRight = message.leg == 0 ? message.isIncoming : !message.isIncoming
        let room = span - 4
        let cut = label.count > room ? String(label.prefix(room - 1)) + "…" : label
        let line = String(repeating: "─", count: max(0, room - cut.count))
        let arrow = toRight ? "─\(cut)\(line)─▶" : "◀─\(cut)\(line)─"
        let blank = String(repeating: " ", count: span - 1)
        return stamp(offset) + (message.leg == 0 ? "│\(arrow)│\(blank)│" : "│\(blank)│\(arrow)│")
    }

    /// `INVITE (sdp 192.0.2.1:4000 PCMA)`, `200 OK INVITE`.
    static func label(_ text: String) -> String {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let start = lines.first ?? ""
        let words = start.split(separator: " ")
        var label: String
        if words.first?.hasPrefix("SIP/") == true {
            let method = lines.first { $0.lowercased().hasPrefix("cseq") }?.split(separator: " ").last ?? ""
            label = words.dropFirst().joined(separator: " ")
            if method != "INVITE" { label += " (\(method))" }
        } else {
            label = String(words.first ?? "?")
        }
        if let media = lines.first(where: { $0.hasPrefix("m=audio ") }) {
            let port = media.split(separator: " ").dropFirst().first ?? ""
            let hold = lines.first { ["a=sendonly", "a=inactive", "a=recvonly"].contains($0) }
            label += " ♪\(port)" + (hold.map { " \($0.dropFirst(2))" } ?? "")
        }
        return label
    }

    private func pad(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(1, columns - text.count))
    }
}

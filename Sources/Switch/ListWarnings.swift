import Config
import DialPlan

extension ConfigurationFiles {
    /// Of one file so many lines are told one by one.
    private static let mostLines = 10

    /// What is odd about the lists of numbers, and no fault: a line each, as faults are written.
    public var listWarnings: [String] {
        let unreadable = unreadableLists.map {
            "\($0.file):\($0.position.line):\($0.position.column): warning: \($0.problem), and no tenant names it; \($0.mend)"
        }
        return unreadable + oddLines
    }

    private var oddLines: [String] {
        lists.flatMap { list in
            let oddities = NumberList.oddities(in: list.text)
            let lines = oddities.prefix(Self.mostLines).map { oddity in
                "\(list.name):\(oddity.line):1: warning: '\(Self.cut(oddity.text))' is no number, and matches none; "
                    + "write its digits, with a '+' where it is international, or a '#' before a remark"
            }
            let rest = oddities.count - lines.count
            guard rest > 0, let next = oddities.dropFirst(lines.count).first else { return lines }
            return lines + ["\(list.name):\(next.line):1: warning: from here on there are \(rest) more such lines"]
        }
    }

    /// What a file holds is shown as far as a line of a terminal has room, without control characters.
    private static func cut(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(40).map { scalar in
            scalar.properties.generalCategory == .control ? "?" : String(scalar)
        }
        return shown.joined() + (text.unicodeScalars.count > 40 ? "…" : "")
    }
}

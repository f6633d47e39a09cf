import Foundation
import Glibc

/// What standard output is.
public enum Terminal {
    public static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns; 100 when unknown.
    public static var width: Int {
        if let text = ProcessInfo.processInfo.environment["COLUMNS"], let columns = Int(text), columns >= 40 {
            return columns
        }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else { return 100 }
        return Int(size.ws_col)
    }

    /// Colours on a terminal, unless NO_COLOR says otherwise (no-color.org).
    public static func isColored(noColor: Bool) -> Bool {
        isTerminal && !noColor && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    }
}

public import Events
import Foundation
import Synchronization
import Threading
public import Timebase

/// Writes log lines to standard error on a thread of its own, so that a slow reader of the log never holds up a call. Beyond a bound
/// lines are dropped, which the log says once there is room again.
public final class LogSink: Sendable {
    public enum Format: String, CaseIterable, Sendable { case text, json }

    private struct State: Sendable {
        var lines: [String] = []
        var dropped = 0
        var isStopping = false
    }

    private static let longestQueue = 10_000
    private let format: Format
    private let level: LogLevel
    private let state = Mutex(State())
    private let wake = Doorbell()
    private let over = Doorbell()

    public init(format: Format, level: LogLevel) {
        (self.format, self.level) = (format, level)
        let thread = Thread { [self] in run() }
        thread.name = "gudok-log"
        thread.start()
    }

    /// Whether lines that matter this much are written.
    func takes(_ level: LogLevel) -> Bool { level.rank >= self.level.rank }

    public func log(_ level: LogLevel, _ text: String, call: CallID? = nil, at moment: Moment? = nil) {
        guard takes(level) else { return }
        let stamp = "\((moment ?? SystemClock.now()).wall)"
        let line = format == .text ? textLine(stamp, level, text, call) : jsonLine(stamp, level, text, call)
        let isFirst = state.withLock { state in
            guard state.lines.count < Self.longestQueue else {
                state.dropped += 1
                return false
            }
            state.lines.append(line)
            return state.lines.count == 1
        }
        if isFirst { wake.ring() }
    }

    private func textLine(_ stamp: String, _ level: LogLevel, _ text: String, _ call: CallID?) -> String {
        let name = level.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
        // Whatever a peer wrote stays on its own line.
        let safe = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 ? " " : $0 }))
        return "\(stamp) \(name) \(call.map { "[\($0)] " } ?? "")\(safe)\n"
    }

    private struct JSONLine: Encodable {
        var time: String
        var level: String
        var call_id: String?
        var message: String
    }

    private func jsonLine(_ stamp: String, _ level: LogLevel, _ text: String, _ call: CallID?) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let line = JSONLine(time: stamp, level: level.rawValue, call_id: call?.value, message: text)
        guard let data = try? encoder.encode(line) else { return "" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// Writes what is queued, and ends.
    public func stop() {
        state.withLock { $0.isStopping = true }
        wake.ring()
        over.wait(atMost: .seconds(2))
    }

    private func run() {
        while true {
            // Without a descriptor for the bell lines are so late.
            wake.wait(atMost: .seconds(1))
            let (lines, dropped, isStopping) = state.withLock { state in
                defer { (state.lines, state.dropped) = ([], 0) }
                return (state.lines, state.dropped, state.isStopping)
            }
            var text = lines.joined()
            if dropped > 0 { text += textLine("", .warning, "\(dropped) log lines were dropped", nil) }
            // A closed log is no reason to stop: there is nobody left to tell.
            if !text.isEmpty { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
            if isStopping { break }
        }
        over.ring()
    }
}

extension LogLevel {
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

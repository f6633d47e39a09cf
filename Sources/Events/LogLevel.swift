/// How much a line of the log matters.
public enum LogLevel: String, CaseIterable, Sendable { case debug, info, notice, warning, error }

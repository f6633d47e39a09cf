import Foundation
import Timebase

/// The query of a request, read name by name: what cannot be read, and a name that nobody asks for, is an error, as a filter that is
/// overlooked would show what nobody wanted.
struct QueryReader {
    struct Fault: Error {
        var what: String
        var mend: String
    }

    private let query: [String: String]
    private var known: Set<String> = []

    init(_ query: [String: String]) { self.query = query }

    mutating func text(_ name: String) -> String? {
        known.insert(name)
        return query[name]
    }

    mutating func time(_ name: String) throws -> WallTime? {
        try value(name, mend: "write RFC 3339, 2026-11-23T10:00:00Z") { WallTime($0) }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> Choice?
    where Choice.RawValue == String {
        try choice(name, among: Choice.allCases)
    }

    mutating func choice<Choice: RawRepresentable>(
        _ name: String,
        among choices: some Sequence<Choice>
    ) throws -> Choice?
    where Choice.RawValue == String {
        let words = choices.map(\.rawValue).joined(separator: ", ")
        return try value(name, mend: "use one of \(words)") { text in choices.first { $0.rawValue == text } }
    }

    mutating func number(_ name: String) throws -> Int64? {
        try value(name, mend: "write a whole number") { Int64($0) }
    }

    mutating func decimal(_ name: String) throws -> Double? {
        try value(name, mend: "write a number") { Double($0) }
    }

    mutating func flag(_ name: String) throws -> Bool {
        try value(name, mend: "use true or false") { Bool($0) } ?? false
    }

    /// The rows of one page, `standard` where nothing is said.
    mutating func limit(standard: Int = 100) throws -> Int {
        let most = 10_000
        let mend = "write a number from 1 to \(most)"
        return try value("limit", mend: mend) { Int($0).flatMap { (1...most).contains($0) ? $0 : nil } } ?? standard
    }

    /// All that may be asked was.
    func finish() throws {
        guard let unknown = query.keys.filter({ !known.contains($0) }).min() else { return }
        throw Fault(
            what: "there is no filter '\(unknown)' here",
            mend: known.isEmpty ? "leave it out" : "use \(known.sorted().joined(separator: ", "))"
        )
    }

    private mutating func value<Value>(_ name: String, mend: String, _ read: (String) -> Value?) throws -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = read(text) else { throw Fault(what: "\(name) is '\(text)'", mend: mend) }
        return value
    }
}

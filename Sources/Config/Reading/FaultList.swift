import DialPlan

/// The faults of one reading, gathered over all its files: a person mends them all at once.
final class FaultList {
    private(set) var faults: Set<ConfigFault> = []

    func add(_ file: String, _ position: SourcePosition, _ code: ConfigFault.Code, _ problem: String, mend: String) {
        faults.insert(ConfigFault(file: file, position: position, code: code, problem: problem, mend: mend))
    }

    func add(_ fault: ConfigFault) { faults.insert(fault) }

    var sorted: [ConfigFault] { faults.sorted() }
}

/// `known` as a mend lists it, the nearest to what was written first.
public func suggestion(for word: String, among known: some Sequence<String>) -> String {
    let names = known.sorted()
    if let best = names.min(by: { editDistance($0, word) < editDistance($1, word) }), editDistance(best, word) <= 2 {
        return "did you mean '\(best)'?"
    }
    return names.isEmpty ? "there is none" : "known are \(names.joined(separator: ", "))"
}

/// Levenshtein's distance, of short words.
private func editDistance(_ a: String, _ b: String) -> Int {
    let left = Array(a.lowercased().unicodeScalars.prefix(64))
    let right = Array(b.lowercased().unicodeScalars.prefix(64))
    var row = Array(0...right.count)
    for (i, x) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in right.enumerated() {
            let cost = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
            diagonal = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[right.count]
}

/// How long callers of a queue wait before they give up, as far as a day shows it: of whoever was answered it is only known that he
/// would have waited longer than he did (Kaplan and Meier's estimator for what was cut off).
struct Patience {
    /// After how long (milliseconds) somebody gave up, and what share of those still waiting did.
    private let steps: [(wait: Int64, hazard: Double)]

    /// - Parameter waits: each caller's, and whether it ended because he gave up.
    init(_ waits: [(wait: Int64, gaveUp: Bool)]) {
        let sorted = waits.sorted { $0.wait < $1.wait }
        var steps: [(wait: Int64, hazard: Double)] = []
        var index = 0
        while index < sorted.count {
            let same = sorted[index...].prefix { $0.wait == sorted[index].wait }
            let gone = same.count { $0.gaveUp }
            if gone > 0 { steps.append((same.first?.wait ?? 0, Double(gone) / Double(sorted.count - index))) }
            index += same.count
        }
        self.steps = steps
    }

    /// When somebody gives up who waited `waited` without doing so; nil: never, for nobody was seen to. `luck` goes from 0 to 1.
    func limit(beyond waited: Int64, luck: Double) -> Int64? {
        var left = 1.0
        for step in steps where step.wait > waited {
            left *= 1 - step.hazard
            if left <= luck { return step.wait }
        }
        return nil
    }
}

import Config
public import WhatIf

/// A value of a question that means nothing. The command line and HTTP each write the name in their own way.
public struct Misreading: Error, Equatable {
    public var name: String
    public var what: String
    public var mend: String
}

extension Alteration {
    /// More than anybody would compare.
    private static let most = 100

    /// Each is VALUE, of every queue, or QUEUE=VALUE.
    public static func read(agents: [String], strategies: [String], wrapUps: [String]) throws(Misreading) -> [Self] {
        guard agents.count + strategies.count + wrapUps.count <= most else {
            throw Misreading(name: "agents", what: "is one of more than \(most) alterations", mend: "give fewer")
        }
        var alterations: [Alteration] = []
        for text in agents {
            let (queue, value) = split(text)
            guard let count = Int(value), (0...Replay.mostAgents).contains(count) else {
                throw Misreading(
                    name: "agents",
                    what: "is '\(text)'",
                    mend: "write 12 or sales=12, at most \(Replay.mostAgents)"
                )
            }
            alterations.append(Alteration(queue: queue, agents: count))
        }
        for text in strategies {
            let (queue, value) = split(text)
            guard let strategy = Queue.Strategy(rawValue: value) else {
                let known = Queue.Strategy.allCases.map(\.rawValue).joined(separator: ", ")
                throw Misreading(name: "strategy", what: "is '\(text)'", mend: "use one of \(known)")
            }
            alterations.append(Alteration(queue: queue, strategy: strategy))
        }
        for text in wrapUps {
            let (queue, value) = split(text)
            guard let length = Duration(written: value) else {
                throw Misreading(name: "wrap-up", what: "is '\(text)'", mend: "write 10s or sales=1m")
            }
            alterations.append(Alteration(queue: queue, wrapUp: length))
        }
        return alterations
    }

    private static func split(_ text: String) -> (queue: String?, value: String) {
        guard let mark = text.firstIndex(of: "=") else { return (nil, text) }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }
}

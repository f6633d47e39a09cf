/// What a look at everything that must hold found.
public struct Mending: Equatable, Sendable {
    /// In words, what was wrong.
    public var found: [String] = []
    /// What of it still is.
    public var left: [String] = []

    public init(found: [String] = [], left: [String] = []) { (self.found, self.left) = (found, left) }
}

/// What the checks of every second found and mended so far. A fault that stays is counted and told once.
public struct Invariants: Sendable {
    public private(set) var found: UInt64 = 0
    public private(set) var mended: UInt64 = 0
    /// What could not be mended, as of the last check.
    public private(set) var left: Set<String> = []
    /// What the last check found.
    private var last: Set<String> = []

    private static let mostLines = 20

    public init() {}

    /// Takes a check in; the lines are for the log.
    public mutating func note(_ mending: Mending) -> [String] {
        let stays = Set(mending.left)
        let seen = mending.found + mending.left.filter { !mending.found.contains($0) }
        let new = seen.filter { !last.contains($0) }
        found &+= UInt64(new.count)
        mended &+= UInt64(new.count { !stays.contains($0) } + left.subtracting(stays).count)
        (last, left) = (Set(seen), stays)
        return new.prefix(Self.mostLines).map { (stays.contains($0) ? "cannot be mended: " : "mended: ") + $0 }
    }
}

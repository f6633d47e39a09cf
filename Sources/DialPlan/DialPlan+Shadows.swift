extension DialPlan {
    /// A rule that no call can take, and the earlier ones that take its calls.
    public struct Shadow: Equatable, Sendable {
        public var route: Route
        /// In the order of the file; one alone where one is enough.
        public var takers: [Route]
    }

    /// The rules that can never be reached. Never one that can be; where following the patterns is too much it stays unnamed.
    public var shadows: [Shadow] {
        var search = ShadowSearch(routes)
        return routes.indices.compactMap { index in
            defer { search.pass(index) }
            guard let takers = search.takers(of: index), !takers.isEmpty else { return nil }
            return Shadow(route: routes[index], takers: takers.map { routes[$0] })
        }
    }
}

/// Who takes the calls of a rule. Three ways are looked at: one rule alone; the numbers of several that take every caller of this one;
/// the callers of several that take every number of this one. What takes a mixture of both is not seen.
private struct ShadowSearch {
    private let routes: [Route]
    private var numbers: PatternGraph
    private var callers: PatternGraph
    /// The numbers of the rules before.
    private var earlier = PatternPrefixes()

    init(_ routes: [Route]) {
        self.routes = routes
        numbers = PatternGraph(routes.map(\.match))
        callers = PatternGraph(routes.map(\.callers))
    }

    mutating func pass(_ index: Int) { earlier.insert(index, routes[index].match) }

    /// nil: some are left to it.
    mutating func takers(of index: Int) -> [Int]? {
        let route = routes[index]
        let rivals = earlier.relatives(of: route.match).filter {
            routes[$0].trunk == nil || routes[$0].trunk == route.trunk
        }
        let forAnyCaller = rivals.filter { routes[$0].takesCallers(of: route) }
        switch numbers.takers(of: index, among: forAnyCaller) {
        case .all(let takers): return takers.first { routes[$0].match.includes(route.match) }.map { [$0] } ?? takers
        case .unknown:
            if let single = forAnyCaller.first(where: { routes[$0].match.includes(route.match) }) { return [single] }
        case .some: break
        }
        let forAnyNumber = rivals.filter { routes[$0].from != nil && routes[$0].match.includes(route.match) }
        guard case .all(let takers) = callers.takers(of: index, among: forAnyNumber) else { return nil }
        return takers
    }
}

extension Route {
    fileprivate var callers: Pattern { from ?? .expression(.everything) }

    fileprivate func takesCallers(of other: Route) -> Bool { from.map { $0.includes(other.callers) } ?? true }
}

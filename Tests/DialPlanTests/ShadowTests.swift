import Testing

@testable import DialPlan

/// Rules that earlier ones leave nothing of.
@Suite struct ShadowTests {
    /// Rules as `match`, `match from caller` or `match by trunk`.
    private static func plan(_ rules: [String]) throws -> DialPlan {
        let routes = try rules.enumerated().map { line, rule in
            let words = rule.split(separator: " ").map(String.init)
            let position = SourcePosition(line: line, column: 1)
            var route = Route(match: try Pattern(words[0]), steps: [], position: position)
            if words.count > 2, words[1] == "from" { route.from = try Pattern(words[2]) }
            if words.count > 2, words[1] == "by" { route.trunk = words[2] }
            return route
        }
        return DialPlan(name: "test", routes: routes)
    }

    /// Who takes the calls of the last rule; nil: some are left to it.
    private static func takers(of rules: [String]) throws -> [String]? {
        let shadow = try plan(rules).shadows.first { $0.route.position.line == rules.count - 1 }
        return shadow?.takers.map { rules[$0.position.line] }
    }

    @Test(
        arguments: [
            (["/.*/", "600"], ["/.*/"]), (["8[0-4]x", "8[5-9]x", "8xx"], ["8[0-4]x", "8[5-9]x"]),
            (["8[0-4]x", "8[6-9]x", "8xx"], nil), (["601", "6xx", "/6[0-9]1/"], ["6xx"]),
            (["x", "/../", "/.?.?/"], nil), (["/.?/", "/../", "/.?.?/"], ["/.?/", "/../"]),
            (["/7(495|499).*/", "7495x", "7498."], nil), (["/7(495|499).*/", "749[59]x"], ["/7(495|499).*/"]),
        ] as [([String], [String]?)]
    )
    func `a rule whose numbers one or several before take`(rules: [String], takers: [String]?) throws {
        #expect(try Self.takers(of: rules) == takers)
    }

    @Test(
        arguments: [
            (["600 by a", "600"], nil), (["600", "600 by a"], ["600"]), (["600 by a", "600 by b"], nil),
            (["6xx by a", "/.*/", "600 by a"], ["6xx by a"]), (["/.*/ from 1xxx", "600"], nil),
            (["/.*/ from /.*/", "600"], ["/.*/ from /.*/"]), (["/.*/ from 1xxx", "600 from 10xx"], ["/.*/ from 1xxx"]),
            (["600 from 1xxx", ". from 10xx"], nil),
            (["6xx from 1[0-4]", "/6.+/ from /1[5-9]/", "600 from 1x"], ["6xx from 1[0-4]", "/6.+/ from /1[5-9]/"]),
            ([". from /.?/", ". from /...*/", "600"], [". from /.?/", ". from /...*/"]),
            // One takes the half of the numbers, two the half of the callers each: this is not seen.
            (["60[0-4]", "60x from /.?/", "60x from /...*/", "60x"], ["60x from /.?/", "60x from /...*/"]),
            (["60[0-4]", "60[5-9] from /.?/", "60[5-9] from /...*/", "60x"], nil),
        ] as [([String], [String]?)]
    )
    func `callers and trunks count`(rules: [String], takers: [String]?) throws {
        #expect(try Self.takers(of: rules) == takers)
    }

    /// Every number of up to four of these: they tell all the pieces of the patterns below apart.
    private static let numbers: [String] = {
        var numbers = [""]
        var last = [""]
        for _ in 0..<4 {
            last = last.flatMap { start in "0123a".map { start + String($0) } }
            numbers += last
        }
        return numbers
    }()

    @Test(arguments: 0..<60) func `told is what no number reaches, and nothing else`(seed: Int) throws {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func pick(_ pieces: [String]) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return pieces[Int(state >> 33) % pieces.count]
        }
        let rules = (0..<7).map { _ in
            let (number, expression) = (
                ["1", "x", "z", "[1-2]", "."], ["1", "\\d", ".", "[^1]", ".*", "1?", "(1|2)", ".+"]
            )
            let isExpression = pick(["n", "e"]) == "e"
            let pieces = (0..<pick(["1", "22", "333"]).count).map { _ in pick(isExpression ? expression : number) }
            return isExpression ? "/\(pieces.joined())/" : pieces.joined()
        }
        let plan = try Self.plan(rules)
        let reached = Set(Self.numbers.compactMap { plan.route(called: $0)?.position.line })
        let told = Set(plan.shadows.map(\.route.position.line))
        #expect(told == Set(rules.indices).subtracting(reached), "seed \(seed): \(rules)")
    }

    @Test(.timeLimit(.minutes(1))) func `a plan of thousands of rules is looked through as quickly as it is read`()
        throws
    {
        let exact = (10_000..<20_000).map { "7495\($0)" }
        let prefixes = (10_000..<20_000).map { "+7\($0)." }
        #expect(try Self.plan(exact + prefixes).shadows.isEmpty)
        #expect(try Self.takers(of: exact + prefixes + ["749515000"]) == ["749515000"])
        #expect(try Self.takers(of: prefixes + exact + ["/[+]?715000.+/"]) == nil)
        #expect(try Self.takers(of: prefixes + exact + ["/[+]715000.+/"]) == ["+715000."])
    }

    @Test func `a plan of hundreds of rules is looked through, and one that is too much ends`() throws {
        let exact = (0..<300).map { "7495\($0)" }
        let prefixes = (100..<200).map { "+7\($0)." }
        #expect(try Self.plan(exact + prefixes + ["+."]).shadows.isEmpty)
        // Each tells the last 17 characters apart: 2^17 states.
        let hard = ["/(a|b)*a(a|b){16}/", "/(a|b)*b(a|b){16}/", "/(a|b){0,16}/", "/(a|b)*/"]
        #expect(try Self.takers(of: hard) == nil)
        #expect(try Self.takers(of: ["/.*/"] + hard) == ["/.*/"])
    }
}

import Config
import Events
import SIP
import Testing
import Timebase

@testable import Calls

@Suite struct LogInGuardTests {
    private let id = UserID(tenant: TenantID("demo"), number: "1001")
    private var user: User {
        var user = User(
            number: "1001",
            name: nil,
            role: .operator,
            credentials: Credentials(username: "1001", realm: "demo.test", password: "secret")
        )
        user.pin = Credentials(username: "1001", realm: "demo.test", password: "4711")
        return user
    }

    @Test func `a pin is right or wrong, and one who has none cannot log in by it`() {
        var logIns = LogInGuard()
        #expect(logIns.check("4711", of: user, id, now: Instant(nanoseconds: 0)) == .right)
        #expect(logIns.check("4712", of: user, id, now: Instant(nanoseconds: 0)) == .wrong)
        #expect(logIns.check("", of: user, id, now: Instant(nanoseconds: 0)) == .wrong)
        var without = user
        without.pin = nil
        #expect(logIns.check("", of: without, id, now: Instant(nanoseconds: 0)) == .wrong)
        #expect(logIns.check("4711", of: nil, id, now: Instant(nanoseconds: 0)) == .wrong)
    }

    @Test func `whoever is wrong five times in a row is not asked for five minutes`() {
        var logIns = LogInGuard()
        let start = Instant(nanoseconds: 0)
        for _ in 0..<5 { #expect(logIns.check("0000", of: user, id, now: start) == .wrong) }
        #expect(logIns.check("4711", of: user, id, now: start + .seconds(299)) == .barred)
        #expect(logIns.check("4711", of: user, id, now: start + .seconds(300)) == .right)
        #expect(logIns.check("0000", of: user, id, now: start + .seconds(300)) == .wrong)
    }
}

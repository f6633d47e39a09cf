import Events
import Foundation
import Testing

@testable import Switch

/// The live view's figures where a disk does not answer.
@Suite struct TodaysFiguresTests {
    private struct Fault: Error {}

    private func pool() -> WorkerPool { WorkerPool(for: "readings", workers: 1, most: 1) }

    @Test func `one tenant's file that hangs holds up the view once, and the others' figures are there`() async {
        let gate = DispatchSemaphore(value: 0)
        let tenants: [TenantID] = ["a", "b", "c", "d"]
        let figures = await TodaysFigures<String>.read(of: tenants, by: pool(), atMost: .milliseconds(50)) { tenant in
            if tenant == "c" { gate.wait() }
            return [tenant.name]
        }
        #expect(figures.rows == ["a": ["a"], "b": ["b"]])
        #expect(figures.trouble?.contains("not read within") == true)
        gate.signal()
    }

    @Test func `one tenant's file that cannot be read is told, and the others' figures are there`() async {
        let figures = await TodaysFigures<String>.read(of: ["a", "b"], by: pool(), atMost: .seconds(60)) { tenant in
            guard tenant == "b" else { throw Fault() }
            return [tenant.name]
        }
        #expect(figures.rows == ["b": ["b"]])
        #expect(figures.trouble?.hasPrefix("tenant a: ") == true)
    }
}

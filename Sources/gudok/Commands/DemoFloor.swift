import Console
import ControlAPI
import Config
import Foundation
import NetAddress
import Reports
import SIP
import SoftPhone
import Switch
import Synchronization

/// Half a minute of a contact centre: built-in phones play two operators and a carrier with three callers, the live view is
/// shown as it moves, and the report follows.
struct DemoFloor {
    let files: ConfigurationFiles
    let addresses: [String]
    let say: (String) -> Void

    private static let carrierPort: UInt16 = 5080
    private static let seconds = 26

    func run() async throws {
        let configuration = try files.configuration()
        guard let tenant = configuration.tenants.values.min(by: { $0.id < $1.id }),
            let queue = tenant.queues.values.first,
            let udp = addresses.first(where: { $0.hasPrefix("udp://") }), let server = SocketAddress(udp.dropFirst(6)),
            let trunk = tenant.trunks.values.first(where: { $0.identifyPort == Self.carrierPort })
        else { return }
        let operators = queue.agents.prefix(2).compactMap { tenant.users[$0.user] }
        say(
            """

            A contact centre: operators \(operators.map { $0.name ?? $0.number }.joined(separator: " and ")) log in, three \
            callers come by trunk \(trunk.name), press 1, and wait in queue \(queue.name) …
            """
        )
        let players = try play(operators, tenant: tenant, server: server)
        for user in operators { try await change("login", user.number) }
        for _ in 0..<4 {
            try await Task.sleep(for: .seconds(Self.seconds / 4))
            try await showLive()
        }
        players.wait()
        for user in operators { try? await change("logout", user.number) }
        try await showReport(tenant)
    }

    /// Phones on threads of their own: they live by the clock, and block.
    private final class Players: Sendable {
        private let group = DispatchGroup()

        func add(_ body: @escaping @Sendable () -> Void) {
            group.enter()
            let thread = Thread { [group] in
                body()
                group.leave()
            }
            thread.start()
        }

        func wait() { _ = group.wait(timeout: .now() + 10) }
    }

    private func play(_ operators: [User], tenant: Tenant, server: SocketAddress) throws -> Players {
        let players = Players()
        let domain = tenant.domains.first ?? tenant.realm
        for user in operators {
            let credentials = user.credentials
            players.add {
                guard let phone = try? FloorPhone(server: server, domain: domain, credentials: credentials) else {
                    return
                }
                phone.register()
                phone.run(for: .seconds(Self.seconds))
                phone.unregister()
                phone.run(for: .seconds(1))
            }
        }
        let carrier = Credentials(username: "+74951112233", realm: tenant.realm, password: "")
        let phone = try FloorPhone(server: server, domain: domain, credentials: carrier, port: Self.carrierPort)
        let box = Handed(phone)
        players.add {
            guard let phone = box.take() else { return }
            phone.run(for: .seconds(2))
            for (index, patience) in [11, 14, 9].enumerated() {
                phone.call(FloorPhone.Caller(number: "+74950000700", key: "1", patience: .seconds(patience)))
                phone.run(for: .seconds(index + 1))
            }
            phone.run(for: .seconds(Self.seconds - 8))
        }
        return players
    }

    /// Hands a phone to the one thread that will use it.
    ///
    /// `@unchecked Sendable`: whoever takes it out has it alone.
    private final class Handed: @unchecked Sendable {
        private let lock = NSLock()
        private var phone: FloorPhone?
        init(_ phone: FloorPhone) { self.phone = phone }
        func take() -> FloorPhone? {
            lock.withLock {
                defer { phone = nil }
                return phone
            }
        }
    }

    // MARK: what is asked and shown

    private func change(_ action: String, _ number: String) async throws {
        let body = Array(try JSONEncoder().encode(["action": action]))
        _ = try await files.ask(ControlRequest(method: "POST", path: ["api", "v1", "agents", number], body: body))
    }

    private func showLive() async throws {
        let queues = try await files.ask(ControlRequest(path: ["api", "v1", "queues"]))
        say("\ngudok queues")
        say(try Listing(json: queues, keys: [], columns: Queues.brief).text(.table))
        let agents = try await files.ask(ControlRequest(path: ["api", "v1", "agents"]))
        say("gudok agents")
        say(try Listing(json: agents, keys: Agents.keys, columns: Agents.columns).text(.table))
    }

    private func showReport(_ tenant: Tenant) async throws {
        // The last call's row is written within a moment of its end.
        try await Task.sleep(for: .milliseconds(500))
        let reporter = try Reporter(tenant: tenant, folder: files.dataFolder, now: Date(), isSwitchUp: true)
        let request = Reporter.Request(window: reporter.today)
        for kind in [Reporter.Kind.queues, .agents] {
            let report = try reporter.report(kind, request)
            say("gudok stats \(kind.rawValue)")
            let columns = kind == .queues ? Self.queueColumns : Self.agentColumns
            say(try Listing(json: Data(report.json), keys: report.keys, columns: columns).text(.table))
        }
    }

    private static let queueColumns: [Listing.Column] = [
        .init("queue"), .init("offered"), .init("answered"), .init("abandoned"), .init("service_level", "SL6"),
        .init("asa_s", "ASA S"), .init("aht_s", "AHT S"), .init("max_wait_s", "LONGEST S"), .init("occupancy"),
    ]
    private static let agentColumns: [Listing.Column] = [
        .init("agent"), .init("name"), .init("handled"), .init("missed"), .init("talk_s", "TALK S"),
        .init("acw_s", "WRAP-UP S"), .init("logged_in_s", "LOGGED IN S"), .init("occupancy"), .init("check_s", "CHECK"),
    ]
}

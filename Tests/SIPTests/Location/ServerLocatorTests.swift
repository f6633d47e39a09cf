import NetAddress
import Testing
import Timebase

@testable import SIP

/// What is asked of DNS, and what follows from the answers.
@Suite("RFC 3263 §4: finding a server") struct ServerLocatorTests {
    /// A zone: what is not in it is not there.
    private typealias Zone = [DNSQuestion: DNSAnswer]

    private static func query(
        port: UInt16? = nil,
        transport: Transport? = nil,
        supported: [Transport] = [.udp, .tcp]
    ) -> ServerQuery {
        ServerQuery(host: "carrier.test", port: port, transport: transport, supported: supported)
    }

    /// The whole look-up, its answers in the order of their questions or the other way round.
    private func locate(
        _ query: ServerQuery = query(),
        in zone: Zone,
        backwards: Bool = false
    ) throws -> (location: ServerLocation, asked: [DNSQuestion]) {
        var locator = ServerLocator(query)
        var open = locator.start()
        var asked: [DNSQuestion] = []
        while !open.isEmpty {
            #expect(locator.location == nil)
            let question = backwards ? open.removeLast() : open.removeFirst()
            asked.append(question)
            open += locator.receive(zone[question] ?? .nothing, to: question)
        }
        return (try #require(locator.location), asked)
    }

    private static func addresses(_ numbers: UInt32..., seconds: Int = 600) -> DNSAnswer {
        .addresses(numbers.map { .v4($0) }, lasting: .seconds(seconds))
    }

    private static func srv(_ records: (priority: UInt16, weight: UInt16, port: UInt16, target: String)...) -> DNSAnswer
    {
        let records = records.map {
            SRVRecord(priority: $0.priority, weight: $0.weight, port: $0.port, target: $0.target)
        }
        return .srv(records, lasting: .seconds(300))
    }

    private static func naptr(
        _ records: (order: UInt16, preference: UInt16, service: String, to: String)...
    ) -> DNSAnswer {
        let records = records.map {
            NAPTRRecord(order: $0.order, preference: $0.preference, service: $0.service, replacement: $0.to)
        }
        return .naptr(records, lasting: .seconds(900))
    }

    @Test(arguments: [false, true])
    func `§4.1: NAPTR names the transport and the SRV records, whichever answer comes first`(backwards: Bool) throws {
        let found = try locate(
            in: [
                .naptr("carrier.test"): Self.naptr(
                    (50, 50, "SIPS+D2T", "_sips._tcp.carrier.test"),
                    (90, 50, "SIP+D2T", "_sip._tcp.pool.test"),
                    (100, 50, "SIP+D2U", "_sip._udp.pool.test")
                ),
                .srv("_sip._udp.carrier.test"): Self.srv((1, 0, 5060, "wrong.test")),
                .srv("_sip._tcp.pool.test"): Self.srv((20, 5, 5081, "b.test"), (10, 0, 5080, "a.test")),
                .srv("_sip._udp.pool.test"): Self.srv((1, 0, 5099, "wrong.test")),
                .addresses("a.test"): Self.addresses(1, 2),
                .addresses("b.test"): Self.addresses(3),
                .addresses("wrong.test"): Self.addresses(9),
            ],
            backwards: backwards
        )
        #expect(
            found.location.servers == [
                Server(transport: .tcp, priority: 10, weight: 0, port: 5080, addresses: [.v4(1), .v4(2)]),
                Server(transport: .tcp, priority: 20, weight: 5, port: 5081, addresses: [.v4(3)]),
            ]
        )
        #expect(found.location.lasting == .seconds(300))
    }

    @Test func `§4.1: without NAPTR the SRV records of our transports, UDP first`() throws {
        let both = try locate(
            in: [
                .srv("_sip._tcp.carrier.test"): Self.srv((1, 0, 5070, "a.test")),
                .srv("_sip._udp.carrier.test"): Self.srv((1, 0, 5060, "a.test")),
                .addresses("a.test"): Self.addresses(1),
            ]
        )
        #expect(both.location.servers.map(\.transport) == [.udp])
        let stream = try locate(
            in: [
                .srv("_sip._tcp.carrier.test"): Self.srv((1, 0, 5070, "a.test")),
                .addresses("a.test"): Self.addresses(1),
            ]
        )
        #expect(
            stream.location.servers == [Server(transport: .tcp, priority: 1, port: 5070, addresses: [.v4(1)])]
        )
    }

    @Test func `§4.2: a transport that is given is looked up alone, and without NAPTR`() throws {
        let found = try locate(
            Self.query(transport: .tcp),
            in: [
                .srv("_sip._tcp.carrier.test"): Self.srv((1, 0, 5070, "a.test")),
                .addresses("a.test"): Self.addresses(1),
            ]
        )
        #expect(
            found.asked == [.srv("_sip._tcp.carrier.test"), .addresses("carrier.test"), .addresses("a.test")]
        )
        #expect(found.location.servers.map(\.transport) == [.tcp])
    }

    @Test func `§4.2: with a port addresses are all that is asked for`() throws {
        let found = try locate(
            Self.query(port: 5070),
            in: [.addresses("carrier.test"): .addresses([.v6(high: 1, low: 2), .v4(1)], lasting: .seconds(60))]
        )
        #expect(found.asked == [.addresses("carrier.test")])
        #expect(
            found.location.servers == [Server(transport: .udp, port: 5070, addresses: [.v4(1), .v6(high: 1, low: 2)])]
        )
    }

    @Test func `§4.2: without any of them UDP at the host's own addresses`() throws {
        let found = try locate(in: [.addresses("carrier.test"): Self.addresses(1)])
        #expect(found.location.servers == [Server(transport: .udp, port: 5060, addresses: [.v4(1)])])
    }

    @Test func `RFC 2782: a service that is decidedly absent is not looked for at the host`() throws {
        let found = try locate(
            in: [
                .srv("_sip._udp.carrier.test"): Self.srv((0, 0, 0, "")),
                .addresses("carrier.test"): Self.addresses(1),
            ]
        )
        #expect(found.location.servers.isEmpty && found.location.fault == "no address for carrier.test")
        #expect(!found.location.isUnanswered && found.location.lasting == .seconds(30))
    }

    @Test func `a resolver that swallows NAPTR and SRV questions costs a shorter memory, not the call`() throws {
        let found = try locate(
            in: [
                .naptr("carrier.test"): .failed("Timeout"), .srv("_sip._udp.carrier.test"): .failed("Timeout"),
                .srv("_sip._tcp.carrier.test"): .failed("Timeout"), .addresses("carrier.test"): Self.addresses(1),
            ]
        )
        #expect(found.location.servers.count == 1 && found.location.lasting == .seconds(30))
        let silent = try locate(in: [.addresses("carrier.test"): .failed("Timeout")])
        #expect(silent.location.isUnanswered)
        #expect(silent.location.fault == "DNS does not tell of carrier.test: Timeout")
    }

    @Test(arguments: [(0, 10), (45, 45), (86_400, 3_600)])
    func `the shortest time to live counts, between ten seconds and an hour`(seconds: Int, lasting: Int) throws {
        let found = try locate(in: [.addresses("carrier.test"): Self.addresses(1, seconds: seconds)])
        #expect(found.location.lasting == .seconds(lasting))
    }

    @Test func `an address is no name: nobody is asked`() {
        let query = ServerQuery(host: "192.0.2.1", port: nil, transport: .tcp, supported: [.udp])
        #expect(
            query.known?.servers == [Server(transport: .tcp, port: 5060, addresses: [.v4(0xC000_0201)])]
        )
        #expect(Self.query().known == nil)
    }

    // MARK: the order of servers

    private static func server(_ number: UInt32, priority: UInt16, weight: UInt16) -> Server {
        Server(transport: .udp, priority: priority, weight: weight, port: 5060, addresses: [.v4(number)])
    }

    private static func first(_ location: ServerLocation, seed: UInt64) -> UInt32 {
        var lots = SeededGenerator(seed: seed)
        guard case .v4(let number)? = location.targets(using: &lots).first?.address.ip else { return 0 }
        return number
    }

    @Test func `RFC 2782: priorities in order, and the shares of one priority by weight`() {
        let location = ServerLocation(servers: [
            Self.server(4, priority: 20, weight: 0), Self.server(1, priority: 10, weight: 60),
            Self.server(2, priority: 10, weight: 30), Self.server(3, priority: 10, weight: 10),
        ])
        var firsts: [UInt32: Int] = [:]
        for seed in 0..<6_000 {
            var lots = SeededGenerator(seed: UInt64(seed))
            let order = location.targets(using: &lots)
            #expect(order.count == 4 && order.last?.address.ip == .v4(4))
            if case .v4(let number)? = order.first?.address.ip { firsts[number, default: 0] += 1 }
        }
        #expect((3_450...3_750).contains(firsts[1] ?? 0), "\(firsts)")
        #expect((1_650...1_950).contains(firsts[2] ?? 0), "\(firsts)")
        #expect((480...720).contains(firsts[3] ?? 0), "\(firsts)")
    }

    @Test func `RFC 2782: weight 0 has a small chance beside others, and an equal one among its like`() {
        let beside = ServerLocation(servers: [
            Self.server(1, priority: 1, weight: 99), Self.server(2, priority: 1, weight: 0),
        ])
        let small = (0..<5_000).count { Self.first(beside, seed: UInt64($0)) == 2 }
        #expect((20...90).contains(small), "\(small)")
        let alone = ServerLocation(servers: [Self.server(1, priority: 1, weight: 0)])
        #expect(Self.first(alone, seed: 7) == 1)
    }
}

public import NetAddress

/// A host of the configuration whose servers are wanted.
public struct ServerQuery: Hashable, Sendable {
    public var host: String
    /// With a port, its addresses are all that is asked for (RFC 3263 §4.2).
    public var port: UInt16?
    /// The one that the configuration names; nil: DNS may say.
    public var transport: Transport?
    /// Those that we have, the one to prefer first.
    public var supported: [Transport]

    public init(host: String, port: UInt16?, transport: Transport?, supported: [Transport]) {
        (self.host, self.port, self.transport, self.supported) = (host, port, transport, supported)
    }

    /// What goes where DNS says nothing (RFC 3263 §4.1: UDP for `sip:`).
    var usualTransport: Transport { transport ?? (supported.contains(.udp) ? .udp : supported.first ?? .udp) }

    /// Where it is when its host is an address; nil: DNS must be asked.
    public var known: ServerLocation? {
        guard let ip = IPAddress(host) else { return nil }
        return ServerLocation(
            servers: [Server(transport: usualTransport, port: port ?? usualTransport.defaultPort, addresses: [ip])]
        )
    }
}

/// A server of a service, with what its SRV record says of when to use it (RFC 2782).
public struct Server: Equatable, Sendable {
    public var transport: Transport
    public var priority: UInt16 = 0
    public var weight: UInt16 = 0
    public var port: UInt16
    public var addresses: [IPAddress]

    public init(
        transport: Transport,
        priority: UInt16 = 0,
        weight: UInt16 = 0,
        port: UInt16,
        addresses: [IPAddress]
    ) {
        (self.transport, self.priority, self.weight) = (transport, priority, weight)
        (self.port, self.addresses) = (port, addresses)
    }
}

/// One place to send a request to.
public struct ServerTarget: Hashable, Sendable, CustomStringConvertible {
    public var transport: Transport
    public var address: SocketAddress

    public init(transport: Transport, address: SocketAddress) { (self.transport, self.address) = (transport, address) }

    public init(_ flow: Flow) { (transport, address) = (flow.transport, flow.remote) }

    public var description: String { "\(transport.rawValue):\(address)" }
}

/// What DNS says of a host.
public struct ServerLocation: Equatable, Sendable {
    /// Empty: it has none, or nobody knows.
    public var servers: [Server]
    /// How long that holds.
    public var lasting: Duration
    /// Why there are no servers; nil where there are some.
    public var fault: String?
    /// DNS did not answer: what was known before may still be right.
    public var isUnanswered: Bool

    public init(
        servers: [Server],
        lasting: Duration = .seconds(3600),
        fault: String? = nil,
        isUnanswered: Bool = false
    ) {
        (self.servers, self.lasting) = (servers, lasting)
        (self.fault, self.isUnanswered) = (fault, isUnanswered)
    }

    /// Every address that any of its servers has.
    public var addresses: [IPAddress] { servers.flatMap(\.addresses) }

    /// It is one of the places that `targets` names.
    public func has(_ target: ServerTarget) -> Bool {
        servers.contains {
            $0.transport == target.transport && $0.port == target.address.port
                && $0.addresses.contains(target.address.ip)
        }
    }

    /// The order in which one request tries them: by priority, within one by lot according to the weights (RFC 2782), and
    /// all addresses of a server before the next.
    public func targets(using generator: inout some RandomNumberGenerator) -> [ServerTarget] {
        var targets: [ServerTarget] = []
        for priority in Set(servers.map(\.priority)).sorted() {
            var left = servers.filter { $0.priority == priority }
            while !left.isEmpty {
                let server = left.remove(at: Self.draw(from: left, using: &generator))
                for address in server.addresses {
                    let target = ServerTarget(
                        transport: server.transport,
                        address: SocketAddress(address, server.port)
                    )
                    if !targets.contains(target) { targets.append(target) }
                }
            }
        }
        return targets
    }

    /// RFC 2782, "Weight": a number from 0 to the sum of the weights, and the first whose running sum reaches it. Servers of
    /// weight 0 stand first, so that they have a small chance.
    private static func draw(from servers: [Server], using generator: inout some RandomNumberGenerator) -> Int {
        let order = servers.indices.sorted { (servers[$0].weight, $0) < (servers[$1].weight, $1) }
        var lot = Int.random(in: 0...servers.reduce(0) { $0 + Int($1.weight) }, using: &generator)
        for index in order {
            lot -= Int(servers[index].weight)
            if lot <= 0 { return index }
        }
        return servers.endIndex - 1
    }
}

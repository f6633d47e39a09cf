public import NetAddress
public import SIP

/// One address that signalling is taken on.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    public var transport: Transport
    public var address: SocketAddress

    public init(transport: Transport, address: SocketAddress) { (self.transport, self.address) = (transport, address) }

    public var description: String { "\(transport.rawValue)://\(address)" }

    /// Whether another service over TCP cannot listen there beside it.
    func excludes(_ other: SocketAddress) -> Bool {
        transport == .tcp && address.port != 0 && address.port == other.port
            && (address.ip == other.ip || address.ip.isUnspecified || other.ip.isUnspecified)
    }

    /// Whether the two cannot be listened on beside each other. `[::]` is for IPv6 alone.
    func excludes(_ other: ListenAddress) -> Bool {
        let (ours, theirs) = (address.ip, other.address.ip)
        return transport == other.transport && address.port != 0 && address.port == other.address.port
            && ours.isV6 == theirs.isV6 && (ours == theirs || ours.isUnspecified || theirs.isUnspecified)
    }
}

/// What one process listens on, where it keeps its data, and the limits of everything on it.
public struct NodeConfiguration: Equatable, Sendable {
    /// How sure a call's start is on disk before its final answer goes out.
    public enum Durability: String, CaseIterable, Sendable {
        /// Survives the process's death.
        case process
        /// Survives loss of power too, at the price of a sync.
        case power
    }

    public struct Timers: Equatable, Sendable {
        public var t1: Duration = .milliseconds(500)
        public var t2: Duration = .seconds(4)
        public var t4: Duration = .seconds(5)
    }

    public var name: String
    /// As written: relative to the node's file.
    public var data = "./data"
    public var tenantsPath = "./tenants"
    public var dialPlansPath = "./dialplans"
    /// Those of the folders above that the file names itself.
    public var folders: [FileReference] = []
    public var listen: [ListenAddress]
    /// TCP connections that peers may have open, all together and one address.
    public var connections = 10_000
    public var connectionsPerAddress = 500
    public var timers = Timers()
    /// Written into SDP, each for peers of its family.
    public var mediaAddresses: OwnAddresses
    public var mediaPorts: ClosedRange<UInt16>
    public var mediaThreads = 2
    /// Whom names are asked of; empty: the servers of the system.
    public var nameServers: [SocketAddress] = []
    /// In order of preference.
    public var codecs = ["opus", "G722", "PCMA", "PCMU"]
    public var httpListen: SocketAddress?
    /// Host names by which requests may ask for the switch, beside addresses, `localhost` and the machine's own.
    public var httpNames: [String] = []
    /// More authorities that https URLs are believed by, beside the system's: a file in PEM.
    public var certificates: FileReference?
    public var rtpTimeout: Duration? = .seconds(60)
    public var maximumDuration: Duration = .seconds(4 * 3600)
    public var maximumHold: Duration? = .seconds(30 * 60)
    /// RFC 4028, seconds; nil asks for no session timer.
    public var sessionExpires: Int? = 1800
    public var minimumSessionExpires = 90
    /// What of the file works and is hardly meant: a line each.
    public var warnings: [String] = []
    public var registrations = RegistrarLimits()
    public var subscriptions = SubscriptionLimits()
    public var durability: Durability = .process
    /// Traces are kept for this many days, and up to this many mebibytes a tenant.
    public var traceDays = 30
    public var traceMebibytes = 1024

    public init(name: String, listen: [ListenAddress], mediaAddresses: OwnAddresses, mediaPorts: ClosedRange<UInt16>) {
        (self.name, self.listen, self.mediaAddresses, self.mediaPorts) = (name, listen, mediaAddresses, mediaPorts)
    }

    /// What it listens on, UDP first: a carrier that offers both is asked by that.
    public var transports: [Transport] {
        Transport.allCases.filter { transport in listen.contains { $0.transport == transport } }
    }
}

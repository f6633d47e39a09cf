public import NetAddress

/// An address and port in the form that packets are compared in: IPv4 as an IPv4-mapped IPv6 address.
public struct WireAddress: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64
    public var port: UInt16

    @inlinable
    public init(high: UInt64, low: UInt64, port: UInt16) { (self.high, self.low, self.port) = (high, low, port) }

    public init(_ address: SocketAddress) {
        switch address.ip.unmapped {
        case .v4(let bits): self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(bits), port: address.port)
        case .v6(let high, let low): self.init(high: high, low: low, port: address.port)
        }
    }

    public var socketAddress: SocketAddress { SocketAddress(IPAddress.v6(high: high, low: low).unmapped, port) }

    @inlinable
    public func isSameHost(as other: WireAddress) -> Bool { high == other.high && low == other.low }

    /// Whether it is a port of the range at the same address as this one.
    @inlinable
    public func isNeighbour(_ other: WireAddress, in ports: ClosedRange<UInt16>) -> Bool {
        other.port >= ports.lowerBound && other.port <= ports.upperBound && isSameHost(as: other)
    }

    static let none = WireAddress(high: 0, low: 0, port: 0)
    var isNone: Bool { port == 0 }
}

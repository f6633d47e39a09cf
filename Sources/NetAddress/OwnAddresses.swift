/// Our addresses as peers are told them: one for all, or one of each family.
public struct OwnAddresses: Hashable, Sendable, CustomStringConvertible {
    /// The one that is written first: for peers of a family that has none.
    public let main: IPAddress
    /// That of the other family.
    public let other: IPAddress?

    public init(_ address: IPAddress) { (main, other) = (address, nil) }

    /// nil: both are of one family.
    public init?(_ main: IPAddress, _ other: IPAddress) {
        guard main.isV6 != other.isV6 else { return nil }
        (self.main, self.other) = (main, other)
    }

    public var all: [IPAddress] { [main] + (other.map { [$0] } ?? []) }

    /// The one that a peer of this family can reach; nil: there is none.
    public func ofFamily(isV6: Bool) -> IPAddress? { all.first { $0.isV6 == isV6 } }

    /// The one that this peer is told.
    public func facing(_ peer: IPAddress) -> IPAddress { ofFamily(isV6: peer.unmapped.isV6) ?? main }

    /// As the file of a node writes it.
    public var description: String { other == nil ? "\(main)" : "[\(all.map { "\($0)" }.joined(separator: ", "))]" }
}

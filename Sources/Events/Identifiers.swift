/// A tenant's name: the isolation boundary of the whole engine. Everything a tenant owns is found through one of these.
public struct TenantID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    public var name: String
    public init(_ name: String) { self.name = name }
    public init(stringLiteral name: String) { self.name = name }
    public static func < (lhs: TenantID, rhs: TenantID) -> Bool { lhs.name < rhs.name }
    public var description: String { name }
    public init(from decoder: any Decoder) throws { name = try decoder.singleValueContainer().decode(String.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// A user of a tenant, by extension.
public struct UserID: Hashable, Codable, Sendable, CustomStringConvertible {
    public var tenant: TenantID
    public var number: String
    public init(tenant: TenantID, number: String) { (self.tenant, self.number) = (tenant, number) }
    public var description: String { "\(number)@\(tenant)" }
}

/// A trunk of a tenant, by name.
public struct TrunkID: Hashable, Codable, Sendable, CustomStringConvertible {
    public var tenant: TenantID
    public var name: String
    public init(tenant: TenantID, name: String) { (self.tenant, self.name) = (tenant, name) }
    public var description: String { "\(name)@\(tenant)" }
}

/// A queue of a tenant, by name.
public struct QueueID: Hashable, Codable, Sendable, CustomStringConvertible {
    public var tenant: TenantID
    public var name: String
    public init(tenant: TenantID, name: String) { (self.tenant, self.name) = (tenant, name) }
    public var description: String { "\(name)@\(tenant)" }
}

/// A call's id: 26 characters, sortable by the time it began, unique across nodes.
public struct CallID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    public var value: String
    public init(_ value: String) { self.value = value }
    public init(stringLiteral value: String) { self.value = value }
    public static func < (lhs: CallID, rhs: CallID) -> Bool { lhs.value < rhs.value }
    /// Of the ids that a switch gives the last eight octets are random, and nobody else gives any: a table needs no more of them, and each
    /// message looks into several. Those of simulations end in numbers that differ.
    public func hash(into hasher: inout Hasher) {
        let length = value.utf8.count
        let tail = value.utf8.withContiguousStorageIfAvailable { octets in
            octets.suffix(8).reduce(UInt64(length)) { $0 << 8 ^ UInt64($1) }
        }
        hasher.combine(tail ?? UInt64(length))
    }
    public var description: String { value }
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(String.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// One leg of a call: the caller is leg 0, each attempt to reach somebody takes the next number.
public struct LegID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public var call: CallID
    public var index: Int
    public init(call: CallID, index: Int) { (self.call, self.index) = (call, index) }
    public static func < (lhs: LegID, rhs: LegID) -> Bool { (lhs.call, lhs.index) < (rhs.call, rhs.index) }
    public var description: String { "\(call)/\(index)" }
}

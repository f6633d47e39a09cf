public import Events

/// Everything that the switch is told: about its node, and about each tenant.
public struct Configuration: Equatable, Sendable {
    public var node: NodeConfiguration
    public var tenants: [TenantID: Tenant]

    public init(node: NodeConfiguration, tenants: [TenantID: Tenant] = [:]) {
        (self.node, self.tenants) = (node, tenants)
    }
}

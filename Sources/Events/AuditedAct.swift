/// What somebody did to the switch, or was refused, as the audit log keeps it. Nothing secret goes in: no password, PIN or hash.
public struct AuditedAct: Codable, Equatable, Sendable {
    /// The way it came, which is also how far the name can be trusted.
    public enum Channel: String, Codable, Sendable, CaseIterable {
        /// A command that worked on the data folder itself.
        case commandLine = "command-line"
        case controlSocket = "control-socket"
        case http
        /// A user's phone; the user was authenticated.
        case sip
        case signal
        /// The switch by itself.
        case `switch`
    }

    public enum Outcome: String, Codable, Sendable, CaseIterable { case done, refused, failed }

    public struct Actor: Codable, Equatable, Sendable {
        public var channel: Channel
        /// The user of the operating system, the peer's address, the extension.
        public var name: String

        public init(_ channel: Channel, _ name: String) { (self.channel, self.name) = (channel, name) }
    }

    public var actor: Actor
    public var tenant: TenantID?
    /// Stable: `agent.login`, `apply`, `supervise.listen`.
    public var action: String
    /// What it was done to: `agent 1001`, `call …`, `recording …`.
    public var object: String
    public var outcome: Outcome
    public var before: String?
    public var after: String?
    /// Why it was refused, or what else is worth knowing.
    public var detail: String?

    public init(
        by actor: Actor,
        _ action: String,
        _ object: String,
        tenant: TenantID? = nil,
        outcome: Outcome = .done,
        before: String? = nil,
        after: String? = nil,
        detail: String? = nil
    ) {
        (self.actor, self.action, self.object, self.tenant) = (actor, action, object, tenant)
        (self.outcome, self.before, self.after, self.detail) = (outcome, before, after, detail)
    }
}

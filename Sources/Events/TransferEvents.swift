/// How a party is handed on (RFC 5589).
public enum TransferKind: String, Codable, Sendable, CaseIterable {
    /// To a number.
    case blind
    /// To somebody who was spoken with before.
    case attended
    /// To somebody whose phone rings already.
    case semiAttended = "semi-attended"
}

public struct TransferStarted: Codable, Equatable, Sendable {
    /// The leg of whoever gives the other party away.
    public var leg: Int
    /// The leg that is handed on.
    public var party: Int
    public var kind: TransferKind
    /// A number.
    public var target: String
    /// Who wants it: `user 1001`, `trunk carrier`, or who used the control interface.
    public var by: String
    /// The call that this one is joined with.
    public var otherCall: CallID?

    public init(leg: Int, party: Int, kind: TransferKind, target: String, by: String, otherCall: CallID? = nil) {
        (self.leg, self.party, self.kind) = (leg, party, kind)
        (self.target, self.by, self.otherCall) = (target, by, otherCall)
    }
}

public struct TransferEnded: Codable, Equatable, Sendable {
    public var leg: Int
    public var target: String
    /// False: the party goes back to whoever gave it away.
    public var isDone: Bool
    /// 200, or why nobody took it.
    public var sipCode: Int

    public init(leg: Int, target: String, isDone: Bool, sipCode: Int) {
        (self.leg, self.target, self.isDone, self.sipCode) = (leg, target, isDone, sipCode)
    }
}

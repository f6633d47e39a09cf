public import Events

/// One attempt to reach somebody, or the caller's own leg (number 0).
public struct LegRecord: Codable, Equatable, Sendable {
    public var legID: String
    /// `caller`, `user 1002`, `trunk carrier +7495…`.
    public var target: String
    public var user: String?
    public var trunk: String?
    /// For whose caller it rang.
    public var queue: String?
    /// The `leg_id` of whoever sent the other party here.
    public var transferredBy: String?
    public var address: String
    public var startedAt: String
    public var answeredAt: String?
    public var endedAt: String?
    public var sipCode: Int?
    public var result: LegResult?
    public var reason: String?
    public var codec: String?
    /// nil: nothing was sent.
    public var sipCallID: String?
    /// What its media was like; nil when it never had a port.
    public var media: MediaReport?

    public init(legID: String, target: String, address: String, startedAt: String, sipCallID: String?) {
        (self.legID, self.target, self.address) = (legID, target, address)
        (self.startedAt, self.sipCallID) = (startedAt, sipCallID)
    }

    public enum CodingKeys: String, CodingKey, Sendable {
        case legID = "leg_id"
        case target, user, trunk, queue, address
        case transferredBy = "transferred_by"
        case startedAt = "started_at"
        case answeredAt = "answered_at"
        case endedAt = "ended_at"
        case sipCode = "sip_code"
        case result, reason, codec
        case sipCallID = "sip_call_id"
        case media
    }

    /// The `target` of whoever began the call.
    public static let caller = "caller"

    /// Every key is written, the empty ones as null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(legID, forKey: .legID)
        try keys.encode(target, forKey: .target)
        try keys.encode(user, forKey: .user)
        try keys.encode(trunk, forKey: .trunk)
        try keys.encode(queue, forKey: .queue)
        try keys.encode(transferredBy, forKey: .transferredBy)
        try keys.encode(address, forKey: .address)
        try keys.encode(startedAt, forKey: .startedAt)
        try keys.encode(answeredAt, forKey: .answeredAt)
        try keys.encode(endedAt, forKey: .endedAt)
        try keys.encode(sipCode, forKey: .sipCode)
        try keys.encode(result, forKey: .result)
        try keys.encode(reason, forKey: .reason)
        try keys.encode(codec, forKey: .codec)
        try keys.encode(sipCallID, forKey: .sipCallID)
        try keys.encode(media, forKey: .media)
    }
}

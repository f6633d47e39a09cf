public import Events

/// A call as it is accounted for: one row a call, with its legs. The keys are the outward contract.
///
/// Times are RFC 3339 in UTC with milliseconds, durations seconds with milliseconds.
public struct CallRecord: Codable, Equatable, Sendable {
    /// Ringings for a queue that nobody answered: older ones are not kept with the call.
    public static let mostVainOffers = 200
    /// Variables beyond these are not recorded.
    public static let mostVariables = 64

    public var callID: String
    public var tenant: String
    public var direction: CallDirection
    public var from: String
    public var fromName: String?
    /// As dialled.
    public var to: String
    public var trunk: String?
    public var user: String?
    public var queue: String?
    public var agent: String?
    public var startedAt: String
    public var ringingAt: String?
    public var answeredAt: String?
    public var endedAt: String?
    /// From the start to the first ringing, or to the answer.
    public var setup: Double?
    /// From the first ringing to the answer, or to the end.
    public var ring: Double?
    /// In all the queues that the call was in.
    public var queueWait: Double?
    /// From the answer to the end, holds included.
    public var talk: Double?
    /// The part of it in which one side held the other.
    public var hold: Double?
    public var duration: Double?
    public var disposition: Disposition?
    public var hangupBy: Party?
    public var sipCode: Int?
    public var q850Cause: Int?
    public var reason: String?
    public var codecA: String?
    public var codecB: String?
    public var mosA: Double?
    public var mosB: Double?
    public var packetsLostA: UInt64?
    public var packetsLostB: UInt64?
    public var jitterA: Double?
    public var jitterB: Double?
    /// The first one's id.
    public var recording: String?
    /// Why an answered call has none.
    public var notRecorded: NotRecorded?
    public var legs: [LegRecord]
    public var sipCallIDs: [String]
    /// What the dial plan gave to variables of its own.
    public var variables: [String: String] = [:]

    public init(callID: String, tenant: String, direction: CallDirection, from: String, to: String, startedAt: String) {
        (self.callID, self.tenant, self.direction) = (callID, tenant, direction)
        (self.from, self.to, self.startedAt) = (from, to, startedAt)
        (legs, sipCallIDs) = ([], [])
    }

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case callID = "call_id"
        case tenant, direction, from
        case fromName = "from_name"
        case to, trunk, user, queue, agent
        case startedAt = "started_at"
        case ringingAt = "ringing_at"
        case answeredAt = "answered_at"
        case endedAt = "ended_at"
        case setup = "setup_s"
        case ring = "ring_s"
        case queueWait = "queue_wait_s"
        case talk = "talk_s"
        case hold = "hold_s"
        case duration = "duration_s"
        case disposition
        case hangupBy = "hangup_by"
        case sipCode = "sip_code"
        case q850Cause = "q850_cause"
        case reason
        case codecA = "codec_a"
        case codecB = "codec_b"
        case mosA = "mos_a"
        case mosB = "mos_b"
        case packetsLostA = "packets_lost_a"
        case packetsLostB = "packets_lost_b"
        case jitterA = "jitter_ms_a"
        case jitterB = "jitter_ms_b"
        case recording, legs
        case sipCallIDs = "sip_call_ids"
        case variables
        case notRecorded = "not_recorded"
    }

    /// Every key is written, the empty ones as null: a reader finds each where the contract says.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(callID, forKey: .callID)
        try keys.encode(tenant, forKey: .tenant)
        try keys.encode(direction, forKey: .direction)
        try keys.encode(from, forKey: .from)
        try keys.encode(fromName, forKey: .fromName)
        try keys.encode(to, forKey: .to)
        try keys.encode(trunk, forKey: .trunk)
        try keys.encode(user, forKey: .user)
        try keys.encode(queue, forKey: .queue)
        try keys.encode(agent, forKey: .agent)
        try keys.encode(startedAt, forKey: .startedAt)
        try keys.encode(ringingAt, forKey: .ringingAt)
        try keys.encode(answeredAt, forKey: .answeredAt)
        try keys.encode(endedAt, forKey: .endedAt)
        try keys.encode(setup, forKey: .setup)
        try keys.encode(ring, forKey: .ring)
        try keys.encode(queueWait, forKey: .queueWait)
        try keys.encode(talk, forKey: .talk)
        try keys.encode(hold, forKey: .hold)
        try keys.encode(duration, forKey: .duration)
        try keys.encode(disposition, forKey: .disposition)
        try keys.encode(hangupBy, forKey: .hangupBy)
        try keys.encode(sipCode, forKey: .sipCode)
        try keys.encode(q850Cause, forKey: .q850Cause)
        try keys.encode(reason, forKey: .reason)
        try keys.encode(codecA, forKey: .codecA)
        try keys.encode(codecB, forKey: .codecB)
        try keys.encode(mosA, forKey: .mosA)
        try keys.encode(mosB, forKey: .mosB)
        try keys.encode(packetsLostA, forKey: .packetsLostA)
        try keys.encode(packetsLostB, forKey: .packetsLostB)
        try keys.encode(jitterA, forKey: .jitterA)
        try keys.encode(jitterB, forKey: .jitterB)
        try keys.encode(recording, forKey: .recording)
        try keys.encode(legs, forKey: .legs)
        try keys.encode(sipCallIDs, forKey: .sipCallIDs)
        try keys.encode(variables, forKey: .variables)
        try keys.encode(notRecorded, forKey: .notRecorded)
    }
}

public import Timebase

/// Where a call comes from and goes to, seen from the tenant.
public enum CallDirection: String, Codable, Sendable, CaseIterable { case inbound, outbound, `internal` }

/// How a call ended, for people who count calls.
public enum Disposition: String, Codable, Sendable, CaseIterable {
    case answered, noAnswer = "no-answer", busy, failed, cancelled, abandoned, rejected, blocked

    /// What came after the answer was a talk: what the switch itself says to a caller whom nobody takes is none, nor is what a callee says
    /// to a caller who was never there.
    public var isTalk: Bool { self == .answered }
}

/// Who ended a call.
public enum Party: String, Codable, Sendable, CaseIterable {
    case caller, callee, `switch`

    /// Whoever speaks with him.
    public var opposite: Party { self == .caller ? .callee : .caller }
}

/// How one attempt to reach somebody ended.
public enum LegResult: String, Codable, Sendable, CaseIterable {
    case answered, noAnswer = "no-answer", busy, declined, unavailable, failed, cancelled
    case answeredElsewhere = "answered-elsewhere", redirected
    /// Its place was taken by somebody else: it gave the call away, or goes on in another call.
    case transferred
}

/// What happened, told once. Every subscriber (CDR, trace, log, live state, statistics) lives on these; the core knows none of them by name.
///
/// Codable and versioned by `EventEnvelope.version`: a case or a key may be added, none renamed or reused.
public enum Event: Codable, Equatable, Sendable {
    case callStarted(CallStarted)
    /// The dial plan chose a route; `line` is the rule's line in its file.
    case routed(dialplan: String, match: String, line: Int)
    /// The dial plan took a step, in the plan's own words (`dial user 1002`).
    case step(String)
    /// The caller's leg got its first 180 or 183.
    case callRinging
    /// The caller's leg was answered (2xx sent).
    case callAnswered
    /// One side put the other on hold, or took it back.
    case callHeld(leg: Int)
    case callResumed(leg: Int)
    case callEnded(CallEnded)
    /// One party is sent to somebody else.
    case transferStarted(TransferStarted)
    /// He took it, or it goes back to whom it came from.
    case transferEnded(TransferEnded)

    case legStarted(LegStarted)
    /// Whoever responds to an attempt, be it with a refusal, is not where that went first: a list of servers was followed, or
    /// its name.
    case legReached(leg: Int, address: String)
    case legProvisional(leg: Int, status: Int, earlyMedia: Bool)
    case legAnswered(leg: Int, codec: String?)
    /// It speaks another codec from now on.
    case legCodec(leg: Int, codec: String?)
    case legEnded(LegEnded)
    /// A leg's media, reported when its port closes.
    case legMedia(leg: Int, MediaReport)
    /// A key, once a key; `source` is `rfc4733`, `inband` (tones) or `info`.
    case digit(leg: Int, String, source: String)
    /// Something a supervisor should read in the call's story: a decision, a race, a fault of the peer.
    case note(String)
    /// A SIP message of this call as it went over the wire, secrets masked by the trace's writer.
    case sip(SIPMessageSeen)

    case queueEntered(QueueEntered)
    case queueOffered(queue: String, agent: String)
    case queueOfferEnded(QueueOfferEnded)
    /// The caller's wait is over, one way or the other.
    case queueLeft(QueueLeft)
    /// The agent of a queue goes on in this call with the party that was handed on to him.
    case queueTalkMoved(QueueTalkMoved)
    /// The talk with the agent of a queue is over.
    case queueTalkEnded(queue: String, agent: String)
    /// A caller wants to be called back, or something became of it.
    case callbackChanged(CallbackChanged)
    case agentChanged(AgentChanged)
    /// A queue leaves an agent out, or asks him again, while he serves his others.
    case queuePauseChanged(QueuePauseChanged)
    /// Somebody pauses longer than he may.
    case pauseExceeded(PauseExceeded)
    /// The plan gave a value to a variable of its own.
    case variable(name: String, value: String)
    /// A prompt began.
    case prompt(String)
    case recordingStarted(RecordingStarted)
    case recordingPaused(id: String)
    case recordingResumed(id: String)
    /// Another user of ours speaks in it from now on: he has taken the talk over, or barges in.
    case recordingJoined(id: String, agent: String)
    case recordingEnded(RecordingEnded)
    /// Two parties talk, and nothing of it is kept.
    case notRecorded(NotRecorded)

    case registered(RegistrationChanged)
    case unregistered(RegistrationChanged)
    case registrationExpired(RegistrationChanged)
    case trunkUp(name: String)
    case trunkDown(name: String, reason: String)
    /// We are registered with the carrier.
    case trunkRegistered(name: String)
    /// We should be, and are not.
    case trunkUnregistered(name: String, reason: String)
    case configurationApplied(changes: [String])
    /// Somebody did, or was refused, what the audit log keeps.
    case audited(AuditedAct)
}

public struct CallStarted: Codable, Equatable, Sendable {
    public var direction: CallDirection
    public var from: String
    public var fromName: String?
    /// As dialled.
    public var to: String
    public var trunk: String?
    public var user: String?
    public var source: String
    public var sipCallID: String

    public init(
        direction: CallDirection,
        from: String,
        fromName: String?,
        to: String,
        trunk: String?,
        user: String?,
        source: String,
        sipCallID: String
    ) {
        (self.direction, self.from, self.fromName, self.to) = (direction, from, fromName, to)
        (self.trunk, self.user, self.source, self.sipCallID) = (trunk, user, source, sipCallID)
    }
}

public struct CallEnded: Codable, Equatable, Sendable {
    public var disposition: Disposition
    public var hangupBy: Party
    /// The final status sent to (or received from) the caller's side; 200 for an answered call.
    public var sipCode: Int
    /// ITU-T Q.850.
    public var q850Cause: Int
    /// In words, stable: `normal`, `rtp-timeout`, `max-duration`, `engine-restart`, `no-answer`, …
    public var reason: String

    public init(disposition: Disposition, hangupBy: Party, sipCode: Int, q850Cause: Int, reason: String) {
        (self.disposition, self.hangupBy, self.sipCode) = (disposition, hangupBy, sipCode)
        (self.q850Cause, self.reason) = (q850Cause, reason)
    }
}

public struct LegStarted: Codable, Equatable, Sendable {
    public var leg: Int
    /// `caller`, or what we try to reach: `user 1002`, `trunk carrier +7495…`, with the address it went to.
    public var target: String
    public var user: String?
    public var trunk: String?
    public var address: String
    /// nil: nothing was sent.
    public var sipCallID: String?
    /// The leg that gives the other party away to this one.
    public var transferredBy: Int?
    /// true: by this leg, over a trunk, the call of a user is an outbound one.
    public var leadsOut: Bool?

    public init(
        leg: Int,
        target: String,
        user: String?,
        trunk: String?,
        address: String,
        sipCallID: String?,
        transferredBy: Int? = nil,
        leadsOut: Bool? = nil
    ) {
        (self.leg, self.target, self.user, self.trunk) = (leg, target, user, trunk)
        (self.address, self.sipCallID, self.transferredBy) = (address, sipCallID, transferredBy)
        self.leadsOut = leadsOut
    }
}

public struct LegEnded: Codable, Equatable, Sendable {
    public var leg: Int
    public var result: LegResult
    public var sipCode: Int?
    public var reason: String

    public init(leg: Int, result: LegResult, sipCode: Int?, reason: String) {
        (self.leg, self.result, self.sipCode, self.reason) = (leg, result, sipCode, reason)
    }
}

public struct RegistrationChanged: Codable, Equatable, Sendable {
    public var user: String
    public var contact: String
    public var transport: String
    public var source: String
    public var userAgent: String?
    public var expiresAt: WallTime?
    /// Why it ended (`expired`, `connection-lost`, `unregistered`, `replaced`); nil while it lives.
    public var reason: String?

    public init(
        user: String,
        contact: String,
        transport: String,
        source: String,
        userAgent: String?,
        expiresAt: WallTime?,
        reason: String? = nil
    ) {
        (self.user, self.contact, self.transport, self.source) = (user, contact, transport, source)
        (self.userAgent, self.expiresAt, self.reason) = (userAgent, expiresAt, reason)
    }
}

/// One SIP message of a call. `bytes` are the wire's own; whoever writes them down masks secrets first.
public struct SIPMessageSeen: Codable, Equatable, Sendable {
    public var leg: Int
    public var isIncoming: Bool
    public var transport: String
    public var local: String
    public var remote: String
    public var bytes: [UInt8]

    public init(leg: Int, isIncoming: Bool, transport: String, local: String, remote: String, bytes: [UInt8]) {
        (self.leg, self.isIncoming, self.transport) = (leg, isIncoming, transport)
        (self.local, self.remote, self.bytes) = (local, remote, bytes)
    }
}

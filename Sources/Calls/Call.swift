import ACD
import Config
import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

/// What joins legs: one caller, the dial plan's run, and whoever is reached.
///
/// Belongs to the core's loop. Everything it does is a reaction to a notice of a leg's session, an event of the media plane,
/// a timer, or a word of the administrator.
final class Call {
    let id: CallID
    unowned let core: CallCore
    let tenant: Tenant
    /// What the rule that it takes may make of a user's call: what its plan and its start tell.
    let expectedDirection: CallDirection
    /// Of a user's call: outbound as soon as it reaches for whom he calls over a trunk.
    var direction: CallDirection
    let from: String
    let fromName: String?
    /// Only who is trusted may know who calls.
    let isPrivate: Bool
    /// Somebody vouches for `from`.
    let isAsserted: Bool
    let to: String
    let trunk: TrunkID?
    let user: String?
    let started: Moment
    /// What the caller's Max-Forwards leaves for the legs we make (loops end).
    let maxForwards: Int
    /// By which numbers the call had come when it came to us.
    var history = DiversionHistory()
    var plan: PlanRun
    var legs: [Leg] = []
    /// The leg that the plan serves: the caller's, until he hands the other party on and is gone.
    var anchor = 0
    /// A party on its way from one who spoke with it to somebody else.
    var transfer: Transfer?
    /// One that just came to nothing, and until when whoever wanted it, and no word of it, may hang up for that.
    var unheard: (transfer: Transfer, until: Instant)?
    /// The last is the one under way.
    var detours: [Detour] = []
    /// The user whom the plan rang last and who did not take the call, and what was heard of him.
    var missed: (number: String, status: Int, reason: String)?
    /// So many 3xx were followed since the plan last wanted somebody rung.
    var redirects = 0
    /// The administrator sends the caller to a number: while the plan finds out what that is.
    var sending: String?
    var stage: Stage = .deciding
    var isRecorded = false
    var heldAnswer: HeldAnswer?
    var relayed: Relayed?
    /// Offers of our own under way, by the leg that they are for.
    var reoffers: [Int: Reoffer] = [:]
    /// Legs that are asked to change over to what can be mixed.
    var changing: Set<Int> = []
    /// A late offer under way: the callee's offer that the caller's ACK answers.
    var lateOffer: (leg: Int, offer: SessionDescription)?
    var callerIsAnswered = false
    var isRinging = false
    var stageChanged: Moment
    /// The last attempt's answer: what a caller is told when the plan only passes it on.
    var lastRejection: Rejection?
    /// What the plan wants as soon as the caller is connected.
    var upcoming: Instruction?
    /// Waited in queues since an agent last had him: the next one takes it along.
    var waitedInQueues: Duration = .zero
    /// Asked for somebody, by a queue or a call-back, and is still without: neither an agent has him, nor did a key lead him elsewhere.
    var isUnserved = false
    /// Two parties have heard each other in this call.
    var hasSpoken = false
    /// The switch began this call, its caller is there, and whom it was to reach is not yet: the answer is his.
    var awaitsCallee = false
    /// How he came into the last queue.
    var queueRequest: QueueRequest?
    /// Where he stood in the last queue.
    var place: Dispatcher.Place?
    /// The queue whose agent had a party of this call, or which a command took it out of.
    var wayBack: WayBack?
    /// Where he stands in the queue that he is on his way back to.
    var keptPlace: Dispatcher.Place?
    /// When the plan's last instruction was begun.
    var lastStep: Instant?
    /// When the plan led the caller into each queue last.
    var entries: [String: Instant] = [:]
    /// The wish that this call is an attempt to fulfil, until whoever is called back has answered.
    var callback: String?
    /// Who came from another call, by the leg that he has here.
    var guests: [Int: CallParty] = [:]
    /// The queue whose agent speaks with the caller, and who that is.
    var served: Service?
    /// The same of an agent who was asked first, in a call of another queue, and is to have the party of this one.
    var servedNext: Service?
    var recording: CallRecording?
    var recordings = 0
    /// What is said is not recorded until somebody resumes: of this talk, and of those that follow it.
    var isRecordingPaused = false
    /// Why the talk is to be recorded, when it is.
    var isToBeRecorded: RecordingPolicy?
    /// The plan said `record: false` last: nothing that is configured records this call.
    var isRecordingDeclined = false
    /// Supervisors in this call's talk, or on their way into it.
    var attendants: [Attendant] = []
    /// The call whose talk the caller is in, or is to be let into when he answers.
    var supervisedCall: CallID?
    /// What is done upon the answer in the place of the plan's rules.
    var opening: Instruction?
    /// Keys that were pressed before anybody asked: whoever knows the menu need not wait for it.
    var typedAhead: [TypedKey] = []
    /// The last question ended by as many digits as there may be, then; this key would have ended it too.
    var filled: (terminator: String, at: Instant)?
    /// Names what is being said: an end that was overtaken is known by its number.
    var sayings: UInt64 = 0
    /// The record's end was published.
    var isClosed = false
    /// Set when another leg was originated first and this call's plan starts upon its answer.
    var startsUponAnswer = false

    init(
        id: CallID,
        core: CallCore,
        identity: CallerIdentity,
        to: String,
        maxForwards: Int,
        at moment: Moment
    ) {
        self.id = id
        self.core = core
        tenant = identity.tenant
        expectedDirection = identity.direction
        direction = identity.direction == .inbound ? .inbound : .internal
        from = identity.number
        fromName = identity.name
        (isPrivate, isAsserted) = (identity.isPrivate, identity.isAsserted)
        self.to = to
        trunk = identity.trunk
        user = identity.user
        started = moment
        stageChanged = moment
        self.maxForwards = maxForwards
        var variables = ["called": to, "caller": identity.number, "tenant": identity.tenant.id.name]
        variables["caller_name"] = identity.name ?? ""
        variables["trunk"] = identity.trunk?.name ?? ""
        variables["direction"] = identity.direction.rawValue
        plan = PlanRun(plan: identity.plan, variables: variables)
    }

    var now: Moment { core.now }
    var isEnding: Bool { if case .ending = stage { true } else { false } }

    /// Performs a session's mutation and everything that follows from it.
    func act(on index: Int, _ body: (inout Session, Instant) -> [Session.Action]) {
        guard legs.indices.contains(index) else { return }
        let actions = body(&legs[index].session, now.instant)
        core.perform(actions, leg: legs[index].id, call: self)
    }

    func publish(_ event: Event, at moment: Moment? = nil) {
        core.bus.publish(event, tenant: tenant.id, call: id, at: moment ?? now)
    }

    func enter(_ next: Stage) {
        stage = next
        stageChanged = now
        switch next {
        case .deciding, .dialing, .consulting: break
        // Somebody has the caller, or the switch itself: what he was sent away from does not come back.
        default: detours = []
        }
        guard !typedAhead.isEmpty else { return }
        switch next {
        case .deciding, .telling, .asking, .consulting, .answering: break
        default: forgetTypedAhead()
        }
    }

    /// Answers the caller ourselves, with a codec that the switch speaks.
    func answerLocally() {
        enter(.answering)
        guard openCallerPort() != nil else {
            return end(.failed, by: .switch, cause: .congestion, reason: "no-media-port")
        }
        let told = legs[0].described.local
        guard let description = describeLocally() else {
            return end(.failed, by: .switch, cause: HangupCause(status: 488), reason: "no-common-codec")
        }
        answerCaller(keep(told, insteadOf: description) { codec(of: 0).map(Self.spokenCodecs.contains) ?? false })
    }

    /// Sends the caller's 200 as soon as the call's start is on disk.
    func answerCaller(_ description: SessionDescription) {
        // Before the answer goes out: the caller may speak as soon as it has it.
        configureMedia(0)
        guard isRecorded else {
            heldAnswer = .accept(description.write())
            return
        }
        acceptCaller(description.write())
    }

    private func acceptCaller(_ body: [UInt8]?) { act(on: 0) { $0.accept(sdp: body, now: $1) } }

    /// The caller's 200 is on its way.
    func accepted() {
        callerIsAnswered = true
        legs[0].progress = .answered
        tellAnswer(0)
        publish(.callAnswered)
        core.timers.start(.call(id, .maximumDuration), at: now.instant + core.settings.maximumDuration)
        configureMedia(0)
        // A late offer is answered in the ACK; until then there is nothing to go on with.
        if legs[0].described.remote != nil { callerConnected() }
    }

    /// The caller is answered and its media known: the plan goes on, or the answered callee is connected.
    func callerConnected() {
        switch stage {
        case .answering:
            let next = upcoming
            upcoming = nil
            noteSilentCaller()
            carryOut(next ?? .answer)
        case .deciding, .dialing, .echoing, .talking, .sounding, .ending, .telling, .asking, .queued, .introducing,
            .consulting, .supervising, .parked:
            break
        }
    }

    /// The call's start is on disk (or has waited long enough).
    func recorded() {
        guard !isRecorded else { return }
        isRecorded = true
        core.timers.stop(.call(id, .recordGrace))
        guard let held = heldAnswer else { return }
        heldAnswer = nil
        switch held {
        case .accept(let body): acceptCaller(body)
        case .reject(let status, let headers): act(on: 0) { $0.reject(status, headers: headers, now: $1) }
        }
    }

    func fired(_ timer: CallTimer) {
        switch timer {
        case .recordGrace:
            guard !isRecorded else { return }
            core.log(.error, "the call's start is not on disk yet: answering without", call: id)
            publish(.note("answered before the record was on disk: the disk is slow or full"))
            recorded()
        case .dialTimeout: dialTimedOut()
        case .invitationExpires:
            guard !callerIsAnswered else { return }
            end(.cancelled, by: .caller, cause: HangupCause(status: 487), reason: "invitation-expired")
        case .maximumDuration:
            publish(.note("up for \(core.settings.maximumDuration.inWords), the longest call (calls.max_duration)"))
            end(.answered, by: .switch, cause: .normal, reason: "max-duration")
        case .toneEnds:
            guard case .sounding(let cause) = stage else { return }
            end(standing, by: .switch, cause: cause, reason: cause.name)
        case .linger: close()
        case .nextKey: keysAreOver()
        case .message(let index): periodicMessage(index)
        case .announcement: announcementEnded()
        case .signOfLife(let agent): ringsNowhere(at: agent)
        case .informedKeys(let index): passInformedKeys(of: index)
        case .holdEnds: heldTooLong()
        case .parkEnds: parkedTooLong()
        case .calledBack: calledBack()
        case .reoffer(let index): reofferAgain(index)
        }
    }
}

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
    enum Stage {
        /// The plan decides; nothing is awaited.
        case deciding
        /// The caller's answer waits for its record to be on disk, or for the ACK of a late offer.
        case answering
        case dialing(Dial)
        case echoing
        /// Prompts are played, and the plan goes on when they are over.
        case telling
        /// Keys are taken down.
        case asking(Asking)
        /// Waits for an agent.
        case queued(QueueStay)
        /// An agent answered, and is told whose call it is before he is connected.
        case introducing(Int)
        /// Somebody outside is asked what to do next.
        case consulting
        /// Connected to the leg with this index.
        case talking(Int)
        /// The caller is in somebody else's talk (`supervisedCall`).
        case supervising
        /// Waits in a slot for somebody to dial it.
        case parked(Parking)
        /// The caller, connected already, hears why the call failed.
        case sounding(HangupCause)
        case ending(CallEnded, at: Moment)
    }

    /// One `dial` step under way.
    struct Dial {
        var request: DialRequest
        var attempts: [Int] = []
        /// The best of what came back so far (RFC 3261 §16.7 step 6).
        var best: (outcome: DialOutcome, rejection: Rejection)?
        /// Of each 3xx that is being followed.
        var searches: [Search] = []
        /// The plans that 3xx led into: they go on when this dial has reached nobody.
        var onward: [Onward] = []
        /// How long it may ring after the first sign of life was waited for; nil: no other would be tried.
        var rest: Duration?
        /// Whose early media the caller hears.
        var early: Int?
        var announced: Set<Int> = []
    }

    /// Where a 3xx led to: those of the highest `q` are rung, the others when these are over.
    struct Search {
        var ringing: [Int] = []
        var later: [[Redirect]]
    }

    /// One way that a 3xx leads, and what is told there of how the call came.
    struct Redirect {
        var request: DialRequest
        /// nil: found when its turn comes, as a place of a trunk is taken with it.
        var routes: [TargetRoute]?
        var history: DiversionHistory
    }

    /// The dial plan that a user's 3xx leads into, as if that user had dialled the number.
    struct Onward {
        var run: PlanRun
        /// What the plan wants first; nil: to ring somebody, who is rung by the dial that the 3xx came to.
        var first: Instruction?
        /// How the call came there.
        var history: DiversionHistory
    }

    /// Plans that 3xx led into have the call, while nobody has taken it.
    struct Detour {
        /// Whose dial was sent elsewhere, and how the call had come there: it goes on when nobody is reached.
        let plan: PlanRun
        let history: DiversionHistory
        var later: [Onward]
    }

    /// Keys that are being taken down.
    struct Asking {
        var ask: Ask
        var keys = ""
        var isPlaying = true
    }

    /// One stay in a queue.
    struct QueueStay {
        var queue: QueueID
        var entered: Moment
        /// The legs that ring for each agent.
        var ringing: [UserID: [Int]] = [:]
        /// How often each agent's phones sent the call elsewhere (3xx) since they were last rung.
        var redirects: [UserID: Int] = [:]
        /// What is said in the place of the music lasts so long.
        var announcementEnds: Instant?
        /// What is said after it.
        var announcements: [(subject: Subject, clips: [PromptClip])] = []

        enum Subject {
            case place(Int, expectedWait: Duration?)
            case message(String)

            /// The newer of two says all.
            func isLike(_ other: Subject) -> Bool {
                switch (self, other) {
                case (.place, .place): true
                case (.message(let one), .message(let two)): one == two
                case (.place, .message), (.message, .place): false
                }
            }
        }
    }

    /// How a caller stood when an agent answered: what he goes back to when that one is gone before they have spoken.
    struct QueueAnswer {
        let leg: Int
        /// When the two were brought together: after a whisper, later than the answer.
        var connected: Instant
        /// The stay that the answer ended.
        let entered: Moment
        /// In queues before that one.
        let waitedBefore: Duration
        let hadSpoken: Bool
    }

    /// A final answer to the caller that waits until the call's start is on disk.
    enum HeldAnswer {
        case accept([UInt8]?)
        case reject(Int, [(HeaderName, String)])
    }

    /// New media that one leg asks for and the other is asked about (RFC 3264 §8 through a B2BUA).
    struct Relayed {
        var from: Int
        var to: Int
        /// nil: an offer was asked for.
        var offer: SessionDescription?
        /// The offer as the other leg was given it.
        var relayedOffer: SessionDescription?
        /// What we described to whoever asked for an offer, until that is answered.
        var earlierLocal: SessionDescription?
    }

    let id: CallID
    unowned let core: CallCore
    let tenant: Tenant
    let direction: CallDirection
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
    /// The last is the one under way.
    var detours: [Detour] = []
    /// The user whom the plan rang last and who did not take the call, and what was heard of him.
    var missed: (number: String, status: Int, reason: String)?
    /// So many 3xx were followed since the plan last wanted somebody rung.
    var redirects = 0
    /// The administrator sends the caller to a number: while the plan finds out what that is.
    var sending: Sending?
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
    /// Waited in queues so far: the next one takes it along.
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
    /// Where he stands in the queue that he is on his way back to.
    var keptPlace: Dispatcher.Place?
    /// How many instructions of the plan were carried out one right after the other, and when the last one was.
    private var pace: (at: Instant?, count: Int) = (nil, 0)
    /// When the plan led the caller into each queue last.
    private var entries: [String: Instant] = [:]
    /// The wish that this call is an attempt to fulfil, until whoever is called back has answered.
    var callback: String?
    /// Who came from another call, by the leg that he has here.
    var guests: [Int: CallParty] = [:]
    /// The queue whose agent speaks with the caller, and who that is.
    var served: (queue: QueueID, agent: UserID)?
    /// The answer that `served` came of.
    var queueAnswer: QueueAnswer?
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
        direction = identity.direction
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

    /// Starts the dial plan.
    func begin() { perform(opening ?? plan.start()) }

    func proceed(_ result: StepResult) {
        guard !isEnding else { return }
        perform(plan.proceed(result))
    }

    /// More instructions than this at one moment are a plan that goes round in circles, and a recursion that must end.
    private static let mostAtOnce = 200
    /// A circle of queues that nobody waits in goes by timers, each a little later than the one before.
    private static let breath: Duration = .milliseconds(100)

    /// Whether the plan leads the caller into a queue in which he was a breath ago: what sent him on then would do so again.
    private func comesBackAtOnce(into queue: String) -> Bool {
        defer { entries[queue] = now.instant }
        return entries[queue].map { now.instant - $0 < Self.breath } ?? false
    }

    func perform(_ instruction: Instruction) {
        let isRightAfter = pace.at.map { now.instant - $0 < Self.breath } ?? false
        pace = (now.instant, isRightAfter ? pace.count + 1 : 1)
        guard pace.count <= Self.mostAtOnce else {
            publish(.note("the plan goes round in circles: \(Self.mostAtOnce) steps took no time"))
            core.log(.warning, "plan \(plan.plan.name) goes round in circles: the call is ended", call: id)
            return finish(.failed)
        }
        enter(.deciding)
        for entry in plan.takeTrail() { publish(Event(entry, plan: plan.plan)) }
        if transfer != nil || history.isSentOn, instruction.isOnesOwn { return finish(.rejected) }
        if needsAnswer(instruction) {
            guard callerIsAnswered else {
                upcoming = instruction
                return answerLocally()
            }
            calleeAnswered()
        }
        carryOut(instruction)
    }

    private func needsAnswer(_ instruction: Instruction) -> Bool {
        if case .queue(let request) = instruction { return mayWait(request) }
        return instruction.needsAnswer
    }

    private func carryOut(_ instruction: Instruction) {
        followTransfer(into: instruction)
        if isAttempt, !instruction.mayCallBack { return finish(.rejected) }
        switch instruction {
        case .answer: proceed(.done)
        case .ringing:
            if !callerIsAnswered { act(on: 0) { $0.ring(180, now: $1) } }
            proceed(.done)
        case .echo:
            enter(.echoing)
            startEcho()
        case .dial(let request): dial(request)
        case .play(let names): tell(names)
        case .say(let kind, let value): tell(pieces(kind, value))
        case .ask(let ask): self.ask(ask)
        case .queue(let request):
            guard !comesBackAtOnce(into: request.queue) else {
                publish(.note("the queue \(request.queue) has only just sent him on: he goes round in circles"))
                return finish(.unavailable)
            }
            join(request)
        case .agent(let change, let claim): changeAgent(change, as: claim)
        case .localTime(let zone):
            let time = core.surroundings?.localTime(in: zone ?? tenant.timeZone, at: now.wall)
            proceed(time.map { .time($0) } ?? .done)
        case .record(let isOn):
            record(isOn)
            proceed(.done)
        case .http(let url, let timeout):
            enter(.consulting)
            core.surroundings?.ask(url, timeout: timeout, for: id)
        case .supervise(let request): supervise(request)
        case .pickup(let users): pickUp(ringingAt: users)
        case .park(let request): park(request)
        case .callback(let queue, let number):
            let answer = core.callBack(number, in: QueueID(tenant: tenant.id, name: queue), askedBy: self)
            if answer != .refused { isUnserved = true }
            proceed(.callback(answer))
        case .hangup(let cause): finish(cause)
        case .noRoute:
            core.log(.info, "no route for \(to) in \(plan.plan.name)", call: id)
            publish(.note("no rule of \(plan.plan.name) matches \(to)"))
            finish(.notFound)
        }
    }

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
        guard let description = describeLocally() else {
            return end(.failed, by: .switch, cause: HangupCause(status: 488), reason: "no-common-codec")
        }
        answerCaller(description)
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

    private func acceptCaller(_ body: [UInt8]?) {
        callerIsAnswered = true
        legs[0].progress = .answered
        publish(.legAnswered(leg: 0, codec: codec(of: 0)))
        publish(.callAnswered)
        core.timers.start(.call(id, .maximumDuration), at: now.instant + core.settings.maximumDuration)
        act(on: 0) { $0.accept(sdp: body, now: $1) }
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
        case .reoffer(let index): reofferAgain(index)
        }
    }
}

enum CallTimer: Hashable, Sendable {
    case recordGrace, dialTimeout, maximumDuration, toneEnds
    /// Nobody answered the caller within what his INVITE's Expires says.
    case invitationExpires
    /// No key came in time.
    case nextKey
    /// The queue's periodic message with this index is due.
    case message(Int)
    /// An announcement is over that others wait for.
    case announcement
    /// By now this agent's phones have given a sign of life, or nothing rings.
    case signOfLife(UserID)
    /// Keys that this leg told of by INFO are passed on unless they have come another way.
    case informedKeys(Int)
    /// Somebody is on hold for as long as one may be.
    case holdEnds
    /// Nobody has taken the party out of its slot.
    case parkEnds
    /// A leg was busy with an offer when we had one for it: once more.
    case reoffer(Int)
    /// The call is over and its record waits for the last words of a leg.
    case linger

    /// Those that mean nothing any more when the call ends.
    static let ofLivingCalls = [
        dialTimeout, invitationExpires, maximumDuration, toneEnds, nextKey, announcement, holdEnds, parkEnds,
    ]
}

extension Instruction {
    /// Only a caller who is connected hears and presses anything.
    fileprivate var needsAnswer: Bool {
        switch self {
        case .answer, .echo, .play, .say, .ask, .queue, .agent: true
        case .ringing, .dial, .localTime, .record, .http, .callback, .supervise, .pickup, .park, .hangup,
            .noRoute:
            false
        }
    }
}

import Codecs
public import Config
import DialPlan
public import Events
import Media
public import Timebase

/// A recording under way.
struct CallRecording {
    /// Names it to the media plane and the recorder.
    var number: UInt64
    var id: String
    /// Whose voice is left.
    var left: Int
    /// The numbers of our users who were told to speak in it.
    var speakers: Set<String>

    /// Left or right, as the media plane counts them. `beside`: the voice of a supervisor, from 1, beside that of the leg.
    func channel(of leg: Int, beside: Int = 0) -> UInt8 { UInt8(beside * 2 + (left == leg ? 0 : 1)) }
}

/// Why a talk is recorded.
enum RecordingPolicy: Equatable {
    /// A step of the plan, which is about the call.
    case plan
    /// What this user keyed in.
    case key(String)
    /// What is configured for these.
    case queue(String), agent(String), direction(CallDirection)

    /// As a recording's row has it.
    var words: String {
        switch self {
        case .plan: "plan"
        case .key(let user): "key of \(user)"
        case .queue(let name): "queue \(name)"
        case .agent(let number): "agent \(number)"
        case .direction(let direction): "direction \(direction.rawValue)"
        }
    }
}

/// What the recorder is asked for. Instants are those of the core's monotonic clock.
public enum RecordingOrder: Sendable {
    /// `file` lies below the tenant's folder of recordings.
    case open(UInt64, tenant: TenantID, file: String, format: RecordingFormat, at: Instant)
    case pause(UInt64, at: Instant)
    case resume(UInt64, at: Instant)
    case close(UInt64, at: Instant)
}

/// One recording per talk: the caller left, whoever speaks with him right. It goes on over hold, and ends with the talk.
extension Call {
    /// The plan's word, which is above what is configured: whoever declines in a menu is not recorded by his queue.
    func record(_ isOn: Bool) {
        isRecordingDeclined = !isOn
        // A party on its way to somebody else brings along what was said before.
        transfer?.policy = isOn ? .plan : nil
        if isOn { startRecording(policy: .plan) } else { stopRecording() }
    }

    /// Begins to record, once however often it is asked for.
    func startRecording(policy: RecordingPolicy) {
        isToBeRecorded = policy
        guard recording == nil, case .talking(let peer) = stage, legs[anchor].port != nil, legs[peer].port != nil
        else { return }
        guard isRecordable(anchor), isRecordable(peer) else { return publish(.notRecorded(.codec)) }
        recordings += 1
        let number = core.nextRecording(of: id)
        let id = "\(id)-\(recordings)"
        let day = core.surroundings?.localTime(in: tenant.timeZone, at: now.wall).date ?? "1970-01-01"
        let folders = day.split(separator: "-").joined(separator: "/")
        let format = tenant.recordings.format
        let file = "\(folders)/\(id).\(format.fileExtension)"
        let left = customersLeg(speakingWith: peer)
        let speakers = Set([served?.agent, speaker(at: anchor), speaker(at: peer)].compactMap { $0?.number })
        recording = CallRecording(number: number, id: id, left: left, speakers: speakers)
        core.name(number, id: id, call: self.id, tenant: tenant.id)
        core.surroundings?.record(.open(number, tenant: tenant.id, file: file, format: format, at: now.instant))
        publish(
            .recordingStarted(
                RecordingStarted(
                    id: id,
                    file: file,
                    policy: policy.words,
                    queue: served?.queue.name,
                    agents: speakers.sorted()
                )
            )
        )
        recordVoices()
        if isRecordingPaused { pause(true) }
    }

    /// What is recorded is what the two are sent: each other's voice, and beside the operator's that of a supervisor whom both hear. A whisper,
    /// and whatever is said while one of them holds, the other never hears.
    func recordVoices() {
        guard let recording, case .talking(let peer) = stage else { return }
        let present = attendants.filter(\.isPresent)
        let hearEachOther = audiblePort(anchor) != nil && audiblePort(peer) != nil
        for index in [anchor, peer] {
            // Without a mix the media plane knows by itself when nobody hears one of them.
            record(legs[index].port, recording.channel(of: index), if: hearEachOther || present.isEmpty)
        }
        for (place, attendant) in present.enumerated() {
            guard let own = core.call(attendant.call) else { continue }
            let works = operatorsLeg(of: attendant, speakingWith: peer)
            let isHeard = hearEachOther && attendant.mode == .barge
            record(own.servedPort, recording.channel(of: works, beside: place + 1), if: isHeard)
            if isHeard { noteSpeaker(own.speaker(at: own.anchor)) }
        }
    }

    private func record(_ port: MediaPort?, _ channel: UInt8, if isHeard: Bool) {
        guard let port, let recording else { return }
        core.media.perform(
            isHeard ? .record(port.id, recording: recording.number, channel: channel) : .stopRecording(port.id)
        )
    }

    /// Somebody of ours speaks in what is being recorded.
    func noteSpeaker(_ user: UserID?) {
        guard let user, let id = recording?.id, recording?.speakers.insert(user.number).inserted == true else { return }
        publish(.recordingJoined(id: id, agent: user.number))
    }

    /// Whose voice is left: the party's that the plan serves, but where that is an operator whom somebody handed on to a customer.
    private func customersLeg(speakingWith peer: Int) -> Int {
        if let served { return served.leg == anchor ? peer : anchor }
        let leadsOut = legs[anchor].user != nil && legs[peer].user == nil
        return leadsOut && direction != .outbound ? peer : anchor
    }

    private func isRecordable(_ index: Int) -> Bool { codec(of: index).map(Self.isRecordable) ?? false }

    private static func isRecordable(_ codec: String) -> Bool { VoiceCodec(encoding: codec.uppercased()) != nil }

    /// The order in which codecs are offered on to the party that `user` is: where the talk is to be recorded, those that a recorder
    /// understands come first, and the others stay for a party that knows nothing else.
    func preferredCodecs(towards user: String?) -> [String] {
        let codecs = core.settings.codecs
        guard case .record = recordingDecision(with: user) else { return codecs }
        let recordable = (codecs + Self.spokenCodecs).filter(Self.isRecordable)
        return recordable + codecs.filter { !Self.isRecordable($0) }
    }

    /// The two may speak another codec than before: what was being recorded ends where that is not understood any more, and what was to
    /// be recorded begins where it is now.
    func followCodec() {
        tellCodecs()
        guard let policy = isToBeRecorded, case .talking(let peer) = stage else { return }
        let stranger = [anchor, peer].first { !isRecordable($0) }
        guard (recording == nil) == (stranger == nil) else { return }
        if let stranger {
            publish(.note("leg \(stranger) speaks \(codec(of: stranger) ?? "nothing known") now: the recording ends"))
            stopRecording()
        }
        startRecording(policy: policy)
    }

    func stopRecording() {
        isToBeRecorded = nil
        guard let recording else { return }
        self.recording = nil
        let supervisors = attendants.map { core.call($0.call)?.servedPort }
        for port in legs.map(\.port) + supervisors { if let port { core.media.perform(.stopRecording(port.id)) } }
        core.surroundings?.record(.close(recording.number, at: now.instant))
    }

    /// What must not be heard (a card's number) leaves silence of its true length, whoever the caller is handed on to meanwhile.
    func pauseRecording(_ isPaused: Bool) -> Bool {
        guard recording != nil || !isPaused, isRecordingPaused != isPaused else { return false }
        isRecordingPaused = isPaused
        pause(isPaused)
        return true
    }

    private func pause(_ isPaused: Bool) {
        guard let recording else { return }
        let number = recording.number
        core.surroundings?.record(isPaused ? .pause(number, at: now.instant) : .resume(number, at: now.instant))
        publish(isPaused ? .recordingPaused(id: recording.id) : .recordingResumed(id: recording.id))
    }

    /// Two parties speak with each other: what the plan, the queue or the tenant wants recorded begins.
    func talkBegan() {
        callerIsBack()
        calleeAnswered()
        hasSpoken = true
        settleTransfer()
        sending = nil
        noteSilence()
        tellCodecs()
        leadListeners()
        guard recording == nil else { return }
        switch recordingDecision(with: peersUser) {
        case .record(let policy): startRecording(policy: policy)
        case .leave(let why):
            isToBeRecorded = nil
            publish(.notRecorded(why))
        }
    }

    /// A queue's agent has the caller: the queue says for its own calls whether they are recorded, whoever had him before.
    func leaveRecordingToQueue() { if isToBeRecorded != .plan { isToBeRecorded = nil } }

    func beginQueueTalk() {
        leaveRecordingToQueue()
        talkBegan()
    }

    /// Who speaks with the party that is served, where that is a user.
    private var peersUser: String? { if case .talking(let peer) = stage { legs[peer].user } else { nil } }

    private enum RecordingDecision { case record(RecordingPolicy), leave(NotRecorded) }

    /// What the plan, a key and the tenant want of the talk with this user, or with nobody of ours.
    private func recordingDecision(with user: String?) -> RecordingDecision {
        let parties = [
            speaker(at: legs[anchor].user ?? (anchor == 0 ? self.user : nil)), served?.agent, speaker(at: user),
        ]
        let agents = parties.compactMap { $0?.number }
        switch isToBeRecorded {
        // His are his own talks: whoever has the other party after him is not recorded for his sake.
        case .agent(let number)? where !agents.contains(number): break
        case let policy?: return .record(policy)
        case nil: break
        }
        guard !isRecordingDeclined else { return .leave(.plan) }
        guard let policy = recordingPolicy(of: agents) else { return .leave(.noPolicy) }
        return RecordingShare.holds(id, share: tenant.recordings.share) ? .record(policy) : .leave(.share)
    }

    /// `agents`: who speak.
    private func recordingPolicy(of agents: [String]) -> RecordingPolicy? {
        let wanted = tenant.recordings
        if let queue = served?.queue, tenant.queues[queue.name]?.isRecorded ?? false { return .queue(queue.name) }
        if let agent = agents.first(where: wanted.agents.contains) { return .agent(agent) }
        // A queue has said for its own calls whether they are.
        return served == nil && wanted.directions.contains(direction) ? .direction(direction) : nil
    }
}

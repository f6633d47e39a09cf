import ACD
import Config
import DialPlan
import Events
import Media
import NetAddress
import Prompts
import SDP
import SIP
import Timebase

/// Who holds whom, what a held party hears, and how it comes back.
extension Call {
    /// Tells of a hold or a return when a leg's own description changed so.
    func noteHold(_ index: Int) {
        guard let stream = legs[index].described.theirs else { return }
        // Only who asks for silence holds; the other side's recvonly is its answer to that.
        let holds = stream.isHold && stream.direction != .recvonly
        guard holds != legs[index].holds else { return }
        legs[index].holds = holds
        legs[index].silentSince = holds ? now.instant : nil
        // On hold nobody need be heard.
        configureMedia(index)
        tellHold(index)
        followHold()
    }

    /// Who begins in silence in front of the switch itself may be gone as well.
    func noteSilentCaller() {
        guard legs[0].described.theirs.map(isSilent) ?? false else { return }
        noteHold(0)
    }

    private func isSilent(_ stream: AudioStream) -> Bool {
        stream.direction == .inactive || stream.address.isUnspecified
    }

    /// Tells of a hold, or of its end: what lies before the talk (in a queue, a prompt, a whisper) keeps nobody waiting.
    private func tellHold(_ index: Int) {
        let wasHold = legs[index].holdsSince != nil
        let isHold = legs[index].holds && (wasHold || isTalk || isSupervision)
        defer { watchHold() }
        guard isHold != wasHold else { return }
        legs[index].holdsSince = isHold ? now.instant : nil
        publish(isHold ? .callHeld(leg: index) : .callResumed(leg: index))
    }

    private var isSupervision: Bool { if case .supervising = stage { true } else { false } }

    /// A party may hold from the first: it offers or answers that it neither speaks nor listens. One that only speaks has something to say.
    /// What it asked for before anybody answered, it asks for still.
    func noteSilence() {
        guard case .talking(let peer) = stage else { return }
        for index in [anchor, peer] {
            if let stream = legs[index].described.theirs, isSilent(stream) { noteHold(index) }
            tellHold(index)
        }
        if legs[anchor].holds || legs[peer].holds { followHold() }
    }

    /// Whoever held is gone, and his hold with him.
    func stopHolding(_ index: Int) {
        guard legs[index].holds else { return }
        legs[index].holds = false
        legs[index].silentSince = nil
        tellHold(index)
    }

    /// The talk is over for a party that holds still: on its way to the next one it keeps nobody waiting, and there it is told anew.
    func leaveHold(_ index: Int) {
        guard legs[index].holdsSince != nil else { return }
        legs[index].holdsSince = nil
        publish(.callResumed(leg: index))
        watchHold()
    }

    private var isWaiting: Bool {
        switch stage {
        case .queued, .parked: true
        default: false
        }
    }

    /// Nobody is held for ever: a forgotten party is let go, whatever the other does meanwhile; and of a caller who holds a menu nothing else
    /// would tell that he is gone.
    private func watchHold() {
        let since = legs.lazy.filter { !$0.isOver }.compactMap { $0.holdsSince ?? $0.silentSince }.min()
        guard let since, let longest = core.settings.maximumHold else {
            return core.timers.stop(.call(id, .holdEnds))
        }
        core.timers.start(.call(id, .holdEnds), at: since + longest)
    }

    func heldTooLong() {
        guard !isEnding else { return }
        if isWaiting, legs.allSatisfy({ $0.isOver || $0.holdsSince == nil }), let longest = core.settings.maximumHold {
            // A place in a line is kept however long that is, and has bounds of its own; asked again when he may have left it.
            return core.timers.start(.call(id, .holdEnds), at: now.instant + longest)
        }
        publish(.note("on hold for longer than calls.max_hold"))
        end(.answered, by: .switch, cause: .normal, reason: "max-hold")
    }

    /// Whoever is put on hold hears music; when nobody holds any more the two hear each other again.
    func followHold() {
        guard case .talking(let peer) = stage else { return }
        let holder = [anchor, peer].first { legs[$0].holds }
        guard let holder else { return bridge(anchor, peer) }
        let held = holder == anchor ? peer : anchor
        // Where a call began in silence nobody was told to listen.
        guard !legs[held].holds, isToldToListen(held), let music = music(served?.queue) else { return }
        say([], loop: music, to: held)
    }

    func isToldToListen(_ index: Int) -> Bool {
        guard let ours = legs[index].described.ours else { return false }
        return ours.direction == .sendrecv || ours.direction == .sendonly
    }

    /// Whether a leg that is put on hold by this offer hears music: it is told to listen, whatever the holder says of himself.
    func hearsMusic(_ index: Int, upon offer: SessionDescription) -> Bool {
        guard let stream = AudioStream(of: offer), stream.isHold, stream.direction != .recvonly else { return false }
        // Music is G.711: who speaks anything else is offered that first, where the holder knows it.
        let speaks = codec(of: index).map(Self.spokenCodecs.contains) ?? false
        let isKnown = stream.formats.contains { Self.spokenCodecs.contains($0.encoding) }
        guard speaks || isKnown else { return false }
        return !legs[index].holds && music(served?.queue) != nil
    }

    func music(_ queue: QueueID?) -> PromptClip? {
        let name = queue.flatMap { tenant.queues[$0.name]?.music } ?? tenant.music
        return core.surroundings?.prompt("music/\(name)", language: language)
    }
}

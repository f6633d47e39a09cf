import Config
import Events
import Timebase

/// The last keys of one party, as long as they follow each other.
struct TypedCode {
    /// More time between two keys begins anew.
    static let patience: Duration = .seconds(3)
    private static let most = 8
    private var keys = ""
    private var last: Instant?

    mutating func append(_ key: String, at now: Instant) {
        if let last, now - last > Self.patience { keys = "" }
        keys = String((keys + key).suffix(Self.most))
        last = now
    }

    /// Whether this code is complete; it is done with then.
    mutating func take(_ code: String) -> Bool {
        guard keys.hasSuffix(code) else { return false }
        keys = ""
        return true
    }
}

/// What a user keys in while he talks, whichever of the two he is. The other party hears the keys: they are passed on as they come.
extension Call {
    func keyed(_ key: String, by index: Int) {
        guard case .talking(let peer) = stage, index == anchor || index == peer, let user = legs[index].user else {
            return
        }
        legs[index].typed.append(key, at: now.instant)
        for (control, code) in tenant.recordings.keys where legs[index].typed.take(code) {
            switch control {
            case .record: toggleRecording(by: user)
            case .pause:
                guard recording != nil else {
                    return publish(.note("user \(user): there is no recording to pause"))
                }
                let pauses = !isRecordingPaused
                _ = pauseRecording(pauses)
                note(pauses ? "recording.pause" : "recording.resume", by: user)
            }
            return
        }
    }

    /// What a key began a key ends, whoever has the caller by then; what the plan or the configuration wants nobody does.
    private func toggleRecording(by user: String) {
        guard recording != nil else {
            isRecordingPaused = false
            startRecording(policy: .key(user))
            guard recording != nil else { return }
            return note("recording.start", by: user)
        }
        guard case .key? = isToBeRecorded else {
            return publish(.note("user \(user) may not end a recording that a policy wants"))
        }
        stopRecording()
        note("recording.stop", by: user)
    }

    private func note(_ action: String, by user: String) {
        publish(.audited(AuditedAct(by: AuditedAct.Actor(.sip, user), action, "call \(id)", tenant: tenant.id)))
    }
}

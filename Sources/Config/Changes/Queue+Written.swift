extension Queue {
    /// Every key but the name, as the tenant's file writes it; nil where it says nothing. One list for the export and for the
    /// differences that `apply` shows.
    var written: [(key: String, value: String?)] {
        [
            ("extension", number.map(quoted)), ("strategy", strategy.rawValue),
            ("weight", weight == 0 ? nil : "\(weight)"),
            ("ring_timeout", ringTimeout.written), ("ring_step", ringStep.written), ("wrap_up", wrapUp.written),
            ("short_talk", shortTalk.written),
            ("max_wait", maxWait?.written), ("max_wait_empty", maxWaitEmpty?.written),
            ("no_answer_delay", noAnswerDelay.written), ("busy_delay", busyDelay.written),
            ("decline_delay", declineDelay.written), ("pause_after_misses", "\(pauseAfterMisses ?? 0)"),
            ("pause_scope", missesPause.rawValue),
            ("max_length", maxLength.map { "\($0)" }), ("max_expected_wait", maxExpectedWait?.written),
            ("on_full", onFull?.written), ("min_skill", minimumSkill == 0 ? nil : "\(minimumSkill)"),
            ("widen", widening.isEmpty ? nil : list(widening.map(\.written))),
            ("sticky", sticky.map { "{remember: \($0.remember.written), wait: \($0.wait.written)}" }),
            ("resume", resume?.written),
            ("callback", "{attempts: \(callingBack.attempts), retry_after: \(callingBack.retryAfter.written)}"),
            ("service_level", "{seconds: \(serviceLevelSeconds), target: \(serviceLevelTarget)}"),
            ("abandon_threshold", abandonThreshold.written),
            ("abandon_from", abandonFrom.rawValue), ("music", music.map(quoted)),
            ("announce_position", announcePosition.map { "every \($0.written)" }),
            ("announce_wait", announceWait ? "true" : nil),
            ("announce_only_if_improved", announcesImprovement ? "true" : nil),
            (
                "messages",
                messages.isEmpty
                    ? nil : list(messages.map { "{prompt: \(quoted($0.prompt)), every: \($0.every.written)}" })
            ),
            ("whisper", whisper.map(quoted)), ("language", language),
            (
                "keys",
                exits.isEmpty
                    ? nil
                    : "{"
                        + exits.sorted { $0.key < $1.key }.map { "\(quoted($0.key)): \($0.value.written)" }
                        .joined(separator: ", ") + "}"
            ),
            ("record", "\(isRecorded)"), ("agents", agents.isEmpty ? nil : list(agents.map(\.written))),
            ("on_timeout", onTimeout?.written), ("on_empty", onEmpty.written),
            ("empty_when", list(EmptyCause.allCases.filter(emptyWhen.contains).map(\.rawValue))),
        ]
    }

    private func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }
}

extension Queue.Agent {
    fileprivate var written: String {
        let own = [
            ("wrap_up", wrapUp), ("no_answer_delay", noAnswerDelay), ("busy_delay", busyDelay),
            ("decline_delay", declineDelay),
        ]
        let times = own.compactMap { key, time in time.map { ", \(key): \($0.written)" } }.joined()
        return "{user: \(quoted(user)), penalty: \(penalty), skill: \(skill)\(times)}"
    }
}

extension Queue.Widening {
    fileprivate var written: String {
        "{after: \(after.written)" + (penalty.map { ", penalty: \($0)" } ?? "")
            + (skill.map { ", skill: \($0)" } ?? "") + "}"
    }
}

extension Queue.OnEmpty {
    fileprivate var written: String {
        switch self {
        case .wait: "wait"
        case .refuse: "refuse"
        case .leave(let place): place.written
        }
    }
}

extension Queue.Destination {
    fileprivate var written: String { "{dialplan: \(quoted(dialPlan)), flow: \(quoted(flow))}" }
}

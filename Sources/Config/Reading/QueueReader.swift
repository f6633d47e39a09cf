import DialPlan

/// Reads the queues of a tenant's file.
extension TenantReader {
    func readQueues(_ value: YAMLValue, into reading: inout Reading) {
        for item in value.sequence("queues") {
            guard var mapping = item.mapping("a queue") else { continue }
            defer { mapping.finish("a queue") }
            guard let named = mapping.require("name", of: "a queue"), let name = named.string("name") else { continue }
            var queue = Queue(name: name)
            queue.number = mapping.take("extension").flatMap { readNumber($0, in: reading.tenant) }
            if let strategy = mapping.take("strategy")?.choice("strategy", Queue.Strategy.self) {
                queue.strategy = strategy
            }
            readTimes(&mapping, into: &queue)
            queue.music = mapping.take("music").flatMap { readPrompt($0, "music", folder: "music/", into: &reading) }
            if let isRecorded = mapping.take("record")?.boolean("record") { queue.isRecorded = isRecorded }
            if let agents = mapping.take("agents") { queue.agents = readAgents(agents, into: &reading) }
            readRules(&mapping, into: &queue, reading: &reading)
            readSpeech(&mapping, into: &queue, reading: &reading)
            if let value = mapping.take("on_timeout") {
                queue.onTimeout = readDestination(value, into: &reading)
                reading.overflows[name, default: [:]]["on_timeout"] = value
            }
            if let value = mapping.take("on_empty") {
                queue.onEmpty = readOnEmpty(value, into: &reading)
                reading.overflows[name, default: [:]]["on_empty"] = value
            }
            guard reading.tenant.queues[name] == nil else {
                named.fault(.duplicate, "queue \(name) is given twice", mend: "choose another name")
                continue
            }
            reading.tenant.queues[name] = queue
        }
    }

    private func readNumber(_ value: YAMLValue, in tenant: Tenant) -> String? {
        guard let number = value.string("extension") else { return nil }
        let queue = tenant.queues.values.first { $0.number == number }.map { "queue \($0.name)'s" }
        guard let owner = queue ?? (tenant.users[number] == nil ? nil : "a user's") else { return number }
        value.fault(.duplicate, "extension \(number) is \(owner)", mend: "choose another")
        return nil
    }

    /// Who may join, and who is asked when.
    private func readRules(_ mapping: inout YAMLMapping, into queue: inout Queue, reading: inout Reading) {
        if let value = mapping.take("no_answer_delay")?.duration("no_answer_delay") { queue.noAnswerDelay = value }
        if let value = mapping.take("busy_delay")?.duration("busy_delay") { queue.busyDelay = value }
        if let value = mapping.take("decline_delay")?.duration("decline_delay") { queue.declineDelay = value }
        if let value = mapping.take("pause_after_misses")?.integer("pause_after_misses", in: 0...1_000) {
            queue.pauseAfterMisses = value == 0 ? nil : value
        }
        if let value = mapping.take("pause_scope")?.choice("pause_scope", Queue.MissesPause.self) {
            queue.missesPause = value
        }
        if let value = mapping.take("weight")?.integer("weight", in: 0...1_000) { queue.weight = value }
        if let value = mapping.take("min_skill")?.integer("min_skill", in: 0...1_000) { queue.minimumSkill = value }
        queue.maxLength = mapping.take("max_length")?.integer("max_length", in: 0...1_000_000)
        queue.maxExpectedWait = mapping.take("max_expected_wait")?.duration("max_expected_wait")
        if let value = mapping.take("on_full") {
            queue.onFull = readDestination(value, into: &reading)
            reading.overflows[queue.name, default: [:]]["on_full"] = value
        }
        if let value = mapping.take("empty_when") {
            let causes = value.sequence("empty_when").compactMap { $0.choice("empty_when", Queue.EmptyCause.self) }
            queue.emptyWhen = Set(causes).union([.noAgents])
        }
        queue.resume = mapping.take("resume")?.duration("resume")
        if let value = mapping.take("callback"), var callback = value.mapping("callback") {
            if let attempts = callback.take("attempts")?.integer("callback.attempts", in: 1...100) {
                queue.callingBack.attempts = attempts
            }
            if let pause = callback.take("retry_after") {
                if let time = pause.duration("callback.retry_after") { queue.callingBack.retryAfter = time }
                if queue.callingBack.retryAfter < .seconds(1) {
                    pause.fault(.badValue, "callback.retry_after is too short", mend: "write at least 1s")
                }
            }
            callback.finish("callback")
        }
        if let value = mapping.take("widen") { queue.widening = readWidening(value) }
        if let value = mapping.take("sticky"), var sticky = value.mapping("sticky") {
            var read = Queue.Sticky()
            if let value = sticky.take("remember")?.duration("sticky.remember") { read.remember = value }
            if let value = sticky.take("wait")?.duration("sticky.wait") { read.wait = value }
            sticky.finish("sticky")
            queue.sticky = read
        }
    }

    private func readWidening(_ value: YAMLValue) -> [Queue.Widening] {
        value.sequence("widen").compactMap { item -> Queue.Widening? in
            guard var mapping = item.mapping("a widening") else { return nil }
            defer { mapping.finish("a widening") }
            let after = mapping.require("after", of: "a widening")?.duration("after")
            let penalty = mapping.take("penalty")?.integer("penalty", in: 0...1_000)
            let skill = mapping.take("skill")?.integer("skill", in: 0...1_000)
            if penalty == nil, skill == nil {
                item.fault(.missingKey, "a widening widens nothing", mend: "add `penalty:`, or `skill:`")
            }
            return after.map { Queue.Widening(after: $0, penalty: penalty, skill: skill) }
        }.sorted { $0.after < $1.after }
    }

    /// What callers and agents hear, and the keys that callers may press.
    private func readSpeech(_ mapping: inout YAMLMapping, into queue: inout Queue, reading: inout Reading) {
        if let value = mapping.take("announce_wait")?.boolean("announce_wait") { queue.announceWait = value }
        if let value = mapping.take("announce_only_if_improved")?.boolean("announce_only_if_improved") {
            queue.announcesImprovement = value
        }
        queue.language = mapping.take("language").flatMap { readLanguage($0, into: &reading) }
        queue.whisper = mapping.take("whisper").flatMap {
            readPrompt($0, "whisper", language: queue.language, into: &reading)
        }
        if let value = mapping.take("messages") {
            queue.messages = value.sequence("messages").compactMap { item in
                guard var mapping = item.mapping("a message") else { return nil }
                defer { mapping.finish("a message") }
                let prompt = mapping.require("prompt", of: "a message").flatMap {
                    readPrompt($0, "prompt", language: queue.language, into: &reading)
                }
                let every = mapping.require("every", of: "a message")?.positiveDuration("every")
                guard let prompt, let every else { return nil }
                return Queue.PeriodicMessage(prompt: prompt, every: every)
            }
        }
        if let value = mapping.take("keys"), var keys = value.mapping("keys") {
            for entry in keys.all() {
                guard entry.name.count == 1, "0123456789*#".contains(entry.name) else {
                    entry.key.fault(
                        .badValue,
                        "'\(entry.name)' is no key",
                        mend: "keys are 0-9, '*' and '#', in quotes"
                    )
                    continue
                }
                if let destination = readDestination(entry.value, into: &reading) {
                    queue.exits[entry.name] = destination
                }
            }
        }
    }

    private func readTimes(_ mapping: inout YAMLMapping, into queue: inout Queue) {
        if let value = mapping.take("ring_timeout")?.positiveDuration("ring_timeout") { queue.ringTimeout = value }
        if let value = mapping.take("ring_step")?.positiveDuration("ring_step") { queue.ringStep = value }
        if let value = mapping.take("wrap_up")?.duration("wrap_up") { queue.wrapUp = value }
        if let value = mapping.take("short_talk")?.duration("short_talk") { queue.shortTalk = value }
        queue.maxWait = mapping.take("max_wait")?.duration("max_wait")
        queue.maxWaitEmpty = mapping.take("max_wait_empty")?.positiveDuration("max_wait_empty")
        if let value = mapping.take("abandon_threshold")?.duration("abandon_threshold") {
            queue.abandonThreshold = value
        }
        if let value = mapping.take("abandon_from") {
            queue.abandonFrom = value.choice("abandon_from", Queue.AbandonStart.self) ?? .queue
        }
        if let value = mapping.take("service_level"), var level = value.mapping("service_level") {
            if let seconds = level.take("seconds")?.integer("service_level.seconds", in: 1...86_400) {
                queue.serviceLevelSeconds = seconds
            }
            if let target = level.take("target")?.integer("service_level.target", in: 1...100) {
                queue.serviceLevelTarget = target
            }
            level.finish("service_level")
        }
        if let value = mapping.take("announce_position") { queue.announcePosition = readAnnouncement(value) }
    }

    /// The name of a recording, which whoever has the recordings looks for in this language; nil: in the call's.
    func readPrompt(
        _ value: YAMLValue,
        _ what: String,
        folder: String = "",
        language: String? = nil,
        into reading: inout Reading
    ) -> String? {
        guard let name = value.string(what) else { return nil }
        reading.tenant.prompts.append(
            PromptReference(name: folder + name, language: language, file: value.file, position: value.position)
        )
        return name
    }

    /// `every 30s`, or `never`.
    private func readAnnouncement(_ value: YAMLValue) -> Duration? {
        guard let text = value.string("announce_position"), text != "never" else { return nil }
        if text.hasPrefix("every "), let duration = Duration(written: String(text.dropFirst(6))) {
            if duration > .zero { return duration }
            value.fault(.badValue, "announce_position is no time at all", mend: "write at least `every 1s`")
            return nil
        }
        value.fault(.badValue, "announce_position is '\(text)'", mend: "write `every 30s`, or `never`")
        return nil
    }

    private func readAgents(_ value: YAMLValue, into reading: inout Reading) -> [Queue.Agent] {
        var agents: [Queue.Agent] = []
        for item in value.sequence("agents") {
            guard var mapping = item.mapping("an agent") else { continue }
            defer { mapping.finish("an agent") }
            guard let named = mapping.require("user", of: "an agent"), let user = named.string("user") else { continue }
            reading.references.append((.user(user), named))
            if agents.contains(where: { $0.user == user }) {
                named.fault(.duplicate, "user \(user) is in the queue twice", mend: "remove one of them")
            }
            var agent = Queue.Agent(user: user)
            if let penalty = mapping.take("penalty")?.integer("penalty", in: 0...1_000) { agent.penalty = penalty }
            agent.wrapUp = mapping.take("wrap_up")?.duration("wrap_up")
            agent.noAnswerDelay = mapping.take("no_answer_delay")?.duration("no_answer_delay")
            agent.busyDelay = mapping.take("busy_delay")?.duration("busy_delay")
            agent.declineDelay = mapping.take("decline_delay")?.duration("decline_delay")
            if let skill = mapping.take("skill")?.integer("skill", in: 0...1_000) { agent.skill = skill }
            agents.append(agent)
        }
        return agents
    }

    private func readDestination(_ value: YAMLValue, into reading: inout Reading) -> Queue.Destination? {
        guard var mapping = value.mapping("a destination") else { return nil }
        defer { mapping.finish("a destination") }
        let (named, within) = (
            mapping.require("dialplan", of: "a destination"), mapping.require("flow", of: "a destination")
        )
        guard let plan = named, let planName = plan.string("dialplan"), let flow = within,
            let flowName = flow.string("flow")
        else { return nil }
        reading.references.append((.dialPlan(planName), plan))
        reading.references.append((.flow(dialPlan: planName, flow: flowName), flow))
        return Queue.Destination(dialPlan: planName, flow: flowName)
    }

    private func readOnEmpty(_ value: YAMLValue, into reading: inout Reading) -> Queue.OnEmpty {
        switch value.asScalar {
        case "wait": return .wait
        case "refuse": return .refuse
        case .some(let text):
            value.fault(
                .badValue,
                "on_empty is '\(text)'",
                mend: "write wait, refuse, or {dialplan: …, flow: …}"
            )
            return .wait
        case nil: return readDestination(value, into: &reading).map { .leave($0) } ?? .wait
        }
    }
}

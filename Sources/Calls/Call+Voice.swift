import Config
import DialPlan
import Events
import Media
import Prompts
import Timebase

/// What the caller hears of the switch itself, and the keys he presses.
extension Call {
    var language: String { chosenLanguage ?? tenant.language }

    /// What the plan says of the caller's.
    private var chosenLanguage: String? { plan.variables["language"].flatMap { $0.isEmpty ? nil : $0 } }

    /// In which a queue speaks to its callers: each in his own.
    func language(in queue: Queue) -> String { chosenLanguage ?? queue.language ?? tenant.language }

    /// The clips of these prompts, in this language (nil: the caller's), or where there is none in the other; one that there is not is told
    /// of and left out.
    func clips(_ names: [String], language: String? = nil, or other: String? = nil) -> [PromptClip] {
        let first = language ?? self.language
        return names.compactMap { name in
            for language in [first, other].compactMap({ $0 }) {
                if let clip = core.surroundings?.prompt(name, language: language) { return clip }
            }
            publish(.note("there is no prompt '\(name)'"))
            core.log(.warning, "there is no prompt '\(name)' in language \(first)", call: id)
            return nil
        }
    }

    /// Plays prompts to a leg (nil: to whoever is served), then `loop` if there is one; the token that its end will carry.
    @discardableResult
    func say(_ clips: [PromptClip], loop: PromptClip? = nil, to listener: Int? = nil) -> UInt64 {
        sayings += 1
        let index = listener ?? anchor
        if let port = legs[index].port {
            core.media.perform(.say(port.id, clips, loop: loop, token: sayings << 8 | UInt64(index & 0xFF)))
        }
        if index == anchor { makeUnderstood() }
        return sayings
    }

    /// Plays prompts; the plan goes on when they are over.
    func tell(_ names: [String]) {
        for name in names { publish(.prompt(name)) }
        let clips = clips(names)
        guard !clips.isEmpty, legs[anchor].port != nil else { return proceed(.done) }
        enter(.telling)
        say(clips)
    }

    /// The recorded pieces that say a value; nothing, with a note, when it is none.
    func pieces(_ kind: Step.Say.Kind, _ value: String) -> [String] {
        let spoken = Language(rawValue: language) ?? .en
        let said = SpokenValue(kind, value)?.pieces(in: spoken) ?? []
        if said.isEmpty { publish(.note("'\(value)' is no \(kind.rawValue)")) }
        return said
    }

    /// Something that was being said is over.
    func said(_ token: UInt64, on index: Int) {
        guard token >> 8 == sayings else { return }
        switch stage {
        case .telling: proceed(.done)
        case .asking(var asking):
            asking.isPlaying = false
            stage = .asking(asking)
            awaitKey(asking)
        case .introducing(let leg) where leg == index: introduced(to: leg)
        case .deciding, .answering, .dialing, .echoing, .queued, .introducing, .consulting, .talking, .sounding,
            .supervising, .parked, .ending:
            break
        }
    }

    // MARK: keys

    static let mostTypedAhead = 32
    private static let terminatorPatience: Duration = .seconds(1)

    func ask(_ ask: Ask) {
        let ahead = typedAhead
        typedAhead = []
        guard ahead.isEmpty else {
            enter(.asking(Asking(ask: ask, isPlaying: false)))
            awaitKey(Asking(ask: ask, isPlaying: false))
            for key in ahead { take(key) }
            return
        }
        for name in ask.prompts { publish(.prompt(name)) }
        let clips = clips(ask.prompts)
        enter(.asking(Asking(ask: ask, isPlaying: !clips.isEmpty)))
        if clips.isEmpty {
            awaitKey(Asking(ask: ask, isPlaying: false))
        } else {
            say(clips)
        }
    }

    /// Nobody asked: the keys are no answer to what is asked later, somewhere else. They may be those of a PIN.
    func forgetTypedAhead() {
        let ahead = typedAhead
        typedAhead = []
        for key in ahead { tell(of: key, on: anchor, isSecret: true) }
    }

    private func awaitKey(_ asking: Asking) {
        core.timers.start(.call(id, .nextKey), at: now.instant + asking.ask.timeout)
    }

    /// One key of the caller; each ends the prompt (barge-in). What nobody asks for yet is told of when somebody does: it may be a PIN.
    func take(_ typed: TypedKey) {
        let key = typed.name
        if isLateTerminator(key) { return tell(of: typed, on: anchor) }
        guard case .asking(var asking) = stage else {
            switch stage {
            case .deciding, .telling, .consulting:
                if typedAhead.count < Self.mostTypedAhead { typedAhead.append(typed) }
                return
            default: tell(of: typed, on: anchor)
            }
            switch stage {
            case .queued: exitQueue(by: key)
            case .supervising: switchSupervision(by: key)
            default: break
            }
            return
        }
        tell(of: typed, on: anchor, isSecret: asking.ask.isSecret)
        if asking.isPlaying {
            asking.isPlaying = false
            sayings += 1
            stopTone()
        }
        if key == asking.ask.terminator { return finishAsking(asking) }
        asking.keys += key
        stage = .asking(asking)
        guard asking.keys.utf8.count >= asking.ask.maximum else { return awaitKey(asking) }
        if !asking.ask.terminator.isEmpty { filled = (asking.ask.terminator, now.instant) }
        finishAsking(asking)
    }

    /// A prompt asked for it, though the last digit has ended the question: it is no answer to the next one.
    private func isLateTerminator(_ key: String) -> Bool {
        guard let (terminator, at) = filled else { return false }
        filled = nil
        return key == terminator && now.instant - at <= Self.terminatorPatience
    }

    func keysAreOver() {
        guard case .asking(let asking) = stage else { return }
        finishAsking(asking)
    }

    private func finishAsking(_ asking: Asking) {
        core.timers.stop(.call(id, .nextKey))
        enter(.deciding)
        proceed(.input(asking.keys))
    }

    /// What a URL said; nil: nothing usable in time.
    func consulted(_ steps: [Step]?) {
        guard case .consulting = stage else { return }
        let faults = tenant.faults(
            in: steps ?? [],
            within: plan.plan,
            variables: plan.variables,
            language: language,
            isRecorded: { core.surroundings?.prompt($0, language: $1) != nil }
        )
        guard let fault = faults.first else { return proceed(.steps(steps)) }
        core.log(.warning, "the steps from the URL cannot be done: \(fault.problem)", call: id)
        publish(.note("the steps from the URL cannot be done: \(fault.problem)"))
        proceed(.steps(nil))
    }
}

extension SpokenValue {
    func pieces(in language: Language) -> [String] {
        switch self {
        case .digits(let text): return Saying.digits(text, in: language)
        case .number(let value): return Saying.number(value, in: language)
        case .longNumber(let isNegative, let digits):
            return Saying.longNumber(isNegative: isNegative, digits: digits, in: language)
        case .amount(let hundredths, let named):
            let currency: Prompts.Currency =
                switch named {
                case .rouble: .rouble
                case .dollar: .dollar
                case .euro: .euro
                case nil: language == .ru ? .rouble : .dollar
                }
            return Saying.amount(hundredths, currency: currency, in: language)
        case .time(let hour, let minute): return Saying.time(hour: hour, minute: minute, in: language)
        case .date(let year, let month, let day):
            return Saying.date(year: year, month: month, day: day, in: language)
        }
    }
}

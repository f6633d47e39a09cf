extension Step {
    /// Whom a step reaches.
    public enum Target: Equatable, Sendable {
        case user(Template)
        /// The first of these that takes the call.
        case trunks([String], number: Template)
        case group([Template])
    }

    /// Rings somebody until he answers, refuses, or `timeout` is over; the outcome is in `dial_result`.
    public struct Dial: Equatable, Sendable {
        public static let defaultTimeout: Duration = .seconds(30)

        public var target: Target
        public var timeout: Duration
        /// The number that a trunk is to be shown; nil: the caller's.
        public var callerID: Template?

        public init(target: Target, timeout: Duration = Dial.defaultTimeout, callerID: Template? = nil) {
            (self.target, self.timeout, self.callerID) = (target, timeout, callerID)
        }
    }

    /// Goes one way or the other by what variables say. All conditions must hold; each holds for any of its values.
    public struct When: Equatable, Sendable {
        public var conditions: [Condition]
        public var then: [Step]
        public var otherwise: [Step]

        public init(_ conditions: [Condition], then: [Step], otherwise: [Step] = []) {
            (self.conditions, self.then, self.otherwise) = (conditions, then, otherwise)
        }
    }

    public struct Condition: Equatable, Sendable {
        public var variable: String
        public var values: [Value]

        public init(_ variable: String, _ values: [Value]) { (self.variable, self.values) = (variable, values) }
    }

    public enum Value: Equatable, Sendable, CustomStringConvertible {
        case text(String)
        case expression(RegularExpression)
        /// On one of the tenant's lists of numbers.
        case list(String)

        var isText: Bool { if case .text = self { true } else { false } }

        public var description: String {
            switch self {
            case .text(let text): "'\(text)'"
            case .expression(let expression): "/\(expression.source)/"
            case .list(let name): "list \(name)"
            }
        }

        func matches(_ value: String, lists: [String: NumberList]) -> Bool {
            switch self {
            case .list(let name): lists[name]?.contains(value) ?? false
            case .text(let text): text == value
            case .expression(let expression):
                value.unicodeScalars.count <= Pattern.longestNumber && expression.matches(value)
            }
        }
    }

    public struct Assignment: Equatable, Sendable {
        public var variable: String
        public var value: Template

        public init(_ variable: String, _ value: Template) { (self.variable, self.value) = (variable, value) }
    }

    /// Waits for an agent of a queue.
    public struct QueueEntry: Equatable, Sendable {
        public var name: String
        /// Higher goes first, 0 to 100.
        public var priority: Int
        /// The least that the agent must have.
        public var skill: Int

        public init(name: String, priority: Int = 0, skill: Int = 0) {
            (self.name, self.priority, self.skill) = (name, priority, skill)
        }
    }

    /// Says something from recorded pieces.
    public struct Say: Equatable, Sendable {
        public enum Kind: String, CaseIterable, Sendable { case number, digits, date, time, amount }

        public var kind: Kind
        public var value: Template

        public init(_ kind: Kind, _ value: Template) { (self.kind, self.value) = (kind, value) }
    }

    /// Plays a prompt and goes where the key says.
    public struct Menu: Equatable, Sendable {
        public struct Key: Equatable, Sendable {
            public var key: String
            public var steps: [Step]

            public init(_ key: String, _ steps: [Step]) { (self.key, self.steps) = (key, steps) }
        }

        public var prompt: Template
        /// How long a key is awaited after the prompt.
        public var timeout: Duration
        /// How often the prompt is played before `otherwise`.
        public var attempts: Int
        /// Played upon a key that leads nowhere.
        public var invalid: Template?
        public var keys: [Key]
        public var otherwise: [Step]

        public init(
            prompt: Template,
            timeout: Duration = .seconds(5),
            attempts: Int = 3,
            invalid: Template? = nil,
            keys: [Key],
            otherwise: [Step] = []
        ) {
            (self.prompt, self.timeout, self.attempts) = (prompt, timeout, attempts)
            (self.invalid, self.keys, self.otherwise) = (invalid, keys, otherwise)
        }
    }

    /// Takes down digits into a variable.
    public struct Collect: Equatable, Sendable {
        public var variable: String
        public var prompt: Template?
        public var minimum: Int
        public var maximum: Int
        /// The longest wait for the next key.
        public var timeout: Duration
        public var terminator: String

        public init(
            variable: String,
            prompt: Template? = nil,
            minimum: Int = 1,
            maximum: Int = 16,
            timeout: Duration = .seconds(5),
            terminator: String = "#"
        ) {
            (self.variable, self.prompt, self.minimum, self.maximum) = (variable, prompt, minimum, maximum)
            (self.timeout, self.terminator) = (timeout, terminator)
        }
    }

    /// Changes the state of the agent who calls.
    public struct AgentStep: Equatable, Sendable {
        public enum Change: String, CaseIterable, Sendable {
            case login, logout, pause, unpause
            case endWrapUp = "end-wrap-up"
            case extendWrapUp = "extend-wrap-up"
            case toggleLogin = "toggle-login"
            case togglePause = "toggle-pause"

            /// A pause has a reason, one of the tenant's.
            public var takesReason: Bool { self == .pause || self == .togglePause }

            /// What it is for an agent in this state: a toggle is one of two others.
            public func settled(isLoggedIn: Bool, isPaused: Bool) -> Change {
                switch self {
                case .toggleLogin: isLoggedIn ? .logout : .login
                case .togglePause: isPaused ? .unpause : .pause
                case .login, .logout, .pause, .unpause, .endWrapUp, .extendWrapUp: self
                }
            }

            /// What whoever asked for it hears when it is done.
            public var prompt: String {
                switch self {
                case .login, .toggleLogin: "logged-in"
                case .logout: "logged-out"
                case .pause, .togglePause: "paused"
                case .unpause: "unpaused"
                case .endWrapUp: "wrap-up-ended"
                case .extendWrapUp: "wrap-up-extended"
                }
            }
        }

        public static let usualExtension: Duration = .seconds(60)

        public var change: Change
        public var reason: String?
        /// Who logs in at the caller's phone, with his PIN; nil: whoever the phone is of.
        public var user: Template?
        /// How much longer the wrap-up is to last.
        public var more: Duration = usualExtension

        public init(_ change: Change, reason: String? = nil, user: Template? = nil) {
            (self.change, self.reason, self.user) = (change, reason, user)
        }
    }

    /// Goes one way in opening hours and the other out of them.
    public struct Hours: Equatable, Sendable {
        public var open: [OpeningHours]
        /// Days, as `YYYY-MM-DD`, on which nobody works.
        public var holidays: [String]
        /// nil: the tenant's.
        public var timeZone: String?
        public var then: [Step]
        public var otherwise: [Step]

        public init(
            open: [OpeningHours],
            holidays: [String] = [],
            timeZone: String? = nil,
            then: [Step],
            otherwise: [Step] = []
        ) {
            (self.open, self.holidays, self.timeZone) = (open, holidays, timeZone)
            (self.then, self.otherwise) = (then, otherwise)
        }
    }

    /// Asks a URL what to do next.
    public struct HTTPRequest: Equatable, Sendable {
        public var url: Template
        public var timeout: Duration
        /// What to do when no usable answer comes in time.
        public var fallback: [Step]

        public init(url: Template, timeout: Duration = .seconds(3), fallback: [Step] = []) {
            (self.url, self.timeout, self.fallback) = (url, timeout, fallback)
        }
    }

    /// Keeps the caller's place in a queue and rings him when it is his turn.
    public struct Callback: Equatable, Sendable {
        public var queue: String
        public var number: Template

        public init(queue: String, number: Template) { (self.queue, self.number) = (queue, number) }
    }
}

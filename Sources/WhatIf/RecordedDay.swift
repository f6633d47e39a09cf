public import Config
public import Events

/// What came into a tenant's queues in a window of time, and who was there to take it: the input of a replay. Times are milliseconds
/// since 1970, lengths milliseconds.
public struct RecordedDay: Equatable, Sendable {
    /// One caller's stay in one queue.
    public struct Arrival: Equatable, Sendable {
        public var call: CallID
        public var queue: String
        public var number: String
        public var priority: Int
        public var entered: Int64
        /// Waited in queues before this one.
        public var carried: Int64
        /// Until he was answered, or gone.
        public var wait: Int64
        public var outcome: QueueOutcome
        /// Of the talk, its wrap-up, and the phone that was answered; nil: he was not answered.
        public var talk: Int64?
        public var wrapUp: Int64?
        public var ring: Int64?

        public init(
            call: CallID,
            queue: String,
            number: String,
            priority: Int,
            entered: Int64,
            carried: Int64,
            wait: Int64,
            outcome: QueueOutcome,
            talk: Int64?,
            wrapUp: Int64?,
            ring: Int64?
        ) {
            (self.call, self.queue, self.number, self.priority) = (call, queue, number, priority)
            (self.entered, self.carried, self.wait, self.outcome) = (entered, carried, wait, outcome)
            (self.talk, self.wrapUp, self.ring) = (talk, wrapUp, ring)
        }
    }

    /// One caller who wanted to be called back.
    public struct Callback: Equatable, Sendable {
        /// One time that an agent took it, whether the caller was reached or not; lengths as of an arrival.
        public struct Attempt: Equatable, Sendable {
            /// When the agent was there.
            public var began: Int64
            public var ring: Int64
            /// From the agent's answer to the end, the ringing of the number included.
            public var talk: Int64
            public var wrapUp: Int64?

            public init(began: Int64, ring: Int64, talk: Int64, wrapUp: Int64?) {
                (self.began, self.ring, self.talk, self.wrapUp) = (began, ring, talk, wrapUp)
            }
        }

        public var id: String
        public var queue: String
        public var number: String
        public var skill: Int
        public var requested: Int64
        /// The arrival that left the line for it, whose place it has; nil: not of this day, or it had none.
        public var askedBy: CallID?
        /// The first first; none: nobody had come to it yet.
        public var attempts: [Attempt]
        /// When it was called off; nil: it was not.
        public var cancelled: Int64?

        public init(
            id: String,
            queue: String,
            number: String,
            skill: Int = 0,
            requested: Int64,
            askedBy: CallID?,
            attempts: [Attempt],
            cancelled: Int64? = nil
        ) {
            (self.id, self.queue, self.number, self.skill) = (id, queue, number, skill)
            (self.requested, self.askedBy, self.attempts, self.cancelled) = (requested, askedBy, attempts, cancelled)
        }
    }

    /// What an agent did by himself: not what the queues' calls made of him.
    public enum Presence: Hashable, Sendable {
        case away
        case here
        case paused(String)
        /// His phone was gone, or he was taken out.
        case unreachable
        /// In a call of his own.
        case engaged
    }

    public struct Agent: Equatable, Sendable {
        public var user: String
        /// From when on what holds, in order.
        public var presence: [(since: Int64, Presence)]
        /// Of the calls that rang at his phone, the share that he did not take, 0 to 1.
        public var missRate: Double

        public init(user: String, presence: [(since: Int64, Presence)], missRate: Double) {
            (self.user, self.presence, self.missRate) = (user, presence, missRate)
        }

        public static func == (a: Agent, b: Agent) -> Bool {
            a.user == b.user && a.missRate == b.missRate
                && a.presence.elementsEqual(b.presence) { $0.since == $1.since && $0.1 == $1.1 }
        }
    }

    public var from: Int64
    public var until: Int64
    /// In the order in which they came.
    public var arrivals: [Arrival]
    public var agents: [Agent]
    /// Those that stood at the beginning of the window too.
    public var callbacks: [Callback]

    public init(from: Int64, until: Int64, arrivals: [Arrival], agents: [Agent], callbacks: [Callback] = []) {
        (self.from, self.until, self.arrivals, self.agents) = (from, until, arrivals, agents)
        self.callbacks = callbacks
    }
}

/// What is to be otherwise than it was.
public struct Alteration: Equatable, Sendable {
    /// Which queue; nil: every one.
    public var queue: String?
    public var agents: Int?
    public var strategy: Queue.Strategy?
    public var wrapUp: Duration?

    public init(queue: String? = nil, agents: Int? = nil, strategy: Queue.Strategy? = nil, wrapUp: Duration? = nil) {
        (self.queue, self.agents, self.strategy, self.wrapUp) = (queue, agents, strategy, wrapUp)
    }

    func concerns(_ name: String) -> Bool { queue == nil || queue == name }
}

/// One step of a rule or a flow.
public struct Step: Equatable, Sendable {
    public var action: Action
    public var position: SourcePosition
    /// Where the words of its value stand, each the first time; those of steps within it are theirs.
    private let places: [String: SourcePosition]

    public init(_ action: Action, position: SourcePosition = .none, places: [String: SourcePosition] = [:]) {
        (self.action, self.position, self.places) = (action, position, places)
    }

    /// Where a word of it stands.
    public func place(of word: String) -> SourcePosition { places[word] ?? position }

    /// Where a step stands does not change what it does.
    public static func == (lhs: Step, rhs: Step) -> Bool { lhs.action == rhs.action }

    /// As the plan writes it: `dial`.
    public var name: String { action.name.rawValue }

    /// The recordings that it plays.
    public var prompts: [Template] {
        switch action {
        case .play(let prompts): prompts
        case .menu(let menu): [menu.prompt] + (menu.invalid.map { [$0] } ?? [])
        case .collect(let collect): collect.prompt.map { [$0] } ?? []
        case .answer, .ringing, .echo, .record, .hangup, .goto, .dial, .transfer, .when, .set, .say, .http, .hours,
            .supervise, .pickup, .park, .queue, .callback, .agent:
            []
        }
    }

    /// What it gives the variable `language`, in which prompts are heard from then on.
    public var languages: [Template] {
        guard case .set(let assignments) = action else { return [] }
        return assignments.filter { $0.variable == "language" }.map(\.value)
    }

    /// Every step a plan may name.
    public enum Name: String, CaseIterable, Sendable {
        case answer, ringing, echo, hangup, dial, when, goto, set, record
        case queue, play, say, menu, collect, agent, hours, http, callback, transfer, supervise, pickup, park
    }

    public indirect enum Action: Equatable, Sendable {
        case answer
        case ringing
        /// Sends the caller's voice back until he hangs up.
        case echo
        /// The name of a `HangupCause`, or what a variable says.
        case hangup(Template)
        case dial(Dial)
        case when(When)
        /// Goes on with a flow of this plan, and does not come back.
        case goto(String)
        case set([Assignment])
        case record(Bool)
        case queue(QueueEntry)
        case play([Template])
        case say(Say)
        case menu(Menu)
        case collect(Collect)
        case agent(AgentStep)
        case hours(Hours)
        case http(HTTPRequest)
        case callback(Callback)
        case transfer(Target)
        case supervise(Supervise)
        /// Takes a call that rings at these users.
        case pickup(Target)
        case park(Park)

        public var name: Name {
            switch self {
            case .answer: .answer
            case .ringing: .ringing
            case .echo: .echo
            case .hangup: .hangup
            case .dial: .dial
            case .when: .when
            case .goto: .goto
            case .set: .set
            case .record: .record
            case .queue: .queue
            case .play: .play
            case .say: .say
            case .menu: .menu
            case .collect: .collect
            case .agent: .agent
            case .hours: .hours
            case .http: .http
            case .callback: .callback
            case .transfer: .transfer
            case .supervise: .supervise
            case .pickup: .pickup
            case .park: .park
            }
        }

        /// The lists of steps that a step may lead into, and after which the plan goes on behind it.
        public var branches: [[Step]] {
            switch self {
            case .when(let when): [when.then, when.otherwise]
            case .hours(let hours): [hours.then, hours.otherwise]
            case .menu(let menu): menu.keys.map(\.steps) + [menu.otherwise]
            case .http(let request): [request.fallback]
            case .answer, .ringing, .echo, .hangup, .dial, .goto, .set, .record, .queue, .play, .say, .collect,
                .agent, .callback, .transfer, .supervise, .pickup, .park:
                []
            }
        }
    }
}

public import ACD
public import Calls
public import DialPlan
public import Events
public import Media
public import NetAddress
public import SIP
public import Timebase

/// What the engine asks of the world. Everything is queued by the receiver and returns at once.
public protocol EngineOutlet: AnyObject {
    func transmit(_ bytes: [UInt8], over flow: Flow)
    /// Asks DNS for the servers of a host; the answer comes back through `Engine.located`.
    func locate(_ query: ServerQuery)
    func store(_ change: RegistrationChange)
    /// nil: there is no such prompt.
    func prompt(_ name: String, language: String) -> PromptClip?
    /// What the clocks in a zone show.
    func localTime(in zone: String, at moment: WallTime) -> LocalTime
    /// Asks a URL; the answer comes back through `Engine.answered`.
    func ask(_ url: String, timeout: Duration, for call: CallID)
    func record(_ order: RecordingOrder)
    /// Keeps what outlives a restart of an agent; nil: nothing of him does.
    func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?)
    /// The same of a queue.
    func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?)
    func log(_ level: LogLevel, _ text: String, call: CallID?)
}

/// What the registrar wants kept over a restart.
public enum RegistrationChange: Sendable {
    case put(StoredRegistration)
    case remove(StoredRegistration)
}

/// Counts for `/metrics` and `gudok doctor`; only ever up.
public struct EngineCounters: Sendable {
    public var messagesReceived: UInt64 = 0
    public var messagesSent: UInt64 = 0
    /// Refused requests by status.
    public var refused: [Int: UInt64] = [:]
    /// Dropped messages by a stable reason.
    public var dropped: [String: UInt64] = [:]
    public var authenticationFailures: UInt64 = 0

    public init() {}
}

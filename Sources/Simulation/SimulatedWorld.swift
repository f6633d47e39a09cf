import ACD
import Calls
import DialPlan
import Engine
import Events
import Media
import NetAddress
import SIP
import Timebase

/// What the engine asks of the world in a simulation.
final class SimulatedWorld: EngineOutlet {
    private var output: [([UInt8], Flow)] = []
    /// What is on disk, and outlives the engine.
    private(set) var registrations: [String: StoredRegistration] = [:]
    private(set) var memories: [UserID: Dispatcher.AgentMemory] = [:]
    private(set) var paces: [QueueID: Dispatcher.QueueMemory] = [:]

    func takeOutput() -> [([UInt8], Flow)] {
        defer { output = [] }
        return output
    }

    func transmit(_ bytes: [UInt8], over flow: Flow) { output.append((bytes, flow)) }
    func locate(_ query: ServerQuery) {}
    func store(_ change: RegistrationChange) {
        switch change {
        case .put(let registration): registrations[Self.key(registration)] = registration
        case .remove(let registration): registrations[Self.key(registration)] = nil
        }
    }

    func prompt(_ name: String, language: String) -> PromptClip? { Self.second }
    func localTime(in zone: String, at moment: WallTime) -> LocalTime {
        LocalTime(localSeconds: moment.milliseconds / 1000)
    }
    func ask(_ url: String, timeout: Duration, for call: CallID) {}
    func record(_ order: RecordingOrder) {}
    func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?) { memories[agent] = memory }
    func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?) { paces[queue] = memory }
    func log(_ level: LogLevel, _ text: String, call: CallID?) {}

    private static func key(_ registration: StoredRegistration) -> String {
        "\(registration.user) \(registration.contact)"
    }

    /// Every prompt lasts a second.
    private static let second = PromptClip(
        alaw: Array(repeating: 0xD5, count: 8_000),
        µlaw: Array(repeating: 0xFF, count: 8_000)
    )
}

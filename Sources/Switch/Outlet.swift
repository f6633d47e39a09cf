import ACD
import Calls
import Config
import DialPlan
import Engine
import Events
import Foundation
import Media
import NIOCore
import NIOPosix
import NetAddress
import Records
import SIP
import SignallingIO
import Timebase

/// Carries out what the engine asks of the world. Lives on the core's loop.
final class Outlet: EngineOutlet {
    private let loop: any EventLoop
    private let log: LogSink
    private let resolver: NameResolver
    private let registrations: RegistrationWriter
    weak var sockets: SignallingSockets?
    /// Where answers of the resolver go.
    weak var core: Core?

    private let prompts: PromptStore
    private let keeper: MemoryKeeper
    private let tapes: TapeRoom
    private let web: WebClient
    private var zones: [String: TimeZone] = [:]

    init(
        loop: any EventLoop,
        log: LogSink,
        resolver: NameResolver,
        registrations: RegistrationWriter,
        prompts: PromptStore,
        keeper: MemoryKeeper,
        tapes: TapeRoom,
        web: WebClient
    ) {
        (self.loop, self.log, self.resolver, self.registrations) = (loop, log, resolver, registrations)
        (self.prompts, self.keeper, self.tapes, self.web) = (prompts, keeper, tapes, web)
    }

    /// How long the disk of the recordings has not answered.
    var recordingStall: Duration { tapes.stall }

    func transmit(_ bytes: [UInt8], over flow: Flow) { sockets?.send(bytes, over: flow) }

    func locate(_ query: ServerQuery) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        resolver.locate(query) { location in loop.execute { bound.value.core?.located(query, location) } }
    }

    func store(_ change: RegistrationChange) { registrations.add(change) }

    func prompt(_ name: String, language: String) -> PromptClip? { prompts.clip(name, language: language) }

    func localTime(in zone: String, at moment: WallTime) -> LocalTime {
        let known = zones[zone] ?? TimeZone(identifier: zone) ?? .gmt
        zones[zone] = known
        return LocalTime(at: moment, in: known)
    }

    func ask(_ url: String, timeout: Duration, for call: CallID) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let request = StepRequest(url: url, timeout: timeout)
        // In a turn of its own: that no more can be asked is known at once, in the middle of the step that asks.
        loop.flatSubmit { request.send(by: bound.value.web, on: bound.value.loop) }.whenComplete { result in
            let outlet = bound.value
            switch result {
            case .success(let steps): outlet.core?.answered(call, steps)
            case .failure(let error):
                outlet.log(.warning, "no step from \(url.withoutUserInfo): \(error)", call: call)
                outlet.core?.answered(call, nil)
            }
        }
    }

    func record(_ order: RecordingOrder) { tapes.perform(order) }

    func remember(_ agent: UserID, _ memory: Dispatcher.AgentMemory?) { keeper.add(.agent(agent), memory) }
    func remember(_ queue: QueueID, _ memory: Dispatcher.QueueMemory?) { keeper.add(.queue(queue), memory) }

    func log(_ level: LogLevel, _ text: String, call: CallID?) { log.log(level, text, call: call) }
}

import Config
import Engine
import Events
import Foundation
import Media
import MediaIO
import NIOConcurrencyHelpers
import NIOCore
import Records
import SIP
import SignallingIO
import Timebase

/// What is there before the core, and what that is made of.
struct CoreParts: Sendable {
    let configuration: Configuration
    /// Of the nonces.
    let secret: [UInt8]
    let folder: URL
    let log: LogSink
    let post: CorePost
    let media: MediaThreads
    let resolver: NameResolver
    let registrations: RegistrationWriter
    let prompts: PromptStore
    let keeper: MemoryKeeper
    let audit: AuditKeeper
    let tapes: TapeRoom
    let web: WebClient
    let feed: EventFeed
    let interrupted: [(TenantID, TenantDatabase.Interrupted)]
    let owed: [TenantID: RecordWriter.Recovery]

    /// On the core's own loop.
    func makeCore(on loop: any EventLoop) -> (CoreHandle, NIOLoopBound<SignallingSockets>) {
        let outlet = Outlet(
            loop: loop,
            log: log,
            resolver: resolver,
            registrations: registrations,
            prompts: prompts,
            keeper: keeper,
            tapes: tapes,
            web: web
        )
        let bus = EventBus(node: configuration.node.name)
        let now = SystemClock.now()
        let engine = Engine(
            configuration: configuration,
            secret: secret,
            media: media,
            outlet: outlet,
            bus: bus,
            generator: SystemRandomNumberGenerator(),
            now: now
        )
        let records = RecordWriter(
            folder: folder,
            settings: RecordWriter.Settings(configuration.node),
            owed: owed,
            onCommitted: { [post] calls in post.handle?.post { $0.recorded(calls) } },
            feed: feed,
            onTrouble: { [log] in log.log(.error, $0) }
        )
        for (tenant, left) in interrupted {
            records.restore(left.stays, of: tenant)
            records.tell(left.ends, of: tenant, at: now.instant)
        }
        bus.subscribe(records)
        bus.subscribe(EventLog(log))
        bus.subscribe(audit)
        let core = Core(
            loop: loop,
            engine: engine,
            records: records,
            outlet: outlet,
            advertised: configuration.node.mediaAddresses
        )
        outlet.core = core
        let sockets = SignallingSockets(loop: loop, receiver: core, limits: SignallingLimits(configuration.node))
        outlet.sockets = sockets
        core.watchStalls()
        let handle = CoreHandle(core)
        post.set(handle)
        return (handle, NIOLoopBound(sockets, eventLoop: loop))
    }
}

/// Where threads that are older than the core find it.
final class CorePost: Sendable {
    private let storage = NIOLockedValueBox<CoreHandle?>(nil)
    var handle: CoreHandle? { storage.withLockedValue { $0 } }
    func set(_ handle: CoreHandle) { storage.withLockedValue { $0 = handle } }
}

extension SignallingLimits {
    init(_ node: NodeConfiguration) {
        self.init()
        (connections, connectionsOfOneAddress) = (node.connections, node.connectionsPerAddress)
    }
}

extension RecordWriter.Settings {
    init(_ node: NodeConfiguration) {
        self.init()
        durability = node.durability == .power ? .power : .process
        traceDays = node.traceDays
        traceOctets = Int64(node.traceMebibytes) << 20
    }
}

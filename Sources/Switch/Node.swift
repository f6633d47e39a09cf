import Config
import ControlAPI
import Engine
import Events
import Foundation
import Media
import MediaIO
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NetAddress
import Records
import SIP
import SignallingIO
import Timebase

/// One running switch: sockets, threads, files, and the engine between them.
public actor Node {
    public struct Fault: Error, CustomStringConvertible {
        public var description: String
        init(_ description: String) { self.description = description }
    }

    var files: ConfigurationFiles
    let log: LogSink
    let handle: CoreHandle
    let media: MediaThreads
    let database: NodeDatabase
    private let loopGroup: MultiThreadedEventLoopGroup
    private let registrations: RegistrationWriter
    let prompts: PromptStore
    let feed: EventFeed
    private let keeper: MemoryKeeper
    let audit: AuditKeeper
    private let tapes: TapeRoom
    private let web: WebClient
    /// Forecasts and replays, reports, and everything that a file is looked at for.
    let planning = WorkerPool(for: "replays and forecasts", workers: 1, most: 4)
    let reporting = WorkerPool(for: "reports", workers: 2, most: 8)
    let reading = WorkerPool(for: "readings of files", workers: 4, most: 64)
    /// Every event wakes all who follow, at one moment.
    let following = WorkerPool(for: "readings of events", workers: 2, most: 256)
    var delivery: DeliveryDesk
    private let resolver: NameResolver
    /// Of each media thread: the frames of a hundred calls over a disk's stall of five seconds, and more.
    private static let ringOctets = 16 << 20
    private let sockets: NIOLoopBound<SignallingSockets>
    var control: ControlServer?
    private let serving: FolderLock
    private var retention: Task<Void, Never>?
    /// As the ready line says them.
    public private(set) var addresses: [String] = []
    public private(set) var httpAddress: String?
    var isReady = false
    private var isHurried = false
    /// Live views come without today's figures, and the log has it.
    var isLackingFigures = false
    /// The last change of the configuration, for the next to wait for.
    var changing: Task<Void, Never>?

    /// Reads the configuration, binds everything and takes calls.
    public init(configurationFile: String, log: LogSink) async throws {
        let inFolders = try ConfigurationFiles(file: configurationFile)
        // Before anything is touched: what a switch that lives has open is not for us to close.
        try await ControlServer.requireUnserved(socket: inFolders.socketPath)
        // Until it is served: whoever applies meanwhile, or starts another switch, waits and then finds this one.
        let lock = try await FolderLock(inFolders.dataFolder)
        defer { withExtendedLifetime(lock) {} }
        try await ControlServer.requireUnserved(socket: inFolders.socketPath)
        serving = try await FolderLock.serving(inFolders.dataFolder)
        let database = try NodeDatabase(folder: inFolders.dataFolder)
        if let loss = try database.noteLoss(at: SystemClock.now().wall) { log.log(.error, loss) }
        let files = inFolders.joined(by: try database.applied())
        let configuration = try files.configuration()
        let node = configuration.node
        for fault in files.missingPrompts(in: configuration) { log.log(.error, "\(fault)") }
        Self.forget(database, allBut: files.applied, log)
        do { try Backup.sweep(files.dataFolder) } catch {
            log.log(.warning, "what a backup left behind cannot be removed: \(error.inWords)")
        }
        OpenFiles.raiseLimit()
        (self.files, self.log, self.database) = (files, log, database)
        registrations = RegistrationWriter(database: database, log: log)
        loopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = loopGroup.next()
        let post = CorePost()
        media = try Self.makeMedia(node, post)
        let stored = try database.registrations()
        let memories = try MemoryKeeper.memories(in: database, log: log)
        let prompts = PromptStore(log: log)
        prompts.load([PromptStore.shipped, files.promptsFolder])
        self.prompts = prompts
        let tapes = TapeRoom(folder: files.dataFolder, rings: media.rings) { events in
            post.handle?.post { $0.received(events) }
        }
        self.tapes = tapes
        let keeper = MemoryKeeper(database: database, log: log)
        self.keeper = keeper
        let audit = AuditKeeper(database: database, log: log)
        self.audit = audit
        guard let web = WebClient(certificates: node.certificates.map { files.resolve($0.path).path }) else {
            throw Fault("requests to URLs cannot be made: out of memory")
        }
        self.web = web
        delivery = DeliveryDesk(folder: files.dataFolder, web: web, log: log)
        let key = try database.nonceKey()
        let (interrupted, owed) = try Self.closeInterrupted(in: files.dataFolder, post, log)
        let callbacks = Self.openCallbacks(in: files.dataFolder, of: configuration.tenants.keys.sorted(), log)
        feed = EventFeed(after: try RecordFolder(files.dataFolder).lastEvent())
        guard let resolver = NameResolver(servers: node.nameServers) else {
            throw Fault("the resolver's thread cannot be started: out of memory or descriptors; raise `ulimit -n`")
        }
        self.resolver = resolver
        let parts = CoreParts(
            configuration: configuration,
            secret: key,
            folder: files.dataFolder,
            log: log,
            post: post,
            media: media,
            resolver: resolver,
            registrations: registrations,
            prompts: prompts,
            keeper: keeper,
            audit: audit,
            tapes: tapes,
            web: web,
            feed: feed,
            interrupted: interrupted,
            owed: owed
        )
        (handle, sockets) = try await loop.submit { parts.makeCore(on: loop) }.get()
        do {
            delivery.serve(configuration.tenants)
            try await listen(node)
            try await handle.ask { core in
                core.turn { $0.restore(stored, at: $1) }
                core.turn { $0.restore(memories.agents, at: $1) }
                core.records.settleWrapUps(at: SystemClock.now().instant)
                core.turn { $0.restore(memories.queues, at: $1) }
                for (tenant, open) in callbacks { core.turn { $0.restore(open, of: tenant, at: $1) } }
            }
            try await serveControl(node)
        } catch {
            await shutDown()
            throw error
        }
        isReady = true
        retention = startRetention()
    }

    private static func makeMedia(_ node: NodeConfiguration, _ post: CorePost) throws -> MediaThreads {
        do {
            return try MediaThreads(
                threads: node.mediaThreads,
                addresses: node.mediaAddresses,
                ports: node.mediaPorts,
                isBatching: true,
                ringOctets: ringOctets,
                deliver: { events in post.handle?.post { $0.received(events) } }
            )
        } catch {
            throw Fault("the media threads cannot be started: out of memory or descriptors; raise `ulimit -n`")
        }
    }

    /// `ready sip=udp://127.0.0.1:5060,… http=127.0.0.1:8060`.
    public var readyLine: String {
        "ready sip=\(addresses.joined(separator: ","))" + (httpAddress.map { " http=\($0)" } ?? "")
    }

    private func listen(_ node: NodeConfiguration) async throws {
        let loop = loopGroup.next()
        let sockets = sockets
        for listener in node.listen {
            let bound: NetAddress.SocketAddress
            do {
                bound = try await loop.flatSubmit {
                    sockets.value.listen(listener.transport, on: listener.address)
                }.get()
            } catch {
                throw Fault(
                    "cannot listen on \(listener): \(ControlServer.reason(of: error)); free it, or choose another in `sip.listen`"
                )
            }
            addresses.append("\(listener.transport.rawValue)://\(bound)")
            try await handle.ask { core in
                let known = core.advertise(bound)
                core.engine.listeners.append(Listener(transport: listener.transport, address: known))
            }
        }
        if try await loop.submit({ !sockets.value.hearsReturns }).get() {
            log.log(.notice, "ICMP is not heard without CAP_NET_RAW: who is gone is rung to the end of his time")
        }
    }

    private func serveControl(_ node: NodeConfiguration) async throws {
        let server = ControlServer(backend: Backend(self), group: MultiThreadedEventLoopGroup.singleton)
        control = server
        try await server.listen(socket: files.socketPath)
        guard let http = node.httpListen else { return }
        let port = try await server.listen(host: "\(http.ip)", port: http.port, names: node.httpNames)
        httpAddress = "\(NetAddress.SocketAddress(http.ip, port))"
    }

    /// nil while calls are taken.
    var whyNotReady: String? {
        get async {
            guard isReady else { return "draining" }
            let closed = (try? await handle.ask { $0.closedListeners }) ?? []
            return closed.isEmpty ? nil : "closed: \(closed.joined(separator: ", "))"
        }
    }

    // MARK: ending

    /// Takes no new calls, waits for those that are, ends what is left after `patience`, and closes everything.
    public func drain(patience: Duration) async {
        isReady = false
        log.log(.notice, "draining: no new calls, waiting up to \(patience) for those that are")
        try? await handle.ask { core in core.turn { $0.drain(at: $1) } }
        await waitForCalls(until: .now + patience)
        let left = (try? await handle.ask { $0.engine.callCount }) ?? 0
        if left > 0 {
            log.log(.warning, "ending \(left) calls that did not end by themselves")
            try? await handle.ask { core in core.turn { $0.hangUpEverything(reason: "shutdown", at: $1) } }
        }
        try? await handle.ask { core in core.turn { $0.endSubscriptions(at: $1) } }
        // The last answers to our BYEs, and the last records.
        await waitForResidue(until: .now + .seconds(3))
        // What is being put in force needs the core.
        await changing?.value
        await shutDown()
    }

    /// Whoever asks again for the end does not want to wait for the calls that are: they are ended in order, and on record.
    public func hurry() {
        log.log(.notice, "asked again to end: not waiting for calls")
        isHurried = true
    }

    private func waitForCalls(until deadline: ContinuousClock.Instant) async {
        while ContinuousClock.now < deadline, !isHurried {
            guard let count = try? await handle.ask({ $0.engine.callCount }), count > 0 else { return }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// What a tenant was left with is on disk before it is read again.
    func waitForRecords(until deadline: ContinuousClock.Instant) async {
        while ContinuousClock.now < deadline {
            let now = SystemClock.now().instant
            guard let lag = try? await handle.ask({ $0.records.status(now: now).lag }), lag > .zero else { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func waitForResidue(until deadline: ContinuousClock.Instant) async {
        while ContinuousClock.now < deadline {
            let left = try? await handle.ask { core in
                ["calls", "registrations-leaving"].reduce(0) { $0 + (core.engine.residue[$1] ?? 0) }
            }
            guard let left, left > 0 else { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func shutDown() async {
        retention?.cancel()
        delivery.stop()
        feed.close()
        await control?.stop()
        let sockets = sockets
        try? await loopGroup.next().flatSubmit { sockets.value.close() }.get()
        resolver.stop()
        web.stop()
        media.stop()
        if !tapes.stop() {
            log.log(
                .error,
                "the disk of the recordings does not answer: the next start repairs what was being recorded"
            )
        }
        // What the recorder said last is to be on disk too.
        _ = try? await handle.ask { _ in }
        _ = try? await handle.ask { $0.records.stop() }
        registrations.flush()
        keeper.flush()
        audit.flush()
        try? await loopGroup.shutdownGracefully()
    }
}

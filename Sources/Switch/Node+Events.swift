import Config
import ControlAPI
import Engine
import Events
import Foundation
import Records

/// The stream of events over HTTP. Whoever comes back, after a break or a restart of the switch, goes on behind the last event that
/// he had; whoever comes for the first time hears what happens from now on.
extension Node {
    /// How long a stream is silent before it says that it lives.
    private static let pace: Duration = .seconds(15)

    func events(for request: ControlRequest) async throws -> AsyncStream<ServerEvent> {
        var query = QueryReader(request.query)
        let tenant = query.text("tenant").map { TenantID($0) }
        let text = query.text("last_event_id")
        try query.finish()
        var known = feed.horizon(of: tenant)
        if let last = request.lastEventID ?? text {
            guard let id = Int64(last), (0...feed.horizon(of: nil)).contains(id) else {
                throw QueryReader.Fault(
                    what: "Last-Event-ID is '\(last)', which no event of this switch has",
                    mend: "give the id of the last event that you had, or none to hear what happens from now on"
                )
            }
            known = id
        }
        let reader = EventReader(feed, files.dataFolder, tenant, after: known, following, log)
        return AsyncStream { await reader.next(pace: Self.pace) }
    }
}

/// One follower's way through the files. It reads when the follower is ready for more.
private actor EventReader {
    private static let pageLength = 500
    private static let patience: Duration = .milliseconds(50)
    private let feed: EventFeed
    private let folder: URL
    private let tenant: TenantID?
    private let reading: WorkerPool
    private let log: LogSink
    private var known: Int64
    private var hasBegun = false
    private var page: ArraySlice<JournalEntry> = []
    private var databases: [TenantID: TenantDatabase] = [:]

    init(
        _ feed: EventFeed,
        _ folder: URL,
        _ tenant: TenantID?,
        after known: Int64,
        _ reading: WorkerPool,
        _ log: LogSink
    ) {
        (self.feed, self.folder, self.tenant, self.known) = (feed, folder, tenant, known)
        (self.reading, self.log) = (reading, log)
    }

    /// nil: the stream is over.
    func next(pace: Duration) async -> ServerEvent? {
        guard hasBegun else {
            hasBegun = true
            return .beginning(after: "\(known)")
        }
        while true {
            if let entry = page.popFirst() {
                known = entry.id
                return ServerEvent(id: "\(entry.id)", type: "message", data: entry.json)
            }
            let horizon = feed.horizon(of: tenant)
            guard horizon > known else {
                switch await feed.wait(beyond: known, of: tenant, atMost: pace) {
                case .advanced: continue
                case .timedOut: return .beat
                case .closed: return nil
                }
            }
            do {
                page = try await read(through: horizon)
            } catch is WorkerPool.Full {
                // So many others follow that he has to wait: nothing is dropped for it.
                guard (try? await Task.sleep(for: Self.patience)) != nil else { return nil }
                continue
            } catch {
                // He may come back with the last event that he has: nothing is skipped.
                log.log(.error, "a stream of events ends, as they cannot be read: \(error.inWords)")
                return nil
            }
            if page.isEmpty { known = horizon }
        }
    }

    /// Each file's next events merged: those beyond the first so many may not be all that there are.
    private func read(through horizon: Int64) async throws -> ArraySlice<JournalEntry> {
        let (found, open) = try await reading.run { [tenant, folder, known, databases] in
            var (found, open) = ([JournalEntry](), databases)
            for tenant in try tenant.map({ [$0] }) ?? RecordFolder(folder).tenants {
                guard let database = try open[tenant] ?? TenantDatabase(reading: folder, tenant: tenant) else {
                    continue
                }
                open[tenant] = database
                found += try database.events(after: known, through: horizon, limit: Self.pageLength)
            }
            return (found, open)
        }
        databases = open
        return found.sorted { $0.id < $1.id }.prefix(Self.pageLength)
    }
}

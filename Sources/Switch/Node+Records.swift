import Accounting
import Config
import ControlAPI
import Engine
import Events
import Foundation
import Records
import Reports
import Timebase

/// What is kept, over HTTP, page by page. A page begins behind the row that the one before ended with, so that what is written
/// meanwhile neither repeats a row nor hides one.
extension Node {
    /// The audit log, with the filters of `gudok audit`.
    func auditEntries(for request: ControlRequest) async throws -> ControlReply {
        var query = QueryReader(request.query)
        var wanted = NodeDatabase.AuditQuery()
        (wanted.since, wanted.until) = (try query.time("since"), try query.time("until"))
        (wanted.tenant, wanted.actor, wanted.action) = (query.text("tenant"), query.text("actor"), query.text("action"))
        wanted.outcome = try query.choice("outcome")
        (wanted.after, wanted.before) = (try query.number("after"), try query.number("before"))
        let limit = try query.limit()
        try query.finish()
        wanted.limit = limit + 1
        let found = try await reading.run { [database, wanted] in try database.auditEntries(wanted) }
        return Self.page(
            found.prefix(limit),
            of: found.count,
            for: request,
            by: wanted.after == nil ? "before" : "after"
        ) {
            "\($0.id)"
        }
    }

    func records(for request: ControlRequest) async throws -> ControlReply { try await read(request, Self.records) }
    func recordings(for request: ControlRequest) async throws -> ControlReply {
        try await read(request, Self.recordings)
    }
    func callbacks(for request: ControlRequest) async throws -> ControlReply { try await read(request, Self.callbacks) }

    private func read(
        _ request: ControlRequest,
        _ listing: @escaping @Sendable (ControlRequest, RecordFolder) throws -> ControlReply
    ) async throws -> ControlReply {
        let folder = RecordFolder(files.dataFolder)
        return try await reading.run { try listing(request, folder) }
    }

    /// Call records, with the filters of `gudok cdr`.
    private static func records(for request: ControlRequest, in folder: RecordFolder) throws -> ControlReply {
        var query = QueryReader(request.query)
        let limit = try query.limit()
        var wanted = CallQuery()
        (wanted.since, wanted.until) = (try query.time("since"), try query.time("until"))
        (wanted.from, wanted.to, wanted.trunk) = (query.text("from"), query.text("to"), query.text("trunk"))
        (wanted.user, wanted.queue, wanted.agent) = (query.text("user"), query.text("queue"), query.text("agent"))
        wanted.disposition = try query.choice("disposition")
        let tenants = try query.text("tenant").map { [TenantID($0)] } ?? folder.tenants
        if let id = query.text("before") {
            guard let last = try folder.call(id, of: tenants) else { throw unknown("call", id) }
            wanted.before = CallQuery.Place(startedAt: last.startedAt, callID: last.callID)
        }
        try query.finish()
        wanted.limit = limit + 1
        let found = try folder.calls(wanted, of: tenants)
        return page(found.prefix(limit), of: found.count, for: request) { $0.callID }
    }

    /// Recordings, with the filters of `gudok recordings`.
    private static func recordings(for request: ControlRequest, in folder: RecordFolder) throws -> ControlReply {
        var query = QueryReader(request.query)
        let limit = try query.limit()
        let tenants = try query.text("tenant").map { [TenantID($0)] } ?? folder.tenants
        var wanted = RecordingQuery()
        (wanted.since, wanted.until) = (try query.time("since")?.milliseconds, try query.time("until")?.milliseconds)
        (wanted.queue, wanted.agent, wanted.callID) = (query.text("queue"), query.text("agent"), query.text("call"))
        (wanted.from, wanted.to, wanted.trunk) = (query.text("from"), query.text("to"), query.text("trunk"))
        wanted.disposition = try query.choice("disposition")
        if let id = query.text("before") {
            guard let (last, _) = try folder.recording(id, of: tenants) else { throw unknown("recording", id) }
            wanted.before = RecordingQuery.Place(last)
        }
        try query.finish()
        wanted.limit = limit + 1
        let found = try folder.recordings(wanted, of: tenants).map { RecordingReportRow($0.0, $0.1) }
        return page(found.prefix(limit), of: found.count, for: request) { $0.id }
    }

    /// Callers who asked to be called back; with `open=true` those who still wait for it.
    private static func callbacks(for request: ControlRequest, in folder: RecordFolder) throws -> ControlReply {
        var query = QueryReader(request.query)
        let limit = try query.limit()
        let tenants = try query.text("tenant").map { [TenantID($0)] } ?? folder.tenants
        var wanted = CallbackQuery()
        (wanted.since, wanted.until) = (try query.time("since")?.milliseconds, try query.time("until")?.milliseconds)
        (wanted.queue, wanted.before) = (query.text("queue"), query.text("before"))
        wanted.isOnlyOpen = try query.flag("open")
        try query.finish()
        wanted.limit = limit + 1
        let found = try folder.callbacks(wanted, of: tenants)
        return page(found.prefix(limit), of: found.count, for: request) { $0.id }
    }

    private static func page<Row: Encodable>(
        _ rows: ArraySlice<Row>,
        of found: Int,
        for request: ControlRequest,
        by parameter: String = "before",
        _ id: (Row) -> String
    ) -> ControlReply {
        var reply = ControlReply.json(Array(rows))
        if found > rows.count, let last = rows.last { reply.next = request.with(parameter, id(last)).target }
        return reply
    }

    private static func unknown(_ what: String, _ id: String) -> QueryReader.Fault {
        QueryReader.Fault(
            what: "before is '\(id)', and there is no such \(what)",
            mend: "give the last id of the page before"
        )
    }
}

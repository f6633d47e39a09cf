import Accounting
import ControlAPI
import Engine
import Events
import Foundation
import Records
import Reports

/// One object of a listing by its name.
extension Route {
    static let objects = [
        Route("GET", "api/v1/calls/*") { _, asked in
            let tenant = try asked.tenantAlone()
            let rows = try await asked.node.handle.ask { core in
                core.turn { engine, now in engine.liveCalls.map { CallRow($0, now: now) } }
            }
            return asked.only(rows.filter { tenant == nil || $0.tenant == tenant }, "call") { $0.call_id }
        },
        Route("GET", "api/v1/trunks/*") { _, asked in
            let tenant = try asked.tenantAlone()
            let rows = try await asked.node.handle.ask { $0.engine.trunkStatuses.map(TrunkRow.init) }
            return asked.only(rows.filter { tenant == nil || $0.tenant == tenant }, "trunk") { $0.trunk }
        },
        Route("GET", "api/v1/queues/*") { _, asked in
            asked.only(try await asked.node.queueRows(of: asked.tenantAlone()), "queue") { $0.queue }
        },
        Route("GET", "api/v1/agents/*") { _, asked in
            asked.only(try await asked.node.agentRows(of: asked.tenantAlone()), "agent") { $0.user }
        },
        Route("GET", "api/v1/cdr/*") { _, asked in
            let id = asked.parameters[0]
            let row = try await asked.read { folder, owners in try folder.call(id, of: owners) }
            return asked.only(row.map { [$0] } ?? [], "call") { $0.callID }
        },
        Route("GET", "api/v1/recordings/*") { _, asked in
            let id = asked.parameters[0]
            let found = try await asked.read { folder, owners in try folder.recording(id, of: owners) }
            return asked.only(found.map { [RecordingReportRow($0.0, $0.1)] } ?? [], "recording") { $0.id }
        },
        Route("GET", "api/v1/recordings/*/audio") { _, asked in try await asked.audio() },
    ]
}

extension Route.Asked {
    /// In the records of the tenant that is named, or of all.
    fileprivate func read<Found: Sendable>(
        _ find: @escaping @Sendable (RecordFolder, [TenantID]) throws -> Found
    ) async throws -> Found {
        let folder = RecordFolder(await node.files.dataFolder)
        let tenant = try tenantAlone()
        return try await node.reading.run { try find(folder, tenant.map { [TenantID($0)] } ?? folder.tenants) }
    }

    /// A recording's sound, as far as it is written. Who takes it is in the audit log, as with `gudok recordings get`.
    fileprivate func audio() async throws -> ControlReply {
        let id = parameters[0]
        guard let (row, tenant) = try await read({ folder, owners in try folder.recording(id, of: owners) }) else {
            return only([RecordingReportRow](), "recording") { $0.id }
        }
        func gone(_ why: String) -> ControlReply {
            .problem(
                status: 410,
                code: "no-such-file",
                what: "the file of recording \(id) cannot be read: \(why)",
                mend: "see gudok recordings verify"
            )
        }
        guard row.deletedMilliseconds == nil else { return gone("it was deleted") }
        let place = await node.files.recordingsFolder(of: tenant).appending(path: row.file)
        let octets: UInt64
        do {
            octets = try await node.reading.run { try FileHandle(forReadingFrom: place).seekToEnd() }
        } catch let full as WorkerPool.Full {
            throw full
        } catch {
            return gone(FileFault(reading: error).why)
        }
        let actor = AuditedAct.Actor(request.peer)
        let detail = "call \(row.callID)"
        await node.note(AuditedAct(by: actor, "recording.get", "recording \(id)", tenant: tenant, detail: detail))
        var reply = ControlReply(contentType: row.file.hasSuffix(".opus") ? "audio/ogg" : "audio/wav", body: [])
        reply.file = ServedFile(
            path: place.path,
            octets: Int(clamping: octets),
            name: place.lastPathComponent,
            tag: row.sha256
        )
        return reply
    }

    /// The one of these rows that the path names.
    fileprivate func only<Row: Encodable>(
        _ rows: [Row],
        _ what: String,
        _ name: (Row) -> String
    ) -> ControlReply {
        let wanted = parameters[0]
        let found = rows.filter { name($0) == wanted }
        guard let row = found.first else {
            return .problem(
                status: 404,
                code: "no-such-\(what)",
                what: "there is no \(what) \(wanted)",
                mend: "see /api/v1/\(request.path[2])"
            )
        }
        guard found.count == 1 else {
            return .problem(
                status: 409,
                code: "which-tenant",
                what: "several tenants have the \(what) \(wanted)",
                mend: "name one: ?tenant="
            )
        }
        return .json(row)
    }
}

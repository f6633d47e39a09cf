import ControlAPI
import Engine
import Events
import Foundation

/// Callers who are to be called back.
extension Backend {
    /// Nobody is called back for it any more.
    func cancelCallback(_ id: String, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let tenant = request.query["tenant"]
        var act = AuditedAct(by: .init(request.peer), "callback.cancel", "callback \(id)")
        do {
            act.tenant = try await node.handle.ask { core in
                try core.turn { try $0.cancelCallback(id, tenant: tenant, at: $1) }
            }
        } catch {
            await node.note(act.refused(error, tenant: tenant))
            throw error
        }
        await node.note(act)
        return .json(["id": id, "state": CallbackState.cancelled.rawValue])
    }
}

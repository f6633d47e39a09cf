import ControlAPI
import Engine
import Events
import Foundation

/// Recordings of calls that live.
extension Backend {
    private struct Wanted: BodyObject {
        enum CodingKeys: CodingKey, CaseIterable { case action, tenant }
        enum Action: String, Decodable { case pause, resume }
        var action: Action
        var tenant: String?
    }

    func changeRecording(of id: CallID, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let wanted = try request.read(
            Wanted.self,
            or: BodyFault(what: "the body is no change of a recording", mend: #"send {"action": "pause|resume"}"#)
        )
        let tenant = try tenant(wanted.tenant, request)
        var act = AuditedAct(by: .init(request.peer), "recording.\(wanted.action.rawValue)", "call \(id)")
        do {
            act.tenant = try await node.handle.ask { core in
                try core.turn { engine, now in
                    try engine.pauseRecording(of: id, tenant: tenant, wanted.action == .pause, at: now)
                    return engine.tenant(ofCall: id)
                }
            }
        } catch {
            await node.note(act.refused(error, tenant: tenant))
            throw error
        }
        await node.note(act)
        return .json(["call_id": id.value, "recording": wanted.action == .pause ? "paused" : "running"])
    }
}

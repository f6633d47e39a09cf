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
        let owner = try await node.handle.ask { core in
            try core.turn { engine, now in
                try engine.pauseRecording(of: id, tenant: tenant, wanted.action == .pause, at: now)
                return engine.tenant(ofCall: id)
            }
        }
        let action = "recording.\(wanted.action.rawValue)"
        await node.note(AuditedAct(by: .init(request.peer), action, "call \(id)", tenant: owner))
        return .json(["call_id": id.value, "recording": wanted.action == .pause ? "paused" : "running"])
    }
}

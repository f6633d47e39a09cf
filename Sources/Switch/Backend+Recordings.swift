import ControlAPI
import Engine
import Events
import Foundation

/// Recordings of calls that live.
extension Backend {
    private struct Wanted: Decodable {
        enum Action: String, Decodable { case pause, resume }
        var action: Action
        var tenant: String?
    }

    func changeRecording(of id: CallID, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        guard let wanted = try? JSONDecoder().decode(Wanted.self, from: Data(request.body)) else {
            return .problem(
                status: 400,
                code: "bad-body",
                what: "the body is no change of a recording",
                mend: #"send {"action": "pause|resume"}"#
            )
        }
        let tenant = try tenant(wanted.tenant, request)
        try await node.handle.ask { core in
            try core.turn { try $0.pauseRecording(of: id, tenant: tenant, wanted.action == .pause, at: $1) }
        }
        await node.note(AuditedAct(by: .init(request.peer), "recording.\(wanted.action.rawValue)", "call \(id)"))
        return .json(["call_id": id.value, "recording": wanted.action == .pause ? "paused" : "running"])
    }
}

import ControlAPI
import Engine
import Events
import Foundation

/// Calls that are handed on.
extension Backend {
    private struct Wanted: BodyObject {
        enum CodingKeys: CodingKey, CaseIterable { case to, tenant }
        /// A number that the operator could call.
        var to: String
        var tenant: String?
    }

    /// 202: the number is being called, and what comes of it is in the call's events.
    func transfer(_ id: CallID, _ request: ControlRequest, _ node: Node) async throws -> ControlReply {
        let wanted = try request.read(
            Wanted.self,
            or: BodyFault(what: "the body names nobody to transfer to", mend: #"send {"to": "1002"}"#)
        )
        let actor = AuditedAct.Actor(request.peer)
        let tenant = try tenant(wanted.tenant, request)
        try await node.handle.ask { core in
            try core.turn { try $0.transfer(id, to: wanted.to, tenant: tenant, actor: actor, at: $1) }
        }
        return .json(["call_id": id.value, "to": wanted.to], status: 202)
    }
}

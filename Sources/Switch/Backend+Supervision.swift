import Calls
import ControlAPI
import DialPlan
import Engine
import Events
import Foundation

/// Supervisors in others' talks.
extension Backend {
    private struct Wanted: BodyObject {
        enum CodingKeys: CodingKey, CaseIterable { case by, mode, tenant }
        /// The supervisor's extension.
        var by: String
        var mode: SupervisionMode
        var tenant: String?
    }

    private struct Answer: Encodable {
        /// The supervisor's own call.
        var call_id: String
        var supervised_call: String
        var agent: String
        var mode: SupervisionMode

        init(_ supervision: CallCore.Supervision) {
            (call_id, supervised_call) = (supervision.call.value, supervision.supervised.value)
            (agent, mode) = (supervision.agent, supervision.mode)
        }
    }

    /// 201 when a phone rings, 200 when only the mode is another.
    func supervise(
        _ subject: SupervisionRequest.Subject,
        _ request: ControlRequest,
        _ node: Node
    ) async throws -> ControlReply {
        let wanted = try request.read(
            Wanted.self,
            or: BodyFault(
                what: "the body names no supervisor or no mode",
                mend: #"send {"by": "1003", "mode": "listen|whisper|barge|take-over"}"#
            )
        )
        let actor = AuditedAct.Actor(request.peer)
        let tenant = try tenant(wanted.tenant, request)
        let made = try await node.handle.ask { core in
            try core.turn { engine, now in
                try engine.supervise(
                    SupervisionRequest(mode: wanted.mode, subject: subject),
                    by: wanted.by,
                    tenant: tenant,
                    actor: actor,
                    at: now
                )
            }
        }
        return .json(Answer(made), status: made.isNew ? 201 : 200)
    }
}

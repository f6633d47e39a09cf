import ACD
import Config
public import DialPlan
import Events
import Media
import SIP

/// A supervisor in somebody else's talk, seen from his own call: its caller is the supervisor, and its record is its own.
extension Call {
    /// A port of the supervised call: the supervisor's is opened beside it, so that one thread mixes them all.
    var supervisedPort: MediaPort? { supervisedCall.flatMap { core.call($0)?.anyPort } }

    /// Lets the caller into a talk, if he may.
    func supervise(_ request: SupervisionRequest) {
        do throws(SupervisionRefusal) {
            let admission = try core.admit(user, of: currentTenant, to: request)
            // Asked for once more after the answer: what was one call then is meant now too.
            let subject = SupervisionRequest(mode: request.mode, subject: .call(admission.call.id))
            if !callerIsAnswered {
                supervisedCall = admission.call.id
                admission.call.attendants.append(admission.attendant(user ?? from, by: id, request.mode))
                admission.call.changeOver()
                upcoming = .supervise(subject)
                return answerLocally()
            }
            guard supervisedCall == admission.call.id else {
                throw SupervisionRefusal(
                    .answeredBefore,
                    "the supervisor was answered before the step 'supervise'",
                    mend: "let the plan come to it without answering, playing or asking anything"
                )
            }
            attend(admission, request.mode)
        } catch {
            refuse(request, error)
        }
    }

    /// As it is configured now, which may differ from when the call began.
    private var currentTenant: Tenant { core.surroundings?.tenant(tenant.id) ?? tenant }

    private func attend(_ admission: CallCore.Admission, _ asked: SupervisionMode) {
        let other = admission.call
        publish(.variable(name: "supervised_call", value: other.id.value))
        enter(.supervising)
        calleeAnswered()
        // He may have asked for another mode while his phone rang.
        var attendant =
            other.attendants.first { $0.call == id } ?? admission.attendant(user ?? from, by: id, asked)
        let agent = attendant.hears ?? admission.agent
        (attendant.isPresent, attendant.hears) = (true, agent)
        other.forget(id)
        other.attendants.append(attendant)
        other.changeOver()
        publish(.variable(name: "supervised_agent", value: agent))
        note(attendant.mode, of: other, before: nil, by: AuditedAct.Actor(.sip, user ?? from))
        other.follow(id, attendant.mode)
    }

    /// The call that he is in goes on with another operator.
    func hears(_ agent: String, in other: Call) {
        guard let mode = other.attendants.first(where: { $0.call == id })?.mode else { return }
        let request = SupervisionRequest(mode: mode, subject: .call(other.id))
        do throws(SupervisionRefusal) {
            try core.checkApart(try core.supervisor(user, of: currentTenant), from: other)
            publish(.variable(name: "supervised_agent", value: agent))
            note(mode, of: other, before: mode, by: AuditedAct.Actor(.sip, user ?? from))
        } catch {
            noteRefusal(of: request, error)
            end(.answered, by: .switch, cause: .normal, reason: error.code.rawValue)
        }
    }

    /// The talk goes on in a codec that cannot be mixed.
    func cannotHear(_ codec: String, in other: Call, _ mode: SupervisionMode) {
        let refusal = SupervisionRefusal(
            .notUnderstood,
            "call \(other.id) speaks \(codec), and does not change over to G.711",
            mend: "put PCMA or PCMU first in media.codecs"
        )
        noteRefusal(of: SupervisionRequest(mode: mode, subject: .call(other.id)), refusal)
        supervisedCallEnded(refusal.code.rawValue)
    }

    private func refuse(_ request: SupervisionRequest, _ refusal: SupervisionRefusal) {
        supervisedCall.flatMap { core.call($0) }?.forget(id)
        supervisedCall = nil
        noteRefusal(of: request, refusal)
        switch refusal.code {
        case .notAllowed where callerIsAnswered: tell(["not-allowed"])
        case .notAllowed: finish(.rejected)
        default: finish(.unavailable)
        }
    }

    private func noteRefusal(of request: SupervisionRequest, _ refusal: SupervisionRefusal) {
        publish(.note("\(request.mode.rawValue) refused: \(refusal.what)"))
        publish(
            .audited(
                AuditedAct(
                    by: AuditedAct.Actor(.sip, user ?? from),
                    "supervise.\(request.mode.rawValue)",
                    request.subject.words,
                    tenant: tenant.id,
                    outcome: .refused,
                    detail: refusal.what
                )
            )
        )
    }

    /// Keys while he is in the talk: 1 listens, 2 whispers, 3 barges in, 4 takes over.
    func switchSupervision(by key: String) {
        let modes: [String: SupervisionMode] = ["1": .listen, "2": .whisper, "3": .barge, "4": .takeOver]
        guard let mode = modes[key], let other = supervisedCall else { return }
        let request = SupervisionRequest(mode: mode, subject: .call(other))
        do throws(SupervisionRefusal) {
            // His role may be another by now.
            _ = try core.admit(user, of: currentTenant, to: request)
            changeSupervision(to: mode, by: AuditedAct.Actor(.sip, user ?? from))
        } catch {
            noteRefusal(of: request, error)
        }
    }

    /// `isOther`: it is the other of the two whom he came to hear.
    func changeSupervision(
        to mode: SupervisionMode,
        ofOther isOther: Bool = false,
        by actor: AuditedAct.Actor
    ) {
        guard let other = supervisedCall.flatMap({ core.call($0) }), !other.isEnding,
            let attendant = other.attendants.first(where: { $0.call == id }), attendant.mode != mode || isOther
        else { return }
        if isOther, attendant.isPresent, let agent = attendant.hears {
            publish(.variable(name: "supervised_agent", value: agent))
        }
        note(mode, of: other, before: attendant.mode, by: actor)
        other.follow(id, mode)
    }

    private func note(
        _ mode: SupervisionMode,
        of other: Call,
        before: SupervisionMode?,
        by actor: AuditedAct.Actor
    ) {
        let agent = other.attendants.first { $0.call == id }?.hears ?? other.operatorsNumber
        publish(.variable(name: "supervision", value: mode.rawValue))
        other.publish(.note("\(user ?? from) is in the talk: \(mode.rawValue) (call \(id))"))
        publish(
            .audited(
                AuditedAct(
                    by: actor,
                    "supervise.\(mode.rawValue)",
                    "call \(other.id)",
                    tenant: tenant.id,
                    before: before?.rawValue,
                    after: mode.rawValue,
                    detail: "supervisor \(user ?? from), operator \(agent)"
                )
            )
        )
    }

    /// The supervisor's leg goes on in the talk that he takes over; his own call is over.
    ///
    /// - Returns: its number there.
    func takeSeat(in other: Call) -> Int {
        supervisedCall = nil
        stopHolding(anchor)
        let new = core.move(anchor, of: self, to: other, port: nil, because: "took-over")
        end(.answered, by: legs[anchor].side, cause: .normal, reason: "took-over")
        return new
    }

    /// The call is over: supervisors go with it, or the talk that the caller was in goes on without him.
    func endSupervision() {
        let leaving = attendants
        attendants = []
        for attendant in leaving { core.call(attendant.call)?.supervisedCallEnded("supervised-call-ended") }
        let other = supervisedCall.flatMap { core.call($0) }
        supervisedCall = nil
        other?.supervisorLeft(id)
    }

    func supervisedCallEnded(_ reason: String) {
        supervisedCall = nil
        let cause: HangupCause = callerIsAnswered ? .normal : .unavailable
        let disposition: Disposition = callerIsAnswered ? .answered : .cancelled
        end(disposition, by: .switch, cause: cause, reason: reason)
    }
}

extension SupervisionRequest.Subject {
    /// As the audit log names it.
    public var words: String {
        switch self {
        case .agent(let number): "agent \(number)"
        case .call(let id): "call \(id)"
        }
    }
}

import Config
import DialPlan
import Events

/// Who somebody in a call is to others: to a queue and its records, to phones that ring for him, and to the plan that runs for him.
struct CallParty: Equatable {
    var number: String
    var name: String?
    /// By which he came, or is reached; nil: a user.
    var trunk: TrunkID?
    /// Only who is trusted may know of him.
    var isPrivate = false
}

extension Call {
    /// Who is at the other end of this leg: the caller is what the call says, everybody else the extension or the number by which he
    /// was reached, and who came from another call what he was there.
    func party(at index: Int) -> CallParty {
        if let guest = guests[index] { return guest }
        let leg = legs[index]
        if leg.target == Leg.caller || index == 0 {
            return CallParty(number: from, name: fromName, trunk: trunk, isPrivate: isPrivate)
        }
        guard let user = leg.user else { return CallParty(number: leg.number ?? to, trunk: leg.trunk) }
        return CallParty(number: user, name: tenant.users[user]?.name)
    }

    /// Whom the plan serves: the caller, or the party that was handed on.
    var servedParty: CallParty { party(at: anchor) }
}

extension CallParty {
    /// What a plan that runs for him knows of him.
    var variables: [String: String] {
        [
            PlanVariable.caller.rawValue: number,
            PlanVariable.callerName.rawValue: name ?? "",
            PlanVariable.trunk.rawValue: trunk?.name ?? "",
        ]
    }
}

import Config
import Events
import SIP
import SIPMessage

/// REFER: a party asks the switch to hand the other one on (RFC 3515, RFC 5589).
extension Call {
    func referred(_ index: Int, _ referral: Referral) {
        do throws(TransferRefusal) {
            if let replaced = referral.replaces {
                try join(with: replaced, by: index)
            } else {
                try transfer(by: index, to: try number(of: referral, by: index), word: word(of: index))
            }
        } catch {
            publish(.note("leg \(index) is refused a transfer: \(error.what)"))
            act(on: index) { session, _ in session.refuseReferral(error.status) }
        }
    }

    /// A REFER outside of the leg's dialog.
    func referred(_ index: Int, from outside: OutsideReferral) throws(TransferRefusal) {
        if let replaced = outside.referral.replaces {
            try join(with: replaced, by: index, outside: outside)
        } else {
            try transfer(
                by: index,
                to: try number(of: outside.referral, by: index),
                word: word(of: index),
                outside: outside
            )
        }
    }

    /// The number that a REFER names. A user's own colleague of that number is not who has it elsewhere (RFC 3261 §8.2.2.1); what a
    /// trunk names goes back to that trunk, which knows whose it is.
    private func number(of referral: Referral, by index: Int) throws(TransferRefusal) -> String {
        guard legs[index].trunk != nil || isOwn(referral.target) else {
            throw TransferRefusal(
                .noNumber,
                "\(referral.target) is not of tenant \(tenant.id)",
                mend: "name a number of your own domain"
            )
        }
        return referral.target.number ?? ""
    }

    /// Whether somebody of this tenant could dial an address.
    func isOwn(_ uri: SIPURI) -> Bool { core.surroundings?.isOwn(uri, of: tenant) ?? true }

    /// Who wants a transfer, as the record names him.
    func word(of index: Int) -> String {
        legs[index].user.map { "user \($0)" } ?? legs[index].trunk.map { "trunk \($0.name)" } ?? "leg \(index)"
    }
}

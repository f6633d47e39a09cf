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
                try transfer(by: index, to: referral.target.number ?? "", word: word(of: index))
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
                to: outside.referral.target.number ?? "",
                word: word(of: index),
                outside: outside
            )
        }
    }

    /// Who wants a transfer, as the record names him.
    func word(of index: Int) -> String {
        legs[index].user.map { "user \($0)" } ?? legs[index].trunk.map { "trunk \($0.name)" } ?? "leg \(index)"
    }
}

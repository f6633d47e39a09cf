import Calls
import NetAddress
import SIP
import SIPMessage
import Timebase

/// Answers that nobody waits for.
extension Engine {
    /// What answers a request of ours names us in its Via; all else is to be discarded (RFC 3261 §18.1.2).
    func isOurs(_ response: SIPResponse, over flow: Flow) -> Bool {
        guard let host = try? response.topVia().host, let address = IPAddress(host)?.unmapped else { return false }
        return flow.local.ip.unmapped == address || listeners.contains { $0.address.ip.unmapped == address }
    }

    /// A server accepted a call that another has by now: it is told so (RFC 3261 §13.2.2.4, as for a fork).
    func leave(_ request: SIPRequest, acceptedBy response: SIPResponse, over flow: Flow, isFirst: Bool) {
        let reason = Session.completedElsewhere
        guard let (dialog, ack, bye) = farewell(to: request, acceptedBy: response, over: flow, reason) else { return }
        sendStateless(.request(ack), over: dialog.nextHop)
        if isFirst { _ = send(bye, over: dialog.ways) }
    }

    /// Somebody answers an INVITE of which nothing is left here: he is to know that nobody is there (§13.2.2.4). Each 2xx earns one ACK
    /// and one BYE, back to where it came from: who forges one has nobody flooded.
    func leaveStray(_ response: SIPResponse, over flow: Flow) {
        guard let contact = (try? response.contacts())?.first else { return countDrop("stray-response") }
        var request = SIPRequest(method: .invite, uri: contact.uri)
        for name in [HeaderName.from, .callID, .cSeq] { request.headers.append(name, response.headers[name] ?? "") }
        guard let (dialog, ack, bye) = farewell(to: request, acceptedBy: response, over: flow, nil),
            dialog.nextHop.remote.ip.unmapped == flow.remote.ip.unmapped
        else { return countDrop("stray-response") }
        for request in [ack, bye] { sendStateless(.request(request), over: dialog.nextHop) }
    }

    /// The ACK of a 2xx, and the BYE that ends what it began at once; nil: it begins no dialog.
    private func farewell(
        to request: SIPRequest,
        acceptedBy response: SIPResponse,
        over flow: Flow,
        _ reason: String?
    ) -> (dialog: Dialog, ack: SIPRequest, bye: SIPRequest)? {
        guard var dialog = try? Dialog(request: request, answeredBy: response, over: flow),
            let sequence = try? response.cSeq().number
        else { return nil }
        let ack = dialog.acknowledgement(sequence: sequence, branch: ids.branch(), contact: nil)
        dialog.passOverUnknownRequests()
        var bye = dialog.request(.bye, branch: ids.branch(), contact: nil)
        if let reason { bye.headers.append(.reason, reason) }
        return (dialog, ack, bye)
    }
}

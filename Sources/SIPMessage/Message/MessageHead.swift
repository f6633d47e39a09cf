/// A message up to its body, with the first and gravest fault found in it.
struct MessageHead: Sendable {
    enum StartLine: Sendable {
        case request(Method, SIPURI)
        case response(status: Int, reason: String)
        case neither
    }

    var startLine: StartLine = .neither
    var headers = Headers()
    var fault: SIPFault?
    /// nil when absent or unreadable.
    var contentLength: Int?
    /// Index of the first octet after the empty line, or the end.
    var bodyStart = 0

    /// Keeps the first fault: faults are looked for in the order of their weight.
    mutating func note(_ found: SIPFault) {
        if fault == nil { fault = found }
    }

    func outcome(body: [UInt8]) -> ParseOutcome {
        switch startLine {
        case .neither: return .unusable(unanswerable)
        case .response(let status, let reason):
            // A response has no response: what is wrong with it only says why it is dropped (RFC 4475 §3.1.2.19).
            guard fault == nil else { return .unusable(unanswerable) }
            return .message(.response(SIPResponse(status: status, reason: reason, headers: headers, body: body)))
        case .request(let method, let uri):
            guard let fault else {
                return .message(.request(SIPRequest(method: method, uri: uri, headers: headers, body: body)))
            }
            let request = SIPRequest(method: method, uri: uri, headers: headers, body: [])
            // Without a Via there is no way back (§18.2.2).
            guard (try? request.topVia()) != nil else { return .unusable(unanswerable) }
            return .faulty(request, fault)
        }
    }

    private var unanswerable: SIPFault {
        var fault = fault ?? SIPFault(kind: .notSIP, where: "start line", what: "not SIP")
        fault.status = nil
        return fault
    }
}

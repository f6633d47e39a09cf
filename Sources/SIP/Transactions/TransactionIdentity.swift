import NetAddress
import SIPMessage

/// A request of ours and its responses.
public struct ClientTransactionID: Hashable, Sendable {
    let serial: UInt64
    init(_ serial: UInt64) { self.serial = serial }
}

/// A request of a peer and our responses.
public struct ServerTransactionID: Hashable, Sendable {
    let serial: UInt64
    init(_ serial: UInt64) { self.serial = serial }
}

/// What a response is matched by (RFC 3261 §17.1.3).
struct ClientKey: Hashable, Sendable {
    var branch: String
    var method: Method
}

extension ClientKey {
    /// That of a request of ours of which the beginning is quoted; nil: it is not a request, or is cut off before the branch is out.
    init?(quoting quote: [UInt8]) {
        let parameter = Array(";branch=".utf8)
        guard let space = quote.firstIndex(of: UInt8(ascii: " ")), let found = quote.firstRange(of: parameter),
            let end = quote[found.upperBound...].firstIndex(where: { ";\r\n".utf8.contains($0) })
        else { return nil }
        branch = String(decoding: quote[found.upperBound..<end], as: UTF8.self)
        method = Method(String(decoding: quote[..<space], as: UTF8.self))
    }
}

/// What a request is matched by (RFC 3261 §17.2.3): the branch and who made it up, or without the magic cookie whatever
/// RFC 2543 had peers repeat.
struct ServerKey: Hashable, Sendable {
    var branch: String
    var sentBy: String
    /// INVITE for an ACK too.
    var method: Method
    /// Of the CSeq: clients are met that give another request the branch of an earlier one.
    var number: UInt32

    /// The method is that of the transaction that is looked for: INVITE for an ACK and for a CANCEL.
    init(_ request: SIPRequest, via: Via, method: Method) {
        self.method = method
        number = (try? request.cSeq().number) ?? 0
        if via.hasUniqueBranch, let branch = via.branch {
            self.branch = branch
            sentBy = "\(via.host.lowercased()):\(via.sentByPort)"
            return
        }
        let callID = request.headers[.callID] ?? ""
        branch = "\(request.uri) \(callID) \(request.fromTag ?? "") \(number)"
        sentBy = via.description
    }
}

/// What a request that took two ways to us has in common on both (RFC 3261 §8.2.2.2).
struct MergeKey: Hashable, Sendable {
    var callID: String
    var fromTag: String
    var sequence: CSeq

    /// nil for a request inside a dialog, which cannot have been forked. A CANCEL has that of the request of `method` which it is for.
    init?(_ request: SIPRequest, method: Method? = nil) {
        guard request.toTag == nil, let callID = request.headers[.callID], let sequence = try? request.cSeq() else {
            return nil
        }
        (self.callID, fromTag) = (callID, request.fromTag ?? "")
        self.sequence = CSeq(number: sequence.number, method: method ?? sequence.method)
    }
}

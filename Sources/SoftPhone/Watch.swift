import NetAddress
import SIP
import SIPMessage
import Timebase

/// A phone's subscription to the calls of a colleague (RFC 6665, package `dialog`, RFC 4235): what lights a lamp. One Call-ID,
/// numbers that rise, challenges answered.
struct Watch {
    let callID: String
    private let target: SIPURI
    private let watcher: SIPURI
    private let credentials: Credentials
    private let tag: String
    private var remoteTag: String?
    /// The notifier's Contact; the colleague's own address before it is known.
    private var route: SIPURI
    private var number: UInt32 = 0
    private var digest = DigestClient()
    private var ids: IdentifierSource

    init(of target: SIPURI, by watcher: SIPURI, credentials: Credentials, ids: IdentifierSource) {
        (self.target, self.watcher, self.credentials, self.ids) = (target, watcher, credentials, ids)
        route = target
        callID = self.ids.callID()
        tag = self.ids.token()
    }

    /// A SUBSCRIBE for so many seconds; 0 ends it.
    mutating func request(seconds: Int, over flow: Flow) -> SIPRequest {
        var request = SIPRequest(method: .subscribe, uri: route)
        request.headers.append(.via, "")
        request.headers.append(.maxForwards, "70")
        request.headers.append(.from, "<\(watcher)>;tag=\(tag)")
        request.headers.append(.to, "<\(target)>" + (remoteTag.map { ";tag=\($0)" } ?? ""))
        request.headers.append(.callID, callID)
        request.headers.append(.cSeq, "")
        request.headers.append(.contact, "<\(flow.contact(user: credentials.username))>")
        request.headers.append(.event, EventPackage.dialog.rawValue)
        request.headers.append(.expires, "\(seconds)")
        return next(request, over: flow)
    }

    /// The same request with its challenge answered; nil: it is over.
    mutating func answer(_ response: SIPResponse, to sent: SIPRequest, over flow: Flow) -> SIPRequest? {
        if (200..<300).contains(response.status) {
            remoteTag = response.toTag ?? remoteTag
            if let contact = try? response.contacts().first { route = contact.uri }
        }
        guard response.status == 401, sent.headers[.authorization] == nil else { return nil }
        let answer = try? digest.answer(
            challenges: response.headers.all(.wwwAuthenticate),
            credentials: credentials,
            method: .subscribe,
            uri: "\(sent.uri)",
            cnonce: ids.token()
        )
        guard let answer else { return nil }
        var request = sent
        request.headers[.authorization] = answer
        return next(request, over: flow)
    }

    private mutating func next(_ request: SIPRequest, over flow: Flow) -> SIPRequest {
        number &+= 1
        var request = request
        request.headers[.via] = Via.ours(over: flow, branch: ids.branch())
        request.headers[.cSeq] = "\(number) SUBSCRIBE"
        return request
    }
}

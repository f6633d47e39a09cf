public import NetAddress
public import SIPMessage
import Timebase

/// The REGISTERs of one address of record with one registrar: one Call-ID, numbers that rise (RFC 3261 §10.2), challenges
/// answered (§22.2).
public struct RegisterSequence: Sendable {
    /// Whom it registers, and with whom.
    public struct Account: Hashable, Sendable {
        /// What is registered: `sip:USER@DOMAIN`.
        public var addressOfRecord: SIPURI
        /// The Request-URI: a domain without a user (§10.2).
        public var registrar: SIPURI
        /// nil: its challenges cannot be answered.
        public var credentials: Credentials?

        public init(addressOfRecord: SIPURI, registrar: SIPURI, credentials: Credentials?) {
            (self.addressOfRecord, self.registrar, self.credentials) = (addressOfRecord, registrar, credentials)
        }
    }

    public let account: Account
    private let callID: String
    private let product: String?
    private var number: UInt32 = 0
    private var digest = DigestClient()
    private var isStaleAnswered = false
    private var random: SeededGenerator

    public init(account: Account, callID: String, product: String? = nil, seed: UInt64) {
        (self.account, self.callID, self.product) = (account, callID, product)
        random = SeededGenerator(seed: seed)
    }

    /// A REGISTER for `contact`; 0 seconds take it back.
    public mutating func request(contact: SIPURI, seconds: Int, over flow: Flow) -> SIPRequest {
        isStaleAnswered = false
        var request = SIPRequest(method: .register, uri: account.registrar)
        request.headers.append(.via, "")
        request.headers.append(.maxForwards, "70")
        request.headers.append(.from, "<\(account.addressOfRecord)>;tag=\(random.token())")
        request.headers.append(.to, "<\(account.addressOfRecord)>")
        request.headers.append(.callID, callID)
        request.headers.append(.cSeq, "")
        request.headers.append(.contact, "<\(contact)>;expires=\(seconds)")
        request.headers.append(.expires, "\(seconds)")
        if let product { request.headers.append(.userAgent, product) }
        return next(request, over: flow)
    }

    /// The same request with its challenge answered; nil: this is no challenge, or it was answered before and our password is
    /// wrong.
    public mutating func answer(
        _ response: SIPResponse,
        to sent: SIPRequest,
        over flow: Flow
    ) throws(DigestFault) -> SIPRequest? {
        guard let credentials = account.credentials else { return nil }
        let (asked, answers): (HeaderName, HeaderName)
        switch response.status {
        case 401: (asked, answers) = (.wwwAuthenticate, .authorization)
        case 407: (asked, answers) = (.proxyAuthenticate, .proxyAuthorization)
        default: return nil
        }
        let challenges = response.headers.all(asked)
        if sent.headers[answers] != nil {
            // The nonce was too old, not the password wrong: once more (RFC 7616 §3.3).
            guard !isStaleAnswered, DigestClient.isStale(challenges) else {
                return nil
            }
            isStaleAnswered = true
        }
        var request = sent
        request.headers[answers] = try digest.answer(
            challenges: challenges,
            credentials: credentials,
            method: .register,
            uri: "\(sent.uri)",
            body: sent.body,
            cnonce: random.token()
        )
        return next(request, over: flow)
    }

    private mutating func next(_ request: SIPRequest, over flow: Flow) -> SIPRequest {
        number &+= 1
        var request = request
        request.headers[.via] = Via.ours(over: flow, branch: random.branch())
        request.headers[.cSeq] = "\(number) REGISTER"
        return request
    }
}

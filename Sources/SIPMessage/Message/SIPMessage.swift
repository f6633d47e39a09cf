/// A SIP request (RFC 3261 §7.1).
public struct SIPRequest: Sendable, SIPMessageContent {
    public var method: Method
    public var uri: SIPURI
    public var headers: Headers
    public var body: [UInt8]

    public init(method: Method, uri: SIPURI) { self.init(method: method, uri: uri, headers: Headers(), body: []) }

    init(method: Method, uri: SIPURI, headers: Headers, body: [UInt8]) {
        (self.method, self.uri, self.headers, self.body) = (method, uri, headers, body)
    }
}

/// A SIP response (RFC 3261 §7.2).
public struct SIPResponse: Sendable, SIPMessageContent {
    public var status: Int
    public var reason: String
    public var headers: Headers
    public var body: [UInt8]

    /// An empty response; `reason` nil means the standard phrase.
    public init(status: Int, reason: String? = nil) {
        self.init(
            status: status,
            reason: reason ?? ReasonPhrase.standard(status),
            headers: Headers(),
            body: []
        )
    }

    init(status: Int, reason: String, headers: Headers, body: [UInt8]) {
        (self.status, self.reason, self.headers, self.body) = (status, reason, headers, body)
    }

    /// The response to `request` with what §8.2.6.2 says it copies: every Via, From, To, Call-ID and CSeq, and Timestamp in a 100.
    /// What the request lacks stays away, so that a faulty request can be answered too (RFC 4475 §3.3.1).
    ///
    /// - Parameters:
    ///   - status: the status code.
    ///   - request: the request that is answered.
    ///   - toTag: our tag, put on To when the request's has none and the status is above 100.
    public init(status: Int, to request: SIPRequest, toTag: String?) {
        self.init(status: status)
        headers.bytes.reserveCapacity(512)
        for name in [HeaderName.via, .from, .to, .callID, .cSeq] {
            for entry in request.headers.entries where entry.code == name.code {
                headers.copy(entry, from: request.headers)
                // A request with two From or CSeq gets its 400 with the first of them.
                if name != .via { break }
            }
        }
        if status == 100, let entry = request.headers.first(.timestamp) { headers.copy(entry, from: request.headers) }
        guard let toTag, status > 100, self.toTag == nil,
            let index = headers.entries.firstIndex(where: { $0.code == HeaderName.to.code })
        else { return }
        headers.extend(index, with: ";tag=" + toTag)
    }
}

/// A request or a response.
public enum SIPMessage: Sendable, SIPMessageContent {
    case request(SIPRequest)
    case response(SIPResponse)

    public var headers: Headers {
        get {
            switch self {
            case .request(let request): request.headers
            case .response(let response): response.headers
            }
        }
        set {
            switch self {
            case .request(var request):
                request.headers = newValue
                self = .request(request)
            case .response(var response):
                response.headers = newValue
                self = .response(response)
            }
        }
    }

    public var body: [UInt8] {
        get {
            switch self {
            case .request(let request): request.body
            case .response(let response): response.body
            }
        }
        set {
            switch self {
            case .request(var request):
                request.body = newValue
                self = .request(request)
            case .response(var response):
                response.body = newValue
                self = .response(response)
            }
        }
    }
}

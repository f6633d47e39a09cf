/// The headers that have a name of their own here; the raw value is the index into the tables of `HeaderName`.
enum KnownHeader: UInt8, CaseIterable, Sendable {
    case via = 1
    case from
    case to
    case callID
    case cSeq
    case contact
    case maxForwards
    case contentLength
    case contentType
    case contentEncoding
    case route
    case recordRoute
    case require
    case proxyRequire
    case supported
    case unsupported
    case allow
    case accept
    case expires
    case minExpires
    case authorization
    case proxyAuthorization
    case wwwAuthenticate
    case proxyAuthenticate
    case authenticationInfo
    case reason
    case retryAfter
    case userAgent
    case server
    case subject
    case rack
    case rseq
    case sessionExpires
    case minSE
    case referTo
    case referredBy
    case replaces
    case event
    case subscriptionState
    case allowEvents
    case diversion
    case historyInfo
    case privacy
    case pAssertedIdentity
    case pPreferredIdentity
    case date
    case timestamp
    case warning
    case mimeVersion
    case path
    case serviceRoute
    case acceptEncoding
    case acceptLanguage
    case contentDisposition
    case referSub
    case identity
    case organization
    case priority
    case alertInfo
    case callInfo
    case errorInfo
    case inReplyTo
    case acceptContact
    case rejectContact
    case requestDisposition
    case join
    case sipETag
    case sipIfMatch

    /// As we write it (RFC 3261 §7.3.3 long forms).
    var canonicalName: String {
        switch self {
        case .via: "Via"
        case .from: "From"
        case .to: "To"
        case .callID: "Call-ID"
        case .cSeq: "CSeq"
        case .contact: "Contact"
        case .maxForwards: "Max-Forwards"
        case .contentLength: "Content-Length"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .route: "Route"
        case .recordRoute: "Record-Route"
        case .require: "Require"
        case .proxyRequire: "Proxy-Require"
        case .supported: "Supported"
        case .unsupported: "Unsupported"
        case .allow: "Allow"
        case .accept: "Accept"
        case .expires: "Expires"
        case .minExpires: "Min-Expires"
        case .authorization: "Authorization"
        case .proxyAuthorization: "Proxy-Authorization"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .authenticationInfo: "Authentication-Info"
        case .reason: "Reason"
        case .retryAfter: "Retry-After"
        case .userAgent: "User-Agent"
        case .server: "Server"
        case .subject: "Subject"
        case .rack: "RAck"
        case .rseq: "RSeq"
        case .sessionExpires: "Session-Expires"
        case .minSE: "Min-SE"
        case .referTo: "Refer-To"
        case .referredBy: "Referred-By"
        case .replaces: "Replaces"
        case .event: "Event"
        case .subscriptionState: "Subscription-State"
        case .allowEvents: "Allow-Events"
        case .diversion: "Diversion"
        case .historyInfo: "History-Info"
        case .privacy: "Privacy"
        case .pAssertedIdentity: "P-Asserted-Identity"
        case .pPreferredIdentity: "P-Preferred-Identity"
        case .date: "Date"
        case .timestamp: "Timestamp"
        case .warning: "Warning"
        case .mimeVersion: "MIME-Version"
        case .path: "Path"
        case .serviceRoute: "Service-Route"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .contentDisposition: "Content-Disposition"
        case .referSub: "Refer-Sub"
        case .identity: "Identity"
        case .organization: "Organization"
        case .priority: "Priority"
        case .alertInfo: "Alert-Info"
        case .callInfo: "Call-Info"
        case .errorInfo: "Error-Info"
        case .inReplyTo: "In-Reply-To"
        case .acceptContact: "Accept-Contact"
        case .rejectContact: "Reject-Contact"
        case .requestDisposition: "Request-Disposition"
        case .join: "Join"
        case .sipETag: "SIP-ETag"
        case .sipIfMatch: "SIP-If-Match"
        }
    }

    /// The one-letter form (RFC 3261 §7.3.3 and the registry of IANA).
    var compactForm: UInt8? {
        switch self {
        case .via: UInt8(ascii: "v")
        case .from: UInt8(ascii: "f")
        case .to: UInt8(ascii: "t")
        case .callID: UInt8(ascii: "i")
        case .contact: UInt8(ascii: "m")
        case .contentLength: UInt8(ascii: "l")
        case .contentType: UInt8(ascii: "c")
        case .contentEncoding: UInt8(ascii: "e")
        case .supported: UInt8(ascii: "k")
        case .subject: UInt8(ascii: "s")
        case .sessionExpires: UInt8(ascii: "x")
        case .referTo: UInt8(ascii: "r")
        case .referredBy: UInt8(ascii: "b")
        case .event: UInt8(ascii: "o")
        case .allowEvents: UInt8(ascii: "u")
        case .identity: UInt8(ascii: "y")
        case .acceptContact: UInt8(ascii: "a")
        case .rejectContact: UInt8(ascii: "j")
        case .requestDisposition: UInt8(ascii: "d")
        case .cSeq, .maxForwards, .route, .recordRoute, .require, .proxyRequire, .unsupported, .allow, .accept,
            .expires, .minExpires, .authorization, .proxyAuthorization, .wwwAuthenticate, .proxyAuthenticate,
            .authenticationInfo, .reason, .retryAfter, .userAgent, .server, .rack, .rseq, .minSE, .replaces,
            .subscriptionState, .diversion, .historyInfo, .privacy, .pAssertedIdentity, .pPreferredIdentity, .date,
            .timestamp, .warning, .mimeVersion, .path, .serviceRoute, .acceptEncoding, .acceptLanguage,
            .contentDisposition, .referSub, .organization, .priority, .alertInfo, .callInfo, .errorInfo, .inReplyTo,
            .join, .sipETag, .sipIfMatch:
            nil
        }
    }
}

extension HeaderName {
    public static var via: HeaderName { HeaderName(.via) }
    public static var from: HeaderName { HeaderName(.from) }
    public static var to: HeaderName { HeaderName(.to) }
    public static var callID: HeaderName { HeaderName(.callID) }
    public static var cSeq: HeaderName { HeaderName(.cSeq) }
    public static var contact: HeaderName { HeaderName(.contact) }
    public static var maxForwards: HeaderName { HeaderName(.maxForwards) }
    public static var contentLength: HeaderName { HeaderName(.contentLength) }
    public static var contentType: HeaderName { HeaderName(.contentType) }
    public static var contentEncoding: HeaderName { HeaderName(.contentEncoding) }
    public static var route: HeaderName { HeaderName(.route) }
    public static var recordRoute: HeaderName { HeaderName(.recordRoute) }
    public static var require: HeaderName { HeaderName(.require) }
    public static var proxyRequire: HeaderName { HeaderName(.proxyRequire) }
    public static var supported: HeaderName { HeaderName(.supported) }
    public static var unsupported: HeaderName { HeaderName(.unsupported) }
    public static var allow: HeaderName { HeaderName(.allow) }
    public static var accept: HeaderName { HeaderName(.accept) }
    public static var expires: HeaderName { HeaderName(.expires) }
    public static var minExpires: HeaderName { HeaderName(.minExpires) }
    public static var authorization: HeaderName { HeaderName(.authorization) }
    public static var proxyAuthorization: HeaderName { HeaderName(.proxyAuthorization) }
    public static var wwwAuthenticate: HeaderName { HeaderName(.wwwAuthenticate) }
    public static var proxyAuthenticate: HeaderName { HeaderName(.proxyAuthenticate) }
    public static var authenticationInfo: HeaderName { HeaderName(.authenticationInfo) }
    public static var reason: HeaderName { HeaderName(.reason) }
    public static var retryAfter: HeaderName { HeaderName(.retryAfter) }
    public static var userAgent: HeaderName { HeaderName(.userAgent) }
    public static var server: HeaderName { HeaderName(.server) }
    public static var subject: HeaderName { HeaderName(.subject) }
    public static var rack: HeaderName { HeaderName(.rack) }
    public static var rseq: HeaderName { HeaderName(.rseq) }
    public static var sessionExpires: HeaderName { HeaderName(.sessionExpires) }
    public static var minSE: HeaderName { HeaderName(.minSE) }
    public static var referTo: HeaderName { HeaderName(.referTo) }
    public static var referredBy: HeaderName { HeaderName(.referredBy) }
    public static var replaces: HeaderName { HeaderName(.replaces) }
    public static var event: HeaderName { HeaderName(.event) }
    public static var subscriptionState: HeaderName { HeaderName(.subscriptionState) }
    public static var allowEvents: HeaderName { HeaderName(.allowEvents) }
    public static var diversion: HeaderName { HeaderName(.diversion) }
    public static var historyInfo: HeaderName { HeaderName(.historyInfo) }
    public static var privacy: HeaderName { HeaderName(.privacy) }
    public static var pAssertedIdentity: HeaderName { HeaderName(.pAssertedIdentity) }
    public static var pPreferredIdentity: HeaderName { HeaderName(.pPreferredIdentity) }
    public static var date: HeaderName { HeaderName(.date) }
    public static var timestamp: HeaderName { HeaderName(.timestamp) }
    public static var warning: HeaderName { HeaderName(.warning) }
    public static var mimeVersion: HeaderName { HeaderName(.mimeVersion) }
    public static var path: HeaderName { HeaderName(.path) }
    public static var serviceRoute: HeaderName { HeaderName(.serviceRoute) }
    public static var acceptEncoding: HeaderName { HeaderName(.acceptEncoding) }
    public static var acceptLanguage: HeaderName { HeaderName(.acceptLanguage) }
    public static var contentDisposition: HeaderName { HeaderName(.contentDisposition) }
    public static var referSub: HeaderName { HeaderName(.referSub) }
    public static var identity: HeaderName { HeaderName(.identity) }
    public static var organization: HeaderName { HeaderName(.organization) }
    public static var priority: HeaderName { HeaderName(.priority) }
    public static var alertInfo: HeaderName { HeaderName(.alertInfo) }
    public static var callInfo: HeaderName { HeaderName(.callInfo) }
    public static var errorInfo: HeaderName { HeaderName(.errorInfo) }
    public static var inReplyTo: HeaderName { HeaderName(.inReplyTo) }
    public static var acceptContact: HeaderName { HeaderName(.acceptContact) }
    public static var rejectContact: HeaderName { HeaderName(.rejectContact) }
    public static var requestDisposition: HeaderName { HeaderName(.requestDisposition) }
    public static var join: HeaderName { HeaderName(.join) }
    public static var sipETag: HeaderName { HeaderName(.sipETag) }
    public static var sipIfMatch: HeaderName { HeaderName(.sipIfMatch) }
}

public import SIPMessage

/// What this element takes, checked before anybody above sees a request (RFC 3261 §8.2).
public struct RequestPolicy: Sendable {
    public var methods: Set<Method>
    /// Methods that we know the name of and refuse with 405 instead of 501.
    public var refusedMethods: Set<Method>
    public var extensions: Set<String>

    public init(methods: Set<Method>, refusedMethods: Set<Method> = [], extensions: Set<String>) {
        (self.methods, self.refusedMethods, self.extensions) = (methods, refusedMethods, extensions)
    }

    /// The switch's own.
    public static let gudok = RequestPolicy(
        methods: [
            .invite, .ack, .bye, .cancel, .options, .register, .prack, .update, .info, .message, .subscribe, .notify,
            .refer, .publish,
        ],
        extensions: ["100rel", "timer", "replaces", "norefersub", "tdialog", "path"]
    )

    var allow: String { SessionSettings.allow + ", REGISTER" }

    /// The refusal that a request earns before anybody looks at what it is about; nil: it may pass.
    func refusal(of request: SIPRequest) -> Refusal? {
        guard methods.contains(request.method) else {
            let isKnown = refusedMethods.contains(request.method)
            return Refusal(isKnown ? 405 : 501, isKnown ? [(.allow, allow)] : [])
        }
        switch request.uri.scheme {
        case .sip, .tel: break
        // Whoever dials it wants TLS on every hop (RFC 3261 §26.2.2), and we have none.
        case .sips, .other: return Refusal(416)
        }
        guard request.method != .cancel, request.method != .ack else { return nil }
        // Only an INVITE takes somebody's place (RFC 3891 §3).
        if request.method != .invite, request.headers.contains(.replaces) { return Refusal(400) }
        if request.toTag == nil, request.method != .options, (try? request.maxForwards()) == 0 { return Refusal(483) }
        // Who wants to be anonymous may insist upon it (RFC 3323 §4.3), and is.
        let ofProxies = request.headers.list(.proxyRequire).filter { $0.lowercased() != "privacy" }
        let required = request.headers.list(.require) + ofProxies
        let unknown = required.filter { !extensions.contains($0.lowercased()) }
        guard unknown.isEmpty else { return Refusal(420, [(.unsupported, unknown.joined(separator: ", "))]) }
        // An address of record that is none of ours by its very scheme (RFC 4475 §3.3.5).
        if request.method == .register, case .other? = (try? request.to())?.uri.scheme { return Refusal(400) }
        if request.method == .invite, !request.accepts("application/sdp") {
            return Refusal(406, [(.accept, "application/sdp")])
        }
        return bodyRefusal(of: request)
    }

    /// A body that we must understand and cannot (§8.2.3); one marked optional may be ignored (RFC 3261 §20.11).
    private func bodyRefusal(of request: SIPRequest) -> Refusal? {
        guard !request.body.isEmpty else { return nil }
        let codings = request.headers.list(.contentEncoding).filter { $0.lowercased() != "identity" }
        guard codings.isEmpty else { return Refusal(415, [(.acceptEncoding, "identity")]) }
        guard [.invite, .update, .prack].contains(request.method), let type = request.contentType() else { return nil }
        if type == "application/sdp" { return nil }
        if type.hasPrefix("multipart/"), request.sdpBody() != nil, !request.requiresUnknownPart() { return nil }
        if request.headers[.contentDisposition]?.lowercased().contains("handling=optional") == true { return nil }
        return Refusal(415, [(.accept, "application/sdp")])
    }

    struct Refusal: Sendable {
        var status: Int
        var headers: [(HeaderName, String)]
        init(_ status: Int, _ headers: [(HeaderName, String)] = []) { (self.status, self.headers) = (status, headers) }
    }
}

extension SIPRequest {
    /// Whether a body of this type would be understood (RFC 3261 §20.1); who says nothing understands it.
    func accepts(_ type: String) -> Bool {
        let types = headers.list(.accept)
        guard !types.isEmpty else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        return types.contains { accepted in
            let name = accepted.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            return name == type || name == family || name == "*/*"
        }
    }
}

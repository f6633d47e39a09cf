public import SIPMessage

/// Who calls, as an INVITE says it, and whether others may know (RFC 3323, RFC 3325).
public struct CallingParty: Equatable, Sendable {
    /// nil: nobody says.
    public var number: String?
    public var name: String?
    /// Only who is trusted may know: `Privacy` says so, or the From itself is anonymous.
    public var isPrivate: Bool
    /// A peer that we trust vouches for the number.
    public var isAsserted: Bool

    /// A P-Asserted-Identity, or a Remote-Party-ID where there is none, counts only from a peer that is trusted (RFC 3325 §5), and where the From does not tell who calls: where it
    /// does, it is what the caller wants to be known by.
    public init(of request: SIPRequest, isTrusted: Bool) {
        let from = try? request.from()
        let isAnonymous = from.map { Self.isAnonymous($0.uri) } ?? true
        isPrivate = isAnonymous || Self.wantsPrivacy(request) || Self.wantsRemotePartyPrivacy(request)
        number = isAnonymous ? nil : from?.uri.number
        name = isAnonymous ? nil : from?.displayName
        let asserted = isTrusted ? Self.asserted(in: request) : nil
        if isPrivate, let asserted {
            number = asserted.party.uri.number
            name = asserted.party.displayName ?? name
        }
        isAsserted = asserted?.isVouchedFor == true && asserted?.party.uri.number == number
    }

    /// RFC 3323 §4.2 and RFC 3325 §9.3; `session` is about media, `history` about others.
    private static func wantsPrivacy(_ request: SIPRequest) -> Bool {
        let words = request.headers.all(.privacy).flatMap { $0.split { ";, \t".contains($0) } }.map { $0.lowercased() }
        return !words.contains("none") && words.contains { ["id", "user", "header"].contains($0) }
    }

    /// draft-ietf-sip-privacy-04 §5.1, which gateways of before RFC 3325 speak still; the party is the caller unless it says otherwise.
    private static func wantsRemotePartyPrivacy(_ request: SIPRequest) -> Bool {
        remoteParty(in: request).contains { ["full", "uri"].contains($0.parameters["privacy"]?.lowercased()) }
    }

    /// What the Remote-Party-ID says of the caller.
    private static func remoteParty(in request: SIPRequest) -> [NameAddress] {
        request.headers.list(HeaderName("Remote-Party-ID")).prefix(4).compactMap { try? NameAddress($0) }
            .filter { $0.parameters["party"].map { $0.lowercased() == "calling" } ?? true }
    }

    /// RFC 3323 §4.1.1.3.
    private static func isAnonymous(_ uri: SIPURI) -> Bool {
        uri.number.map { $0.lowercased() == "anonymous" } ?? true || uri.host.lowercased() == "anonymous.invalid"
    }

    /// There may be two, a `sip` and a `tel` URI of the same party (RFC 3325 §9.1). What the older header says is vouched for where it was screened
    /// (draft-ietf-sip-privacy-04 §5.1), and worth nothing where somebody says that it was not.
    private static func asserted(in request: SIPRequest) -> (party: NameAddress, isVouchedFor: Bool)? {
        let named = request.headers.list(.pAssertedIdentity).prefix(2).compactMap { try? NameAddress($0) }
        guard named.isEmpty else { return named.first { !isAnonymous($0.uri) }.map { ($0, true) } }
        let party = remoteParty(in: request).first { !isAnonymous($0.uri) }
        let screen = party?.parameters["screen"]?.lowercased()
        return screen == "no" ? nil : party.map { ($0, screen == "yes") }
    }
}

extension NameAddress {
    /// The From of who does not want to be known (RFC 3323 §4.1.1.3).
    public static var anonymous: NameAddress {
        NameAddress(uri: SIPURI(user: "anonymous", host: "anonymous.invalid"), displayName: "Anonymous")
    }
}

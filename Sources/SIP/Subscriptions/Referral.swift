public import SIPMessage

/// What a REFER asks for (RFC 3515 §2.4.1).
public struct Referral: Equatable, Sendable {
    /// Whom to call, without the headers that the URI carries.
    public var target: SIPURI
    /// The dialog that the call is to take the place of: an attended transfer (RFC 5589 §7).
    public var replaces: DialogReference?
    /// False: `Refer-Sub: false`, the sender wants no NOTIFYs (RFC 4488).
    public var wantsReports: Bool

    public init(target: SIPURI, replaces: DialogReference? = nil, wantsReports: Bool = true) {
        (self.target, self.replaces, self.wantsReports) = (target, replaces, wantsReports)
    }

    public init(_ request: SIPRequest) throws(SIPFault) {
        let values = request.headers.all(.referTo)
        guard values.count == 1, let value = values.first else {
            let what = values.isEmpty ? "a REFER names whom to call" : "a REFER names one to call, not \(values.count)"
            throw SIPFault(kind: values.isEmpty ? .missingHeader : .duplicateHeader, where: "Refer-To", what: what)
        }
        var uri = try NameAddress(value).uri
        guard uri.isSIP || uri.scheme == .tel else {
            throw SIPFault(
                kind: .malformedURI,
                where: "Refer-To",
                what: "the scheme '\(uri.scheme.name)' cannot be called",
                status: 416
            )
        }
        if let method = uri.parameters["method"], method.uppercased() != "INVITE" {
            throw SIPFault(
                kind: .malformedURI,
                where: "Refer-To",
                what: "only an INVITE can be referred, not \(method)",
                status: 501
            )
        }
        let replaced = uri.headers.filter { $0.0.lowercased() == "replaces" }
        guard replaced.count < 2 else {
            throw SIPFault(kind: .duplicateHeader, where: "Refer-To", what: "a call replaces one dialog")
        }
        if let (_, text) = replaced.first { replaces = try DialogReference(replaces: text) }
        uri.headers = []
        target = uri
        wantsReports = request.headers[.referSub]?.lowercased() != "false"
    }
}

public import SIPMessage

/// A dialog as somebody else names it: Replaces (RFC 3891 §6.1) and Target-Dialog (RFC 4538 §7), read by the element that is asked.
public struct DialogReference: Equatable, Sendable {
    public var callID: String
    /// Of the element that is asked: `to-tag`, or `local-tag` of whoever wrote it turned round.
    public var localTag: String
    public var remoteTag: String
    /// Only while nobody has answered (RFC 3891 §3).
    public var isEarlyOnly = false

    public init(callID: String, localTag: String, remoteTag: String, isEarlyOnly: Bool = false) {
        (self.callID, self.localTag, self.remoteTag) = (callID, localTag, remoteTag)
        self.isEarlyOnly = isEarlyOnly
    }

    /// Reads a value of Replaces.
    public init(replaces text: String) throws(SIPFault) {
        let fields = try Self.fields(of: text, in: "Replaces")
        guard let to = fields["to-tag"] ?? nil, let from = fields["from-tag"] ?? nil else {
            throw Self.fault("Replaces", "it needs a to-tag and a from-tag")
        }
        self.init(
            callID: try Self.callID(of: text, in: "Replaces"),
            localTag: to,
            remoteTag: from,
            isEarlyOnly: fields.keys.contains("early-only")
        )
    }

    /// Reads a value of Target-Dialog, whose sender calls its own tag the local one.
    public init(targetDialog text: String) throws(SIPFault) {
        let fields = try Self.fields(of: text, in: "Target-Dialog")
        guard let local = fields["local-tag"] ?? nil, let remote = fields["remote-tag"] ?? nil else {
            throw Self.fault("Target-Dialog", "it needs a local-tag and a remote-tag")
        }
        self.init(callID: try Self.callID(of: text, in: "Target-Dialog"), localTag: remote, remoteTag: local)
    }

    private static func callID(of text: String, in header: String) throws(SIPFault) -> String {
        let callID = text.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        guard !callID.isEmpty, !callID.contains(",") else { throw fault(header, "it names no Call-ID, or several") }
        return callID
    }

    /// The parameters by their names in lower case; none may stand twice.
    private static func fields(of text: String, in header: String) throws(SIPFault) -> [String: String?] {
        var fields: [String: String?] = [:]
        for part in text.split(separator: ";", omittingEmptySubsequences: false).dropFirst() {
            let halves = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = halves.first?.lowercased(), !name.isEmpty, fields[name] == nil else {
                throw fault(header, "a parameter is empty or stands twice")
            }
            fields[name] = .some(halves.count == 2 ? halves[1] : nil)
        }
        return fields
    }

    private static func fault(_ header: String, _ what: String) -> SIPFault {
        SIPFault(kind: .malformedHeader, where: header, what: what, status: 400)
    }
}

extension SIPRequest {
    /// The dialog that an INVITE is to take the place of; nil: none. Throws for two, and beside Join (RFC 3891 §3).
    public func replacedDialog() throws(SIPFault) -> DialogReference? {
        let values = headers.list(.replaces)
        guard let first = values.first else { return nil }
        guard values.count == 1 else {
            throw SIPFault(
                kind: .duplicateHeader,
                where: "Replaces",
                what: "an INVITE replaces one dialog",
                status: 400
            )
        }
        guard !headers.contains(.join) else {
            throw SIPFault(
                kind: .malformedHeader,
                where: "Join",
                what: "Replaces and Join exclude each other",
                status: 400
            )
        }
        return try DialogReference(replaces: first)
    }
}

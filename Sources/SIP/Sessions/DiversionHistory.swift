public import SIPMessage

/// By which numbers a call came where it is: History-Info (RFC 7044) and Diversion (RFC 5806) of the INVITE to one target.
///
/// History-Info lists every target, oldest first; Diversion those who sent the call on, newest first.
public struct DiversionHistory: Equatable, Sendable {
    /// Entries of each header that are kept, and octets of one: whoever calls cannot make ours grow.
    static let mostEntries = 10
    static let longestEntry = 512

    private struct Target: Equatable, Sendable {
        /// With all its parameters, `index` among them.
        var address: NameAddress
        let index: String

        init(_ address: NameAddress, index: String) { (self.address, self.index) = (address, index) }

        init(_ uri: SIPURI, mappedFrom: String? = nil, index: String) {
            self.init(NameAddress(uri: uri), index: index)
            // Another user than the one who was asked for (§5, "mp").
            if let mappedFrom { address.parameters.set("mp", mappedFrom) }
            address.parameters.set("index", index)
        }
    }

    private var targets: [Target] = []
    private var diversions: [String] = []
    /// The numbers that sent this call on while it was ours.
    private var authors: [String] = []

    public init() {}

    /// What an INVITE brings along. Entries that cannot be read are left out, and so is all of it when its author does not want it
    /// to be told (RFC 7044 §10.1).
    public init(of request: SIPRequest) {
        let privacy = request.headers.all(.privacy).flatMap { $0.split(separator: ";") }
        let isPrivate = privacy.contains { word in
            ["history", "header"].contains(word.split(separator: " ").joined().lowercased())
        }
        guard !isPrivate else { return }
        let entries = request.headers.list(.historyInfo).suffix(Self.mostEntries)
        targets = entries.compactMap { text in
            guard text.utf8.count <= Self.longestEntry, let address = try? NameAddress(text),
                let index = address.parameters["index"], Self.isIndex(index)
            else { return nil }
            return Target(address, index: index)
        }
        diversions = Self.usable(request.headers.list(.diversion))
    }

    /// The entries of a Diversion header that can be kept and told, without what they want withheld (RFC 5806 §4).
    static func usable(_ diversions: [String]) -> [String] {
        diversions.prefix(mostEntries).compactMap { text in
            guard text.utf8.count <= longestEntry, var address = try? NameAddress(text) else { return nil }
            switch address.parameters["privacy"]?.filter({ $0 != "\"" }).lowercased() {
            case "full", "uri": return nil
            case "name":
                address.displayName = nil
                return "\(address)"
            default: return text
            }
        }
    }

    /// Numbers with dots between (RFC 7044 §5).
    private static func isIndex(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }

    /// Whether the call was sent on by this number before: to ring there again would be a loop.
    public func wasSentOn(by number: String) -> Bool { authors.contains(number) }

    /// Whether somebody sent the call on while it was ours.
    public var isSentOn: Bool { !authors.isEmpty }

    /// Somebody who has the call sends it on by hand: whoever sent it on before may have it again.
    public mutating func beginAnew() { authors = [] }

    /// The target that this is the history of sent the call on with a 3xx, or did not take it.
    ///
    /// - Parameters:
    ///   - author: the number that was called.
    ///   - status: of its response.
    ///   - reason: RFC 5806 §4's word for it.
    ///   - told: the Diversion that it sent along itself, when it is believed; newest first.
    public mutating func sendOn(
        by author: SIPURI,
        status: Int,
        reason: String = "unconditional",
        told: [String] = []
    ) {
        if targets.isEmpty { targets = [Target(author, index: "1")] }
        // Why this target was left stands with it (RFC 7044 §10.2).
        targets[targets.count - 1].address.uri.headers.append(("Reason", "SIP;cause=\(status)"))
        let news = told.isEmpty ? ["<\(author)>;reason=\(reason)"] : told.filter { !diversions.contains($0) }
        diversions.insert(contentsOf: news, at: 0)
        diversions.removeLast(max(0, diversions.count - Self.mostEntries))
        authors.append(author.user ?? "")
    }

    /// The call goes on to `uri`, which is the `branch`th (from 1) that it goes to from there. Nothing is told of a call that nobody has
    /// sent on.
    public mutating func goOn(to uri: SIPURI, branch: Int = 1) {
        guard let last = targets.last else { return }
        targets.append(Target(uri, mappedFrom: last.index, index: "\(last.index).\(branch)"))
        targets.removeFirst(max(0, targets.count - Self.mostEntries))
    }

    /// Header lines of the INVITE. Nothing is said of targets that asked for privacy (RFC 7044 §10.1.2): phones and carriers are outside.
    public var headers: [(HeaderName, String)] {
        var headers: [(HeaderName, String)] = []
        for target in targets {
            let isPrivate = target.address.uri.headers.contains {
                $0.0.lowercased() == "privacy" && $0.1.lowercased() != "none"
            }
            if !isPrivate { headers.append((.historyInfo, "\(target.address)")) }
        }
        return headers + diversions.map { (.diversion, $0) }
    }

    /// As others are told it who know its numbers by other addresses; nil: by the same.
    public func renamed(_ name: (SIPURI) -> SIPURI?) -> DiversionHistory {
        func renamed(_ address: NameAddress) -> NameAddress? {
            guard var uri = name(address.uri) else { return nil }
            uri.headers = address.uri.headers
            var renamed = address
            (renamed.uri, renamed.displayName) = (uri, nil)
            return renamed
        }
        var told = self
        for place in targets.indices {
            if let address = renamed(targets[place].address) { told.targets[place].address = address }
        }
        told.diversions = diversions.map { text in
            (try? NameAddress(text)).flatMap(renamed).map { "\($0)" } ?? text
        }
        return told
    }
}

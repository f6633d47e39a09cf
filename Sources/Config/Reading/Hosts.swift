import DialPlan
import NetAddress

/// Whether it is a host name, or an address (RFC 3261 §25.1, `host`). Four numbers with dots that are no address are no name either.
func isHost(_ text: String) -> Bool {
    if IPAddress(text) != nil { return true }
    let isName = text.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0 | 0x20) || $0 == 45 || $0 == 46 || $0 == 95
    }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    let isDotted =
        labels.count == 4
        && labels.allSatisfy { label in !label.isEmpty && label.utf8.allSatisfy { (48...57).contains($0) } }
    return isName && !text.isEmpty && !isDotted
}

/// A host with a port behind it, as softphones have it in one field: `127.0.0.1:5080`, `[::1]:5080`.
struct HostAndPort {
    var host: String
    var port: UInt16

    /// nil: it is none.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        host = String(text[..<colon])
        self.port = port
        guard isHost(host), !host.contains(":") || host.hasPrefix("[") else { return nil }
    }
}

/// The part of a URL for HTTP that says whom it asks: `USER:PASSWORD@HOST:PORT` (RFC 3986 §3.2). Variables in it are still to be filled in.
struct URLAuthority {
    private let text: String

    /// nil: the text is no `http://` or `https://` URL, or names nobody.
    init?(of url: String) {
        guard let scheme = ["http://", "https://"].first(where: { url.lowercased().hasPrefix($0) }) else { return nil }
        text = String(url.dropFirst(scheme.count).prefix { !"/?#".contains($0) })
        if text.isEmpty { return nil }
    }

    /// The variables of which it is made.
    var variables: [String] { (try? Template(text))?.variables ?? [] }

    /// Whether it has a host, and a port that is one where it has any.
    var isSound: Bool {
        let place = text.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        // No port at all is the scheme's own (RFC 3986 §3.2.3).
        return isHost(place) || HostAndPort(place) != nil || place.last == ":" && isHost(String(place.dropLast()))
    }
}

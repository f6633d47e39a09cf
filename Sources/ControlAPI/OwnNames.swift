import Glibc
import NIOCore

/// The names by which requests over HTTP may ask for us. A page of anybody's may have its own name lead to this address (DNS
/// rebinding), and a browser takes what we answer for that page's own; only the header `Host` tells it apart (RFC 9110 §7.2).
struct OwnNames: Sendable {
    /// In lower case.
    private let names: Set<String>
    private let configured: Set<String>

    /// `names` are those that the configuration adds to `localhost` and the machine's own.
    init(_ names: [String]) {
        var buffer = [CChar](repeating: 0, count: 256)
        let machine = gethostname(&buffer, buffer.count - 1) == 0 ? Self.text(buffer) : ""
        configured = Set(names.map { $0.lowercased() })
        self.names = Set((names + ["localhost", machine]).map { $0.lowercased() }.filter { !$0.isEmpty })
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether we are meant by `host` or `host:port`. An address can be nobody else's name, and who names nobody is no browser.
    func contain(authority: String?) -> Bool {
        guard let authority else { return true }
        let host = Self.host(of: authority)
        return names.contains(host) || (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    func isConfigured(_ host: String) -> Bool { configured.contains(host.lowercased()) }

    /// In lower case, without the port, brackets, and the dot of a complete name.
    private static func host(of authority: String) -> String {
        let text = authority.lowercased()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let host = text.prefix { $0 != ":" }
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }
}

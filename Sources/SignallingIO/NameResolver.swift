import Glibc
public import NIOCore
public import NIOPosix
public import NetAddress

/// Looks host names up with the system's resolver, off the loop.
public struct NameResolver: Sendable {
    private let pool: NIOThreadPool

    public init(pool: NIOThreadPool) { self.pool = pool }

    /// The addresses of a name, IPv4 first as most carriers have it; empty when it has none.
    public func addresses(of host: String, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        pool.runIfActive(eventLoop: loop) { Self.lookUp(host) }
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let info = entry?.pointee {
            entry = info.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    info.ai_addr,
                    info.ai_addrlen,
                    &text,
                    socklen_t(text.count),
                    nil,
                    0,
                    NI_NUMERICHOST
                ) == 0
            else { continue }
            let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let ip = IPAddress(name), !found.contains(ip) { found.append(ip) }
        }
        return found.filter { !$0.isV6 } + found.filter(\.isV6)
    }
}

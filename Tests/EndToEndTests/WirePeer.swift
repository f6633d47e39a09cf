import Foundation
import Glibc

/// One UDP socket on loopback that speaks for itself: a phone, a carrier or a stranger.
final class WirePeer {
    /// Which loopback it lives on.
    enum Family {
        case v4, v6

        var host: String { self == .v4 ? "127.0.0.1" : "[::1]" }

        /// An address of that loopback, as the system calls want it.
        func withAddress<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
            switch self {
            case .v4: WirePeer.with(WirePeer.loopback(port), body)
            case .v6: WirePeer.with(WirePeer.loopback6(port), body)
            }
        }
    }

    let port: UInt16
    let family: Family
    private let descriptor: Int32

    init(port wanted: UInt16 = 0, family: Family = .v4) throws {
        let made = socket(family == .v4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        (descriptor, self.family) = (made, family)
        guard family.withAddress(wanted, { bind(made, $0, $1) }) == 0 else { throw WireError.cannotBind(errno) }
        port = Self.named { getsockname(made, $0, $1) }.port
    }

    private static func with<Address, Result>(
        _ address: Address,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
        }
    }

    /// What a call returns that names an address, and the port of that; both families have it in the same place.
    private static func named<Result>(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> (result: Result, port: UInt16) {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
        return (result, UInt16(bigEndian: address.sin6_port))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8], to port: UInt16) {
        _ = family.withAddress(port) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    }

    func send(_ text: String, to port: UInt16) { send(Array(text.utf8), to: port) }

    /// The next datagram and its source port; nil when none comes in time.
    func receive(within seconds: Double = 5) -> (bytes: [UInt8], from: UInt16)? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let (count, port) = Self.named { recvfrom(descriptor, &buffer, buffer.count, 0, $0, $1) }
        guard count >= 0 else { return nil }
        return (Array(buffer[..<count]), port)
    }

    /// Waits until one of the peers has a datagram, for so many milliseconds at most.
    static func await(any peers: [WirePeer], milliseconds: Int32) {
        var pollers = peers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        _ = poll(&pollers, nfds_t(pollers.count), milliseconds)
    }

    /// The next message whose text satisfies `condition`; others are passed over.
    func expect(within seconds: Double = 5, _ condition: (String) -> Bool) -> String? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let left = deadline.timeIntervalSinceNow
            guard left > 0, let next = receive(within: left) else { return nil }
            let text = String(decoding: next.bytes, as: UTF8.self)
            if condition(text) { return text }
        }
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    static func loopback6(_ port: UInt16) -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return address
    }
}

enum WireError: Error { case cannotBind(Int32) }

extension String {
    /// The value of the first header line with this name, as it stands.
    func header(_ name: String) -> String? {
        for line in components(separatedBy: "\r\n") {
            if line.isEmpty { return nil }
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }

    func headers(_ name: String) -> [String] {
        components(separatedBy: "\r\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
            return parts[1].trimmingCharacters(in: .whitespaces)
        }
    }

    /// The status of a response, the method of a request.
    var startWord: String {
        let words = split(separator: " ", maxSplits: 2)
        guard let first = words.first else { return "" }
        return first == "SIP/2.0" ? String(words.dropFirst().first ?? "") : String(first)
    }

    var sipBody: String { components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n") }

    /// The port of the first m=audio line.
    var audioPort: UInt16? {
        for line in components(separatedBy: .newlines) where line.hasPrefix("m=audio ") {
            return UInt16(line.split(separator: " ").dropFirst().first ?? "")
        }
        return nil
    }
}

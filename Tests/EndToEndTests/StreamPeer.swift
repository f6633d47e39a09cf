import Foundation
import Glibc

/// One TCP connection to the switch from a port of our choice, which cuts what it reads into messages.
final class StreamPeer {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// Of a connection that is there.
    fileprivate init(_ connection: Int32) { descriptor = connection }

    init(from own: UInt16 = 0, to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var local = WirePeer.loopback(own)
        var remote = WirePeer.loopback(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let made = descriptor
        let isOpen =
            withUnsafePointer(to: &local) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(made, $0, size) }
            } == 0
            && withUnsafePointer(to: &remote) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(made, $0, size) }
            } == 0
        guard isOpen else { throw WireError.cannotBind(errno) }
    }

    deinit { close(descriptor) }

    /// False: the other end has closed.
    @discardableResult
    func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    /// The next message whose text satisfies `condition`; nil when none comes in time, or the other end closes.
    func expect(within seconds: Double = 8, _ condition: (String) -> Bool) -> String? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            while let message = cut() { if condition(message) { return message } }
            let left = deadline.timeIntervalSinceNow
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&poller, 1, Int32(left * 1000)) == 1 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }

    /// All that comes until the other end closes, or the time is over.
    func everything(within seconds: Double) -> String {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let left = deadline.timeIntervalSinceNow
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&poller, 1, Int32(left * 1000)) == 1 else { break }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            buffer += chunk[..<count]
        }
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    private func cut() -> String? {
        while buffer.first == 13 || buffer.first == 10 { buffer.removeFirst() }
        let text = String(decoding: buffer, as: UTF8.self)
        guard let head = text.range(of: "\r\n\r\n") else { return nil }
        let headers = String(text[..<head.upperBound])
        let whole = headers.utf8.count + (Int(headers.header("Content-Length") ?? "") ?? 0)
        guard buffer.count >= whole else { return nil }
        defer { buffer.removeFirst(whole) }
        return String(decoding: buffer[..<whole], as: UTF8.self)
    }
}

/// Takes TCP connections at a port of loopback.
final class StreamListener {
    private let descriptor: Int32

    init(at port: UInt16) throws {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        descriptor = made
        var yes: Int32 = 1
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let isBound = WirePeer.Family.v4.withAddress(port) { bind(made, $0, $1) } == 0
        guard isBound, listen(made, 8) == 0 else { throw WireError.cannotBind(errno) }
    }

    deinit { close(descriptor) }

    /// The next connection; nil when none comes in time.
    func accept(within seconds: Double = 5) -> StreamPeer? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Int32(seconds * 1000)) == 1 else { return nil }
        let connection = Glibc.accept(descriptor, nil, nil)
        return connection >= 0 ? StreamPeer(connection) : nil
    }
}

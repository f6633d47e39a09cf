import Foundation
import Glibc
import Synchronization

/// A server that takes posted records, one connection after the other, and answers as it is told.
final class RecordCatcher: Sendable {
    struct Post: Sendable {
        var head: String
        var body: String
        var isTaken = true

        var records: [[String: Any]] {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]]) ?? []
        }
    }

    let port: UInt16
    private let descriptor: Int32
    private let seen = Mutex<[Post]>([])
    private let statuses: Mutex<[Int]>
    private let longest: Int

    /// Answers with `statuses`, one after the other, and then with 204; a body longer than `longest` octets with 413. With a port it is this one.
    init(port wanted: UInt16 = 0, answering statuses: [Int] = [], longest: Int = .max) throws {
        self.statuses = Mutex(statuses)
        self.longest = longest
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = WirePeer.loopback(wanted)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let made = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(made, $0, size) == 0 && getsockname(made, $0, &size) == 0
            }
        }
        guard isBound, listen(descriptor, 8) == 0 else { throw WireError.cannotBind(errno) }
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [self] in serve() }
        thread.start()
    }

    /// What was posted, whatever it was answered.
    var posts: [Post] { seen.withLock { $0 } }

    /// Nobody is served any more.
    func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func serve() {
        defer { close(descriptor) }
        while true {
            let peer = accept(descriptor, nil, nil)
            guard peer >= 0 else { return }
            defer { close(peer) }
            guard var post = Self.read(peer) else { continue }
            post.isTaken = post.body.utf8.count <= longest
            let status = post.isTaken ? statuses.withLock { $0.isEmpty ? 204 : $0.removeFirst() } : 413
            seen.withLock { $0.append(post) }
            let answer = Array("HTTP/1.1 \(status) Test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
            _ = answer.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    private static func read(_ peer: Int32) -> Post? {
        var octets: [UInt8] = []
        while true {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(peer, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            octets += chunk[..<count]
            let text = String(decoding: octets, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let head = String(text[..<end.upperBound])
            let body = octets.dropFirst(head.utf8.count)
            guard body.count >= Int(head.header("Content-Length") ?? "") ?? 0 else { continue }
            return Post(head: head, body: String(decoding: body, as: UTF8.self))
        }
    }
}

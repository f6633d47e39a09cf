public import Config
import Foundation
import Glibc
import NetAddress

/// Asks trunks by OPTIONS (RFC 3261 §11) while no switch runs that would: all at once, each from a port of its own.
public enum TrunkQuestions {
    public enum Answer: Equatable, Sendable {
        /// With whatever status: somebody who speaks SIP is there.
        case answered(status: Int, milliseconds: Double)
        /// Nothing came, or the network says that nobody is there.
        case unanswered(why: String)
        /// It cannot be asked so.
        case notAsked(why: String)
    }

    /// The trunks' answers, in their order; waits as long as the slowest takes, and no longer than `seconds`.
    public static func ask(_ trunks: [Trunk], within seconds: Double = 2) -> [Answer] {
        var questions = trunks.map { Question(to: $0) }
        defer { for question in questions where question.descriptor >= 0 { close(question.descriptor) } }
        let clock = ContinuousClock()
        let start = clock.now
        var elapsed: Double { (clock.now - start) / .milliseconds(1) }
        // As timer E repeats it (§17.1.2.2).
        var repeats = [500.0, 1_500]
        while elapsed < seconds * 1_000, questions.contains(where: \.isOpen) {
            if let next = repeats.first, elapsed >= next {
                repeats.removeFirst()
                for index in questions.indices where questions[index].isOpen { questions[index].repeatDatagram() }
            }
            let open = questions.indices.filter { questions[$0].isOpen }
            var polled = open.map { pollfd(fd: questions[$0].descriptor, events: questions[$0].events, revents: 0) }
            let wait = (repeats.first ?? .infinity).rounded(.up) - elapsed
            _ = poll(&polled, nfds_t(polled.count), Int32(min(max(1, wait), 100)))
            for (index, poll) in zip(open, polled) where poll.revents != 0 { questions[index].proceed(at: elapsed) }
        }
        return questions.map { $0.answer ?? .unanswered(why: "no answer within \(Int(seconds)) s") }
    }

    /// One trunk, and how far asking it has come.
    private struct Question {
        private(set) var descriptor: Int32 = -1
        private(set) var answer: Answer?
        private let uri: String
        private let isStream: Bool
        private var isSent = false
        private var received: [UInt8] = []

        var isOpen: Bool { answer == nil }
        var events: Int16 { Int16(isSent ? POLLIN : POLLOUT) }

        init(to trunk: Trunk) {
            isStream = trunk.transport == .tcp
            let port = trunk.port ?? 5060
            let host = IPAddress(trunk.host)?.uriHost ?? trunk.host
            uri = "sip:\(host):\(port)\(isStream ? ";transport=tcp" : "")"
            guard trunk.port != nil || IPAddress(trunk.host) != nil else {
                answer = .notAsked(why: "DNS says which servers \(trunk.host) has, and the switch asks those")
                return
            }
            guard !(trunk.transport?.isSecure ?? false) else {
                answer = .notAsked(why: "\(trunk.transport?.viaName ?? "") is not built yet")
                return
            }
            var hints = addrinfo()
            hints.ai_socktype = isStream ? Int32(SOCK_STREAM.rawValue) : Int32(SOCK_DGRAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            let fault = getaddrinfo(trunk.host, "\(port)", &hints, &list)
            guard fault == 0, let place = list?.pointee else {
                answer = .unanswered(why: "\(trunk.host): \(String(cString: gai_strerror(fault)))")
                return
            }
            defer { freeaddrinfo(list) }
            descriptor = socket(place.ai_family, hints.ai_socktype | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0, connect(descriptor, place.ai_addr, place.ai_addrlen) == 0 || errno == EINPROGRESS
            else {
                fail(errno)
                return
            }
        }

        /// The socket can be written to, or has something to read.
        mutating func proceed(at milliseconds: Double) {
            if isSent { read(at: milliseconds) } else { begin() }
        }

        mutating func repeatDatagram() { if isSent, !isStream { send() } }

        private mutating func begin() {
            var (fault, length): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &fault, &length)
            guard fault == 0 else { return fail(fault) }
            isSent = true
            send()
        }

        private mutating func send() {
            let octets = Array(text.utf8)
            guard Glibc.send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL)) < 0 else { return }
            fail(errno)
        }

        private mutating func read(at milliseconds: Double) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return fail(count == 0 ? ECONNRESET : errno) }
            received = isStream ? received + buffer.prefix(count) : Array(buffer.prefix(count))
            let line = String(decoding: received.prefix { $0 != 13 }, as: UTF8.self)
            guard line.hasPrefix("SIP/2.0 "), let status = Int(line.dropFirst(8).prefix(3)), status >= 200 else {
                return
            }
            answer = .answered(status: status, milliseconds: milliseconds)
        }

        private mutating func fail(_ fault: Int32) {
            guard fault != EAGAIN, fault != EINTR else { return }
            answer = .unanswered(
                why: fault == ECONNREFUSED ? "nobody is at that port" : String(cString: strerror(fault))
            )
        }

        private var text: String {
            let (token, local) = (String(UInt64.random(in: 0 ... .max), radix: 36), ownAddress)
            return """
                OPTIONS \(uri) SIP/2.0
                Via: SIP/2.0/\(isStream ? "TCP" : "UDP") \(local);branch=z9hG4bK\(token);rport
                Max-Forwards: 70
                From: <sip:gudok-doctor@\(local)>;tag=\(token)
                To: <\(uri)>
                Call-ID: \(token)@gudok-doctor
                CSeq: 1 OPTIONS
                Contact: <sip:gudok-doctor@\(local)\(isStream ? ";transport=tcp" : "")>
                Accept: application/sdp
                Content-Length: 0


                """.replacing("\n", with: "\r\n")
        }

        /// Where the answer is to go.
        private var ownAddress: String {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            var (host, port) = ([CChar](repeating: 0, count: 64), [CChar](repeating: 0, count: 8))
            let fault = withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    getsockname(descriptor, address, &length) == 0
                        ? getnameinfo(address, length, &host, 64, &port, 8, NI_NUMERICHOST | NI_NUMERICSERV) : -1
                }
            }
            guard fault == 0 else { return "localhost" }
            let text = { (octets: [CChar]) in
                String(decoding: octets.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            return "\(IPAddress(text(host))?.uriHost ?? text(host)):\(text(port))"
        }
    }
}

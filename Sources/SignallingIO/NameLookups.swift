import CAres
import CLinuxIO
import Glibc
import NetAddress
import SIP

/// Look-ups under way, over one c-ares channel. Lives on the resolver's thread.
final class NameLookups {
    private struct Lookup {
        var locator: ServerLocator
        var order: NameResolver.Order
    }

    private let servers: [SocketAddress]
    /// Made when the first look-up begins and dropped after the last: so the system's servers are those of now.
    private var channel: ares_channel?
    private var lookups: [Int: Lookup] = [:]
    private var serial = 0

    /// Milliseconds for a server's first answer; each further try has twice as many.
    private static let timeout: Int32 = 1_000
    private static let tries: Int32 = 3

    init(servers: [SocketAddress]) { self.servers = servers }

    func begin(_ order: NameResolver.Order) {
        serial += 1
        var locator = ServerLocator(order.query)
        let questions = locator.start()
        lookups[serial] = Lookup(locator: locator, order: order)
        ask(questions, for: serial)
    }

    /// Waits for answers, for time-outs, or for the bell.
    func wait(for bell: Int32) {
        var sockets = [ares_socket_t](repeating: -1, count: 16)
        var mask = 0
        var patience: Int32 = -1
        if let channel {
            mask = Int(ares_getsock(channel, &sockets, Int32(sockets.count)))
            var limit = timeval()
            if ares_timeout(channel, nil, &limit) != nil {
                patience = Int32(clamping: limit.tv_sec * 1000 + Int(limit.tv_usec) / 1000 + 1)
            }
        }
        var pollers = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        for (index, socket) in sockets.enumerated() {
            let events = (mask >> index & 1 != 0 ? POLLIN : 0) | (mask >> (index + 16) & 1 != 0 ? POLLOUT : 0)
            if events != 0 { pollers.append(pollfd(fd: socket, events: Int16(events), revents: 0)) }
        }
        _ = poll(&pollers, nfds_t(pollers.count), patience)
        if pollers[0].revents != 0 { linux_io_bell_clear(bell) }
        guard let channel else { return }
        for poller in pollers.dropFirst() where poller.revents != 0 {
            let canRead = Int32(poller.revents) & ~POLLOUT != 0
            let canWrite = Int32(poller.revents) & POLLOUT != 0
            ares_process_fd(channel, canRead ? poller.fd : -1, canWrite ? poller.fd : -1)
        }
        ares_process_fd(channel, -1, -1)
        if lookups.isEmpty { close() }
    }

    func close() {
        lookups = [:]
        // What is still asked for is answered here, to nobody.
        if let channel { ares_destroy(channel) }
        channel = nil
    }

    // MARK: questions

    private func ask(_ questions: [DNSQuestion], for lookup: Int) {
        let opened: ares_channel
        do throws(ChannelFault) { opened = try openChannel() } catch {
            for question in questions { answered(.failed(error.why), to: question, of: lookup) }
            return
        }
        for question in questions {
            let context = Unmanaged.passRetained(Question(question, of: lookup, for: self)).toOpaque()
            switch question {
            case .naptr(let name): query(opened, name, type: 35, context)
            case .srv(let name): query(opened, name, type: 33, context)
            case .addresses(let name):
                var hints = ares_addrinfo_hints()
                hints.ai_family = AF_UNSPEC
                hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
                hints.ai_flags = ARES_AI_NOSORT
                ares_getaddrinfo(
                    opened,
                    name,
                    nil,
                    &hints,
                    { context, status, _, found in
                        defer { ares_freeaddrinfo(found) }
                        Question.take(context)?.answer(status: status, addresses: found)
                    },
                    context
                )
            }
        }
    }

    private func query(_ channel: ares_channel, _ name: String, type: Int32, _ context: UnsafeMutableRawPointer) {
        ares_query(
            channel,
            name,
            1,
            type,
            { context, status, _, bytes, length in
                Question.take(context)?.answer(status: status, bytes: bytes, length: length)
            },
            context
        )
    }

    fileprivate func answered(_ answer: DNSAnswer, to question: DNSQuestion, of lookup: Int) {
        guard let more = lookups[lookup]?.locator.receive(answer, to: question) else { return }
        ask(more, for: lookup)
        guard let location = lookups[lookup]?.locator.location else { return }
        lookups.removeValue(forKey: lookup)?.order.answer(location)
    }

    private struct ChannelFault: Error { var why: String }

    private func openChannel() throws(ChannelFault) -> ares_channel {
        if let channel { return channel }
        var options = ares_options()
        (options.timeout, options.tries) = (Self.timeout, Self.tries)
        var made: ares_channel?
        var status = ares_init_options(&made, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES)
        if status == ARES_SUCCESS, !servers.isEmpty {
            status = ares_set_servers_ports_csv(made, servers.map(\.description).joined(separator: ","))
        }
        guard status == ARES_SUCCESS, let made else {
            if let made { ares_destroy(made) }
            throw ChannelFault(why: String(cString: ares_strerror(status)))
        }
        channel = made
        return made
    }
}

/// One question on its way through c-ares.
private final class Question {
    private let question: DNSQuestion
    private let lookup: Int
    private weak var lookups: NameLookups?

    init(_ question: DNSQuestion, of lookup: Int, for lookups: NameLookups) {
        (self.question, self.lookup, self.lookups) = (question, lookup, lookups)
    }

    static func take(_ context: UnsafeMutableRawPointer?) -> Question? {
        context.map { Unmanaged<Question>.fromOpaque($0).takeRetainedValue() }
    }

    func answer(status: Int32, addresses list: UnsafeMutablePointer<ares_addrinfo>?) {
        tell(DNSAnswer(failure: status) ?? DNSAnswer(list))
    }

    func answer(status: Int32, bytes: UnsafePointer<UInt8>?, length: Int32) {
        if let failure = DNSAnswer(failure: status) { return tell(failure) }
        guard let bytes else { return tell(.nothing) }
        switch question {
        case .naptr: tell(DNSAnswer(naptr: bytes, length))
        case .srv: tell(DNSAnswer(srv: bytes, length))
        case .addresses: tell(.nothing)
        }
    }

    private func tell(_ answer: DNSAnswer) { lookups?.answered(answer, to: question, of: lookup) }
}

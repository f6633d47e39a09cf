import NetAddress

/// Finds the servers of a host by NAPTR, SRV and A/AAAA (RFC 3263 §4). Answers in, questions out.
///
/// What can be asked at once is: a resolver that swallows NAPTR questions costs no more time than that. Of the transports that
/// the domain offers, the first that it prefers and that we have is used.
public struct ServerLocator: Sendable {
    public let query: ServerQuery
    private var awaited: Set<DNSQuestion> = []
    private var answers: [DNSQuestion: DNSAnswer] = [:]

    public init(_ query: ServerQuery) { self.query = query }

    /// The first questions.
    public mutating func start() -> [DNSQuestion] { ask() }

    /// What is to be asked next.
    public mutating func receive(_ answer: DNSAnswer, to question: DNSQuestion) -> [DNSQuestion] {
        guard awaited.remove(question) != nil else { return [] }
        answers[question] = answer
        return ask()
    }

    private mutating func ask() -> [DNSQuestion] {
        var questions: [DNSQuestion] = []
        for question in wanted where answers[question] == nil && awaited.insert(question).inserted {
            questions.append(question)
        }
        return questions
    }

    /// nil: answers are still to come.
    public var location: ServerLocation? {
        guard awaited.isEmpty, !answers.isEmpty else { return nil }
        let found = servers
        var location = ServerLocation(servers: found.filter { !$0.addresses.isEmpty }, lasting: lasting)
        if location.servers.isEmpty {
            let failures = wanted.compactMap { question in
                if case .failed(let why)? = answers[question] { why } else { nil }
            }
            location.isUnanswered = !failures.isEmpty
            location.fault = failures.first.map { "DNS does not tell of \(query.host): \($0)" }
            location.fault = location.fault ?? "no address for \(query.host)"
        }
        return location
    }

    // MARK: what follows from the answers

    /// A way that the domain offers: SRV records or a host, and its transport.
    private struct Service {
        var transport: Transport
        var question: DNSQuestion
    }

    private var host: DNSQuestion { .addresses(query.host) }

    private var wanted: [DNSQuestion] {
        guard query.port == nil else { return [host] }
        var questions: [DNSQuestion] = query.transport == nil ? [.naptr(query.host)] : []
        questions += usual.map(\.question) + [host]
        questions += services.map(\.question)
        questions += (chosen?.records ?? []).prefix(Self.mostServers).map { .addresses($0.target) }
        return questions
    }

    /// By the well-known names (RFC 3263 §4.1).
    private var usual: [Service] {
        (query.transport.map { [$0] } ?? query.supported).map {
            Service(transport: $0, question: .srv("_sip._\($0.rawValue).\(query.host)"))
        }
    }

    /// What the domain says, in its order; without NAPTR records that we can use, the well-known names.
    private var services: [Service] {
        guard case .naptr(let records, _)? = answers[.naptr(query.host)] else { return usual }
        let named = records.sorted { ($0.order, $0.preference) < ($1.order, $1.preference) }.compactMap { record in
            record.transport.flatMap { transport -> Service? in
                guard query.supported.contains(transport), !record.replacement.isEmpty else { return nil }
                switch record.flags.lowercased() {
                case "s": return Service(transport: transport, question: .srv(record.replacement))
                case "a": return Service(transport: transport, question: .addresses(record.replacement))
                default: return nil
                }
            }
        }
        return named.isEmpty ? usual : Array(named.prefix(Self.mostServices))
    }

    /// The first service that is there; nil: none is, or one that would come before it is not known yet.
    private var chosen: (service: Service, records: [SRVRecord])? {
        for service in services {
            switch answers[service.question] {
            case .srv(let records, _)?:
                let present = records.filter { !$0.isAbsence }.sorted { $0.priority < $1.priority }
                if !present.isEmpty { return (service, present) }
            case .addresses?: return (service, [])
            case .naptr?, .nothing?, .failed?: continue
            case nil: return nil
            }
        }
        return nil
    }

    /// A domain whose SRV records say that there is no service has none at its own address either (RFC 2782, "Target").
    private var isDeclined: Bool {
        services.contains { if case .srv(let records, _)? = answers[$0.question] { !records.isEmpty } else { false } }
    }

    private var servers: [Server] {
        guard query.port == nil, let (service, records) = chosen else {
            guard query.port != nil || !isDeclined else { return [] }
            return [Server(at: query.port, over: query.usualTransport, addresses: addresses(host))]
        }
        if records.isEmpty {
            return [Server(at: nil, over: service.transport, addresses: addresses(service.question))]
        }
        return records.prefix(Self.mostServers).map { record in
            Server(
                transport: service.transport,
                priority: record.priority,
                weight: record.weight,
                port: record.port,
                addresses: addresses(.addresses(record.target))
            )
        }
    }

    private func addresses(_ question: DNSQuestion) -> [IPAddress] {
        guard case .addresses(let found, _)? = answers[question] else { return [] }
        // IPv4 first, as most carriers have it.
        return found.filter { !$0.isV6 } + found.filter(\.isV6)
    }

    /// As long as the shortest-lived record, within bounds; what is missing is asked for again soon.
    private var lasting: Duration {
        var least = Self.longest
        for question in wanted {
            switch answers[question] {
            case .naptr(_, let lasting)?, .srv(_, let lasting)?, .addresses(_, let lasting)?:
                least = min(least, lasting)
            case .failed?: least = min(least, Self.negative)
            case .nothing?, nil: break
            }
        }
        let isEmpty = servers.allSatisfy(\.addresses.isEmpty)
        return max(Self.shortest, isEmpty ? min(least, Self.negative) : least)
    }

    private static let shortest: Duration = .seconds(10)
    private static let longest: Duration = .seconds(3600)
    private static let negative: Duration = .seconds(30)
    /// Of a domain's servers and services, no more are looked at.
    private static let mostServers = 16
    private static let mostServices = 4
}

extension Server {
    fileprivate init(at port: UInt16?, over transport: Transport, addresses: [IPAddress]) {
        self.init(transport: transport, port: port ?? transport.defaultPort, addresses: addresses)
    }
}

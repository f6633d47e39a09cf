import Foundation

/// Who answers requests of the control interface: the switch.
public protocol ControlBackend: Sendable {
    func answer(_ request: ControlRequest) async -> ControlReply
    /// The server-sent events that a request is for; nil when it is for something else.
    func events(for request: ControlRequest) async -> EventStream?
}

/// The answer to whoever asks for a stream of events.
public enum EventStream: Sendable {
    /// Pulled as fast as the peer reads, so that nothing piles up.
    case open(AsyncStream<ServerEvent>)
    case refused(ControlReply)
}

extension ControlBackend {
    public func events(for request: ControlRequest) async -> EventStream? { nil }
}

/// One event of a stream (WHATWG HTML, server-sent events).
public struct ServerEvent: Sendable {
    let text: String

    /// `data` is without line breaks.
    public init(id: String, type: String, data: String) { text = "id: \(id)\nevent: \(type)\ndata: \(data)\n\n" }

    private init(text: String) { self.text = text }

    /// Where the stream begins: who is cut off before he has heard anything comes back to this.
    public static func beginning(after id: String) -> ServerEvent { ServerEvent(text: "id: \(id)\n\n") }

    /// A comment, so that the peer and whatever lies between know that we live.
    public static let beat = ServerEvent(text: ": \n\n")
}

/// One request, whichever way it came.
public struct ControlRequest: Equatable, Sendable {
    /// Who sent it.
    public enum Peer: Equatable, Sendable {
        /// A process of this machine, over the control socket, which only the switch's own user may open. The user as the kernel
        /// tells it (`SO_PEERCRED`); nil: it did not.
        case process(userID: UInt32?)
        /// Over HTTP.
        case address(String)
    }

    /// Upper case.
    public var method: String
    /// The path's segments, percent-decoded.
    public var path: [String]
    public var query: [String: String]
    public var body: [UInt8]
    public var peer: Peer
    /// The header `Last-Event-ID`: the last event that the peer has.
    public var lastEventID: String?

    public init(
        method: String = "GET",
        path: [String],
        query: [String: String] = [:],
        body: [UInt8] = [],
        peer: Peer = .process(userID: nil)
    ) {
        (self.method, self.path, self.query) = (method, path, query)
        (self.body, self.peer) = (body, peer)
    }

    /// Takes a request's target apart (RFC 9112 §3.2.1); nil when it is none, or gives one parameter twice.
    init?(method: String, target: String, body: [UInt8], peer: Peer) {
        guard target.hasPrefix("/"), let parts = URLComponents(string: target) else { return nil }
        let segments = parts.percentEncodedPath.split(separator: "/").map { String($0).removingPercentEncoding }
        guard !segments.contains(nil) else { return nil }
        guard Self.isEscapedWell(target), let query = Self.query(parts.percentEncodedQueryItems ?? []) else {
            return nil
        }
        self.init(method: method, path: segments.compactMap { $0 }, query: query, body: body, peer: peer)
    }

    /// Each `%` stands before two hexadecimal digits (RFC 3986 §2.1).
    private static func isEscapedWell(_ target: String) -> Bool {
        target.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.count >= 2 && $0.prefix(2).allSatisfy { $0.isASCII && $0.isHexDigit }
        }
    }

    /// nil: a parameter is given twice, or is no text.
    private static func query(_ items: [URLQueryItem]) -> [String: String]? {
        var query: [String: String] = [:]
        for item in items {
            guard let name = item.name.removingPercentEncoding, let value = (item.value ?? "").removingPercentEncoding,
                query.updateValue(value, forKey: name) == nil
            else { return nil }
        }
        return query
    }

    /// The same request with one value of its query in the place of another.
    public func with(_ name: String, _ value: String) -> ControlRequest {
        var next = self
        next.query[name] = value
        return next
    }

    /// The target as a request line has it.
    public var target: String {
        var parts = URLComponents()
        let allowed = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/"))
        parts.percentEncodedPath =
            "/" + path.map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }.joined(separator: "/")
        if !query.isEmpty {
            parts.queryItems = query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
            // A plus in a number means itself, not a blank.
            parts.percentEncodedQuery = parts.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B")
        }
        return parts.string ?? "/"
    }
}

public struct ControlReply: Equatable, Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// Where the rest of a listing is (RFC 8288, `next`).
    public var next: String?
    /// What the path may be asked for, when it was not this (RFC 9110 §10.2.1).
    public var allow: [String] = []
    /// The answer's body, in the place of `body`.
    public var file: ServedFile?

    public init(status: Int = 200, contentType: String, body: [UInt8]) {
        (self.status, self.contentType, self.body) = (status, contentType, body)
    }

    public static func text(_ text: String, status: Int = 200) -> ControlReply {
        ControlReply(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// JSON with the keys in the order of the alphabet, so that the same answer is the same bytes.
    public static func json(_ value: some Encodable, status: Int = 200) -> ControlReply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return ControlReply(status: status, contentType: "application/json", body: Array(try encoder.encode(value)))
        } catch {
            return problem(
                status: 500,
                code: "encoding",
                what: "\(error)",
                mend: "report this as a fault of the switch"
            )
        }
    }

    /// What went wrong, in the three parts that every error has.
    public static func problem(status: Int, code: String, what: String, mend: String) -> ControlReply {
        json(Problem(error: Problem.Details(code: code, what: what, mend: mend)), status: status)
    }

    public struct Problem: Codable, Sendable {
        public struct Details: Codable, Sendable {
            /// Stable: scripts may rely on it.
            public var code: String
            public var what: String
            public var mend: String
        }

        public var error: Details
    }
}

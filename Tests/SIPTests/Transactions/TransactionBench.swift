import NetAddress
import SIPMessage
import Timebase

@testable import SIP

/// A transaction layer under a virtual clock, and what it did.
struct TransactionBench {
    var layer: TransactionLayer
    var now = Instant(nanoseconds: 0)
    /// Everything that was done, in order.
    var actions: [TransactionAction] = []

    init(timers: SIPTimers = SIPTimers(), maximum: Int = 1_000) {
        layer = TransactionLayer(timers: timers, accepting: .gudok, maximumServerTransactions: maximum)
    }

    static func flow(_ transport: Transport = .udp, port: UInt16 = 5062) -> Flow {
        Flow(
            transport: transport,
            local: SocketAddress(.v4(0x7F00_0001), 5060),
            remote: SocketAddress(.v4(0x7F00_0001), port),
            connection: transport == .udp ? 0 : 7
        )
    }

    static func request(_ text: String) -> SIPRequest {
        let bytes = Array(text.split(separator: "\n").joined(separator: "\r\n").utf8) + Array("\r\n\r\n".utf8)
        guard case .message(.request(let request)) = parseDatagram(bytes) else {
            return SIPRequest(method: Method("UNPARSED"), uri: SIPURI(user: nil, host: "unparsed"))
        }
        return request
    }

    static func plain(
        _ method: String,
        branch: String = "z9hG4bKaaaa1111",
        uri: String = "sip:600@127.0.0.1",
        toTag: String = "",
        more: String = ""
    ) -> SIPRequest {
        request(
            """
            \(method) \(uri) SIP/2.0
            Via: SIP/2.0/UDP 127.0.0.1:5062;branch=\(branch);rport
            Max-Forwards: 70
            From: <sip:1001@demo.test>;tag=f1
            To: <sip:600@demo.test>\(toTag.isEmpty ? "" : ";tag=" + toTag)
            Call-ID: c1@host
            CSeq: 1 \(method)
            Contact: <sip:1001@127.0.0.1:5062>\(more.isEmpty ? "" : "\n" + more)
            """
        )
    }

    // MARK: driving

    @discardableResult
    mutating func receive(_ request: SIPRequest, over flow: Flow = Self.flow()) -> [TransactionAction] {
        note(layer.receive(.request(request), over: flow, now: now))
    }

    @discardableResult
    mutating func receive(_ response: SIPResponse, over flow: Flow = Self.flow()) -> [TransactionAction] {
        note(layer.receive(.response(response), over: flow, now: now))
    }

    @discardableResult
    mutating func respond(_ status: Int, to request: SIPRequest, _ id: ServerTransactionID) -> [TransactionAction] {
        note(layer.respond(id, with: SIPResponse(status: status, to: request, toTag: "us"), now: now))
    }

    mutating func send(_ request: SIPRequest, over flows: [Flow] = [Self.flow()]) -> ClientTransactionID {
        let (id, actions) = layer.send(request, over: flows, now: now)
        note(actions)
        return id
    }

    @discardableResult
    mutating func cancel(_ id: ClientTransactionID) -> [TransactionAction] {
        note(layer.cancel(id, now: now))
    }

    /// Lets time pass, every timer firing at its own moment; the moments (ms) of what was sent on the way.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [Int] {
        let end = now + duration
        var moments: [Int] = []
        while let deadline = layer.nextDeadline, deadline <= end {
            now = deadline
            for case .transmit in note(layer.fire(now: now)) { moments.append(Int(now.nanoseconds / 1_000_000)) }
        }
        now = end
        return moments
    }

    @discardableResult
    private mutating func note(_ new: [TransactionAction]) -> [TransactionAction] {
        actions += new
        return new
    }

    // MARK: looking

    /// First lines of what was sent.
    var sent: [String] { actions.compactMap(\.sent).map { $0.split(separator: "\r\n").first.map(String.init) ?? "" } }

    var hasTimedOut: Bool { actions.contains { $0.isTimeout } }

    var serverIDs: [ServerTransactionID] {
        actions.compactMap { if case .request(let id, _, _) = $0 { id } else { nil } }
    }
}

extension TransactionAction {
    /// The message that goes out.
    var sent: String? { if case .transmit(let bytes, _) = self { String(decoding: bytes, as: UTF8.self) } else { nil } }
    var status: Int? { if case .response(_, let response, _) = self { response.status } else { nil } }
    var isTimeout: Bool { if case .timedOut = self { true } else { false } }
}

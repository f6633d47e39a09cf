import NetAddress
import SDP
import SIPMessage
import Timebase

@testable import SIP

/// Two sessions face to face, with transactions that deliver at once and a virtual clock; writes the ladder as it goes.
struct SessionPair {
    enum Side: Int { case caller, callee }

    var caller: Session
    var callee: Session?
    var ladder: [String] = []
    var notices: [Side: [Session.Notice]] = [.caller: [], .callee: []]
    /// Messages that the next deliveries lose, by what `name` calls them.
    var lost: [String] = []
    /// The requests of this method get this answer in the place of the other side's; so many of them.
    var refusal: (method: Method, status: Int, retryAfter: String?, count: Int)?
    /// What was lost of requests, to come late.
    private var overdue: [(SIPRequest, Session.Purpose, Side)] = []
    private var timers = TimerQueue<Key>()
    private var now = Instant(nanoseconds: 0)
    private var transactions: [ServerTransactionID: (Side, SIPRequest, Session.Purpose)] = [:]
    private var serial: UInt64 = 0
    private let settings: SessionSettings

    private struct Key: Hashable {
        var side: Int
        var timer: Session.Timer
    }

    static let flow = Flow(
        transport: .udp,
        local: SocketAddress(.v4(0x7F00_0001), 5060),
        remote: SocketAddress(.v4(0x7F00_0001), 5070)
    )

    static let offer = Array(
        "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n".utf8
    )
    static let answer = Array(
        "v=0\r\no=b 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4002 RTP/AVP 8\r\n".utf8
    )

    init(offer: [UInt8]? = SessionPair.offer, settings: SessionSettings = SessionSettings(), require: String? = nil) {
        self.settings = settings
        let invitation = Invitation(
            target: SIPURI(user: "b", host: "127.0.0.1", port: 5070),
            from: NameAddress(uri: SIPURI(user: "a", host: "example.com")),
            to: NameAddress(uri: SIPURI(user: "b", host: "example.com")),
            flows: [Self.flow],
            maxForwards: 70,
            callID: "call",
            sdp: offer,
            headers: require.map { [(.require, $0)] } ?? []
        )
        caller = Session(inviting: invitation, settings: settings, seed: 1)
    }

    mutating func start() { let actions = caller.start(); perform(actions, by: .caller) }

    mutating func onCaller(_ body: (inout Session, Instant) -> [Session.Action]) {
        let actions = body(&caller, now)
        perform(actions, by: .caller)
    }

    mutating func onCallee(_ body: (inout Session, Instant) -> [Session.Action]) {
        guard var session = callee else { return }
        let actions = body(&session, now)
        callee = session
        perform(actions, by: .callee)
    }

    /// Lets the clock run, firing what is due.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = timers.nextDeadline, next <= end {
            now = next
            while let key = timers.popDue(now: now) {
                if key.side == 0 {
                    onCaller { $0.fired(key.timer, now: $1) }
                } else {
                    onCallee { $0.fired(key.timer, now: $1) }
                }
            }
        }
        now = end
    }

    var text: String { ladder.joined(separator: "\n") }

    private mutating func perform(_ actions: [Session.Action], by side: Side) {
        for action in actions {
            switch action {
            case .send(let request, let purpose, _):
                guard deliverable(request.method.name, from: side) else {
                    overdue.append((request, purpose, side))
                    continue
                }
                deliver(request, purpose, from: side)
            case .respond(let transaction, let response):
                guard let (asker, _, purpose) = transactions[transaction],
                    deliverable(Self.name(response), from: side)
                else { continue }
                let actions: [Session.Action]
                if asker == .caller {
                    actions = caller.receive(response, to: purpose, over: Self.flow, now: now)
                } else {
                    actions = callee?.receive(response, to: purpose, over: Self.flow, now: now) ?? []
                }
                perform(actions, by: asker)
            case .sendStateless(.request(let ack), _):
                guard deliverable("ACK", from: side) else { continue }
                if side == .caller {
                    onCallee { $0.acknowledged(by: ack, now: $1) }
                } else {
                    onCaller { $0.acknowledged(by: ack, now: $1) }
                }
            case .sendStateless(.response(let response), _):
                guard deliverable(Self.name(response), from: side) else { continue }
                let purpose: Session.Purpose =
                    (try? response.cSeq().number) == 1 && side == .callee ? .invite : .reinvite
                if side == .callee {
                    onCaller { $0.receive(response, to: purpose, over: Self.flow, now: $1) }
                } else {
                    onCallee { $0.receive(response, to: purpose, over: Self.flow, now: $1) }
                }
            case .cancelInvite:
                guard deliverable("CANCEL", from: side) else { continue }
                onCallee { $0.cancelled(now: $1) }
            case .start(let timer, let deadline): timers.start(Key(side: side.rawValue, timer: timer), at: deadline)
            case .stop(let timer): timers.stop(Key(side: side.rawValue, timer: timer))
            case .tell(let notice): notices[side, default: []].append(notice)
            }
        }
    }

    /// What was lost comes now.
    mutating func deliverOverdue() {
        let late = overdue
        overdue = []
        for (request, purpose, side) in late where deliverable(request.method.name, from: side) {
            deliver(request, purpose, from: side)
        }
    }

    /// Answers in the other side's place.
    private mutating func refuse(_ request: SIPRequest, _ purpose: Session.Purpose, from side: Side) -> Bool {
        guard let wanted = refusal, wanted.method == request.method, wanted.count > 0 else { return false }
        refusal?.count -= 1
        var response = SIPResponse(status: wanted.status, to: request, toTag: nil)
        if let seconds = wanted.retryAfter { response.headers.append(.retryAfter, seconds) }
        guard deliverable(Self.name(response), from: side == .caller ? .callee : .caller) else { return true }
        if side == .caller {
            onCaller { $0.receive(response, to: purpose, over: Self.flow, now: $1) }
        } else {
            onCallee { $0.receive(response, to: purpose, over: Self.flow, now: $1) }
        }
        return true
    }

    private mutating func deliver(_ request: SIPRequest, _ purpose: Session.Purpose, from side: Side) {
        if refuse(request, purpose, from: side) { return }
        serial += 1
        let transaction = ServerTransactionID(serial)
        transactions[transaction] = (side, request, purpose)
        if side == .caller, callee == nil, request.method == .invite {
            callee = try? Session(
                answering: request,
                transaction: transaction,
                over: Self.flow,
                settings: settings,
                seed: 2
            )
            return
        }
        if side == .caller {
            onCallee { $0.receive(request, transaction: transaction, over: Self.flow, now: $1) }
        } else {
            onCaller { $0.receive(request, transaction: transaction, over: Self.flow, now: $1) }
        }
    }

    private mutating func deliverable(_ name: String, from side: Side) -> Bool {
        let isLost = lost.first == name
        if isLost { lost.removeFirst() }
        let arrow = side == .caller ? "->" : "<-"
        let time = String(now.nanoseconds / 1_000_000)
        let pad = String(repeating: " ", count: max(0, 6 - time.count))
        ladder.append("\(pad)\(time) \(arrow) \(name)\(isLost ? " (lost)" : "")")
        return !isLost
    }

    private static func name(_ response: SIPResponse) -> String {
        let method = (try? response.cSeq().method.name) ?? ""
        return method == "INVITE" ? "\(response.status)" : "\(response.status) \(method)"
    }
}

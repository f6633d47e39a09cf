public import NetAddress
public import SIPMessage
public import Timebase

/// Keeps us registered with a carrier, as its customer (RFC 3261 §10.2). Values in, actions out.
///
/// ```
///                    ┌───────────── refresh, before it expires ─────────────┐
///                    ▼                                                      │
///  waiting ──▶ registering ──2xx──────────────────────────────────▶ registered
///     ▲              ├─ 401/407 answered, 423 with Min-Expires: again at once
///     ├──────────────┤  no answer, 408, 480, 5xx: again after a while, each time a longer one (RFC 5626 §4.5)
///     │              ├─ 401/407 to what we answered, 403: refused, again after half an hour
///     │              └─ 404 and all others: stopped, until the configuration changes
///  any state ──leave──▶ leaving ──any answer, or none──▶ gone
/// ```
public struct RegistrationClient: Sendable {
    public enum State: Equatable, Sendable {
        /// Nothing was heard of the registrar yet, or it could not be reached; `why` of the last attempt.
        case waiting(why: String?)
        case registering
        case registered(until: Instant)
        /// It does not want us now; we ask again, seldom.
        case refused(why: String)
        /// It cannot want us as we are configured; we do not ask again.
        case stopped(why: String)
        case leaving
        case gone
    }

    public enum Action: Sendable {
        /// The flows lead to the registrar's servers, the one to ask first first.
        case send(SIPRequest, over: [Flow])
        /// It was not registered, and is.
        case tellRegistered
        /// Somebody should know: it is not registered, and why.
        case tellLost(String)
    }

    public private(set) var state = State.waiting(why: nil)
    /// When `fire` wants to be called; nil while an answer is awaited, and for ever when it is over.
    public private(set) var deadline: Instant?
    /// What tells calls to our contact from others: a parameter of its URI that nobody can guess.
    public let mark: String
    private let user: String
    private var sequence: RegisterSequence
    /// What we ask for, in seconds; a 423 raises it.
    private var seconds: Int
    private var sent: (request: SIPRequest, flows: [Flow])?
    /// Until when the registrar has us, whatever became of the last refresh.
    private var expiry: Instant?
    private var failures = 0
    /// 423s since the last success.
    private var raises = 0
    private var lastTold: String?
    private var isAnnounced = false
    /// It is to be taken back when the answer that we wait for is there: one REGISTER at a time (§10.2).
    private var leavesNext = false
    private var random: SeededGenerator

    /// `user` is that of our contact; `seconds` is how long the registration shall last.
    public init(sequence: RegisterSequence, user: String, mark: String, seconds: Int, seed: UInt64, now: Instant) {
        (self.sequence, self.user, self.mark, self.seconds) = (sequence, user, mark, seconds)
        random = SeededGenerator(seed: seed)
        deadline = now
    }

    public var account: RegisterSequence.Account { sequence.account }

    /// By whom the registrar wants our calls to come (RFC 3608 §5); empty: straight to it.
    public private(set) var serviceRoute: [NameAddress] = []

    /// The registrar has our contact now.
    public func isRegistered(at now: Instant) -> Bool {
        switch state {
        case .leaving, .gone, .stopped: false
        case .registered, .registering, .waiting, .refused: expiry.map { $0 > now } ?? false
        }
    }

    // MARK: what happens

    /// The deadline has come; `routes` is where the registrar's servers are now, or why none can be reached.
    public mutating func fire(over routes: Result<[Flow], Unreachable>, now: Instant) -> [Action] {
        // None but the states that wait for a moment have a deadline.
        guard let due = deadline, due <= now else { return [] }
        deadline = nil
        switch routes {
        case .failure(let fault):
            state = .waiting(why: fault.why)
            deadline = now + Self.lookAgain
            return tellLost(fault.why, now)
        case .success(let flows):
            // The server that has us keeps us, as long as it is one of them.
            let known = isRegistered(at: now) ? sent?.flows.first : nil
            state = .registering
            return ask(for: seconds, over: known.map(flows.led(by:)) ?? flows)
        }
    }

    /// A final answer to our REGISTER and where it came from, or none (nil).
    public mutating func answered(_ response: SIPResponse?, over answering: Flow? = nil, now: Instant) -> [Action] {
        guard let (request, asked) = sent, let first = asked.first else { return [] }
        let flows = asked.led(by: answering ?? first)
        sent = (request, flows)
        if leavesNext { return takeBack(after: response, now: now) }
        if let response, response.status == 401 || response.status == 407 {
            switch challenged(by: response, request, flows.first ?? first) {
            case .success(let retry): return send(retry, over: flows)
            case .failure(let fault): return state == .leaving ? end() : refused(fault.why, now)
            }
        }
        switch state {
        case .registering: return decided(response, flows, now)
        case .leaving: return end()
        case .waiting, .registered, .refused, .stopped, .gone: return []
        }
    }

    /// Takes our contact back, where the registrar may have it, and ends.
    public mutating func leave(now: Instant) -> [Action] {
        deadline = nil
        switch state {
        case .leaving, .gone: return []
        case .waiting, .registering, .registered, .refused, .stopped: break
        }
        leavesNext = state == .registering
        let isKept = isRegistered(at: now)
        state = .leaving
        if leavesNext { return [] }
        return isKept ? takeBack() : end()
    }

    private mutating func takeBack(after response: SIPResponse?, now: Instant) -> [Action] {
        leavesNext = false
        // Without an answer it may have come all the same.
        let mayHaveUs = response.map { $0.status < 300 } ?? true
        return mayHaveUs || expiry.map { $0 > now } ?? false ? takeBack() : end()
    }

    private mutating func takeBack() -> [Action] {
        guard let flows = sent?.flows else { return end() }
        return ask(for: 0, over: flows)
    }

    /// Why a registrar cannot be asked.
    public struct Unreachable: Error, Equatable, Sendable {
        public var why: String
        public init(_ why: String) { self.why = why }
    }

    // MARK: what comes of it

    private mutating func ask(for seconds: Int, over flows: [Flow]) -> [Action] {
        guard let flow = flows.first else { return end() }
        return send(sequence.request(contact: contact(over: flow), seconds: seconds, over: flow), over: flows)
    }

    private mutating func send(_ request: SIPRequest, over flows: [Flow]) -> [Action] {
        sent = (request, flows)
        return [.send(request, over: flows)]
    }

    private mutating func end() -> [Action] {
        (state, expiry, deadline) = (.gone, nil, nil)
        return []
    }

    private mutating func challenged(
        by response: SIPResponse,
        _ request: SIPRequest,
        _ flow: Flow
    ) -> Result<SIPRequest, Unreachable> {
        do throws(DigestFault) {
            if let retry = try sequence.answer(response, to: request, over: flow) { return .success(retry) }
            let hasSecret = account.credentials != nil
            return .failure(Unreachable(hasSecret ? "user name or password is wrong" : "it wants a password"))
        } catch {
            switch error {
            case .foreignRealm: return .failure(Unreachable("it challenges for a realm that is not ours"))
            case .unsupported: return .failure(Unreachable("it challenges with what we do not know"))
            }
        }
    }

    private mutating func decided(_ response: SIPResponse?, _ flows: [Flow], _ now: Instant) -> [Action] {
        guard let response else { return failed("no answer to REGISTER", after: nil, now) }
        let why = "\(response.status) \(response.reason) to REGISTER"
        switch response.status {
        case 200..<300:
            guard let granted = flows.first.flatMap({ granted(by: response, over: $0) }) else {
                return failed("it did not keep our contact", after: nil, now)
            }
            (failures, raises) = (0, 0)
            serviceRoute = Array(((try? response.serviceRoutes()) ?? []).prefix(Self.mostProxies))
            lastTold = nil
            expiry = now + .seconds(granted)
            state = .registered(until: now + .seconds(granted))
            // Time enough for a whole transaction to fail and another to succeed, where the interval has that much.
            deadline = now + .seconds(max(1, max(granted / 2, granted - 90)))
            defer { isAnnounced = true }
            return isAnnounced ? [] : [.tellRegistered]
        case 423:
            guard let least = (try? response.minExpires()).flatMap({ $0 }).map({ Int($0) }), least > seconds,
                least <= Self.longest, raises < Self.mostRaises
            else { return stopped(why, now) }
            raises += 1
            seconds = least
            return ask(for: seconds, over: flows)
        case 403: return refused(why, now)
        case 408, 429, 480, 491, 500, 502, 503, 504:
            return failed(why, after: (try? response.retryAfter()).flatMap { $0 }.map { Int($0) }, now)
        default: return stopped(why, now)
        }
    }

    /// For how many seconds a 2xx keeps our contact (§10.2.4); nil: it does not.
    private func granted(by response: SIPResponse, over flow: Flow) -> Int? {
        let own = contact(over: flow)
        let mine = (try? response.contacts())?.first { Self.mark(of: $0.uri) == mark || $0.uri.isEquivalent(to: own) }
        var granted = mine?.parameters["expires"].flatMap { UInt32($0) }.map { Int($0) }
        if granted == nil { granted = (try? response.expires()).flatMap { $0 }.map { Int($0) } }
        let lasting = min(granted ?? seconds, seconds)
        return lasting > 0 ? lasting : nil
    }

    /// The mark in the Request-URI of a call, where it has one.
    public static func mark(of uri: SIPURI) -> String? { uri.parameters["line"] }

    private func contact(over flow: Flow) -> SIPURI {
        var uri = flow.contact(user: user)
        uri.parameters.set("line", mark)
        return uri
    }

    private mutating func failed(_ why: String, after: Int?, _ now: Instant) -> [Action] {
        failures += 1
        state = .waiting(why: why)
        // Half of it by lot, lest all that a registrar lost come back at once (RFC 5626 §4.5).
        let most = min(Self.longestWait, Self.shortestWait << min(failures - 1, 10))
        let wait = Double(most) * Double.random(in: 0.5...1, using: &random)
        deadline = now + .milliseconds(Int64(max(wait, Double(min(after ?? 0, Self.longestWait))) * 1000))
        return tellLost(why, now)
    }

    private mutating func refused(_ why: String, _ now: Instant) -> [Action] {
        state = .refused(why: why)
        expiry = nil
        deadline = now + .seconds(Self.longestWait)
        return tellLost(why, now)
    }

    private mutating func stopped(_ why: String, _ now: Instant) -> [Action] {
        state = .stopped(why: why)
        expiry = nil
        return tellLost(why, now)
    }

    /// Each trouble is told once, and not while the registrar still has us: the refresh may yet succeed.
    private mutating func tellLost(_ why: String, _ now: Instant) -> [Action] {
        guard !isRegistered(at: now), lastTold != why else { return [] }
        lastTold = why
        isAnnounced = false
        return [.tellLost(why)]
    }

    /// Seconds: RFC 5626 §4.5.
    private static let shortestWait = 30
    private static let longestWait = 1800
    /// A registrar that wants more than a month wants something else.
    private static let longest = 31 * 86_400
    /// A registrar knows what it wants, and does not haggle.
    private static let mostRaises = 3
    /// No carrier has its customers' calls go by more.
    private static let mostProxies = 8
    private static let lookAgain: Duration = .milliseconds(500)
}

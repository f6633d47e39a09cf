import NetAddress
import SDP
import SIP
import SIPMessage
import SoftPhone
import Timebase

/// A phone with a mind of its own: whom it calls, whether it answers, how long it talks and how it leaves follow from its seed.
final class SimulatedPhone {
    let number: String
    let address: SocketAddress
    let transport: Transport
    let isCarrier: Bool
    private let temper: Temper
    private let agent: UserAgent
    private var random: SeededGenerator
    private var plans = TimerQueue<Plan>()
    /// When it registers again.
    private var back = TimerQueue<Int>()
    private var live: Set<UserAgent.CallHandle> = []
    /// Calls to this phone that have not ended.
    private var callers: [UserAgent.CallHandle: String] = [:]
    private var talking: [UserAgent.CallHandle: Talk] = [:]
    /// Calls to this phone that were answered and are over.
    private(set) var talks: [Talk] = []

    /// The lamp of the colleague that it watches.
    private(set) var lamp = Lamp()

    /// The last document of a subscription, as far as a lamp needs it.
    struct Lamp {
        /// Of the colleague's calls, none of which is over.
        var isLit = false
        var version = -1
        /// Documents that came, and those that lit it.
        var told = (all: 0, lit: 0)

        mutating func take(_ document: [UInt8]) {
            let text = String(decoding: document, as: UTF8.self)
            let parts = text.split(separator: "version=\"", maxSplits: 2)
            // The first version is XML's own.
            guard let number = parts.last?.prefix(while: \.isNumber), let next = Int(number), next > version else {
                return
            }
            version = next
            isLit = ["trying", "proceeding", "early", "confirmed"].contains { text.contains("<state>\($0)</state>") }
            told = (told.all + 1, told.lit + (isLit ? 1 : 0))
        }
    }

    /// What the phone itself saw of a call to it.
    struct Talk {
        var caller: String
        /// The ACK of its answer.
        var since: Instant
        /// The first BYE of either side.
        var until: Instant?
        /// That BYE was the phone's own.
        var isLeft = false
    }

    /// What it means to do with a call.
    private struct Plan: Hashable, Sendable {
        enum Act: Hashable, Sendable {
            case ring, earlyMedia, update, answer, refuse, hold, resume, key, transfer, leave
        }

        var call: UserAgent.CallHandle
        var act: Act
    }

    init(
        number: String,
        address: SocketAddress,
        transport: Transport = .udp,
        isCarrier: Bool = false,
        temper: Temper,
        seed: UInt64
    ) {
        (self.number, self.address, self.transport, self.isCarrier) = (number, address, transport, isCarrier)
        self.temper = temper
        random = SeededGenerator(seed: seed)
        agent = UserAgent(
            flow: Flow(transport: transport, local: address, remote: SimulatedSwitch.address),
            domain: "demo.test",
            credentials: Credentials(username: number, realm: "demo.test", password: "p\(number)"),
            // The carrier asks for session timers itself; phones are asked.
            sessionExpires: isCarrier ? 90 : nil,
            generator: SeededGenerator(seed: seed &+ 1)
        )
    }

    var residue: Int { agent.residue + live.count }
    var nextDeadline: Instant? { [agent.nextDeadline, plans.nextDeadline, back.nextDeadline].compactMap { $0 }.min() }

    /// For an hour, and again before it is over; 0 seconds take it back, until the phone thinks better of it.
    func register(seconds: Int = 3600, at now: Instant) {
        agent.register(seconds: seconds, at: now)
        if seconds == 0 { comeBack(at: now) } else { back.start(0, at: now + .seconds(seconds) * 9 / 10) }
        attend(now)
    }

    /// Lights a lamp while somebody else has a call; 0 seconds end that.
    func watch(_ number: String, seconds: Int = 3600, at now: Instant) {
        agent.watch(number, seconds: seconds, at: now)
        attend(now)
    }

    /// Its connection broke, or the switch was away: it registers again, by and by.
    func comeBack(at now: Instant) {
        back.start(0, at: now + .milliseconds(Int64.random(in: 100...20_000, using: &random)))
    }

    /// Calls somebody whom it likes to call, or this number, under a name of its own if it is a carrier.
    func dial(_ number: String? = nil, as caller: String? = nil, at now: Instant) {
        let targets = isCarrier ? temper.carrierTargets : temper.targets
        guard let target = number ?? targets.randomElement(using: &random) else { return }
        let offer = happens(temper.lateOffer) ? nil : describe()
        let headers: [(HeaderName, String)] = happens(temper.reliable) ? [(.require, "100rel")] : []
        let call = agent.call(target, from: caller, offer: offer, headers: headers, at: now)
        live.insert(call)
        plan(.leave, call, in: happens(temper.patient) ? temper.long : temper.short, now)
        if happens(temper.update) { plan(.update, call, in: 0.1...5, now) }
        if happens(temper.holdAsCaller) { plan(.hold, call, in: 1...20, now) }
        if happens(temper.key) { plan(.key, call, in: 1...20, now) }
        if happens(temper.transferAsCaller) { plan(.transfer, call, in: 1...20, now) }
        attend(now)
    }

    func receive(_ bytes: [UInt8], from remote: SocketAddress, at now: Instant) {
        agent.receive(bytes, from: remote, at: now)
        attend(now)
    }

    func fire(at now: Instant) {
        agent.fire(at: now)
        while let plan = plans.popDue(now: now) { carryOut(plan, now) }
        while back.popDue(now: now) != nil { register(at: now) }
        attend(now)
    }

    func takeOutput() -> [(bytes: [UInt8], flow: Flow)] { agent.takeOutput() }

    /// Hangs up whatever it has, and registers no more.
    func leaveEverything(at now: Instant) {
        back.stop(0)
        for call in live { agent.act(call, at: now) { $0.hangUp(reason: nil, now: $1) } }
        attend(now)
    }

    private func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

    // MARK: its mind

    private func plan(_ act: Plan.Act, _ call: UserAgent.CallHandle, in range: ClosedRange<Double>, _ now: Instant) {
        let seconds = Double.random(in: range, using: &random)
        plans.start(Plan(call: call, act: act), at: now + .milliseconds(Int64(seconds * 1000)))
    }

    private func carryOut(_ plan: Plan, _ now: Instant) {
        guard live.contains(plan.call) else { return }
        switch plan.act {
        case .ring: agent.act(plan.call, at: now) { $0.ring(180, now: $1) }
        case .earlyMedia:
            let description = describe()
            let isReliable = Bool.random(using: &random)
            agent.act(plan.call, at: now) { $0.ring(183, sdp: description, isReliable: isReliable, now: $1) }
        case .update:
            let description = describe()
            agent.act(plan.call, at: now) { $0.reoffer(description, now: $1) }
        case .answer:
            let description = describe()
            agent.act(plan.call, at: now) { $0.accept(sdp: description, now: $1) }
        case .refuse:
            let status = [486, 603, 404, 500, 480, 600].randomElement(using: &random) ?? 486
            agent.act(plan.call, at: now) { $0.reject(status, now: $1) }
        case .hold:
            let description = describe(.sendonly)
            agent.act(plan.call, at: now) { $0.reoffer(description, now: $1) }
            self.plan(.resume, plan.call, in: 1...10, now)
        case .resume:
            let description = describe()
            agent.act(plan.call, at: now) { $0.reoffer(description, now: $1) }
        case .key:
            guard let key = temper.keys.randomElement(using: &random) else { return }
            agent.act(plan.call, at: now) { session, _ in
                session.sendInfo(
                    contentType: "application/dtmf-relay",
                    body: Array("Signal=\(key)\r\nDuration=100\r\n".utf8)
                )
            }
        case .transfer: transfer(plan.call, now)
        case .leave:
            if talking[plan.call]?.until == nil { talking[plan.call]?.isLeft = true }
            parted(plan.call, now)
            agent.act(plan.call, at: now) { $0.hangUp(reason: nil, now: $1) }
        }
    }

    /// Hands the other party on: to somebody else whom it speaks with or calls, or to a number.
    private func transfer(_ call: UserAgent.CallHandle, _ now: Instant) {
        guard let number = temper.transferTargets.randomElement(using: &random) else { return }
        var target = SIPURI(user: number, host: "demo.test")
        let others = live.subtracting([call]).sorted { $0.serial < $1.serial }
        if let other = others.randomElement(using: &random), Int.random(in: 0..<4, using: &random) > 0 {
            agent.act(other, at: now) { session, _ in
                if let replaced = session.replacing { target.headers = [("Replaces", replaced)] }
                return []
            }
        }
        agent.act(call, at: now) { session, _ in session.refer(to: "\(target)") }
        // Some hang up at once, some wait for what comes of it.
        if Bool.random(using: &random) { plan(.leave, call, in: 0...4, now) }
    }

    private func parted(_ call: UserAgent.CallHandle, _ now: Instant) {
        if let talk = talking[call], talk.until == nil { talking[call]?.until = now }
    }

    private func describe(_ direction: MediaDirection = .sendrecv) -> [UInt8] {
        let port = UInt16.random(in: 4_000...60_000, using: &random)
        let local = LocalMedia(address: address.ip, rtpPort: port, sessionID: random.next() >> 12)
        return ownOffer(codecs: ["PCMA", "PCMU"], as: local, direction: direction).write()
    }

    private func attend(_ now: Instant) {
        var events = agent.takeEvents()
        while !events.isEmpty {
            for event in events { attend(event, now) }
            events = agent.takeEvents()
        }
    }

    private func attend(_ event: UserAgent.Event, _ now: Instant) {
        switch event {
        case .incoming(let call, let request):
            live.insert(call)
            plan(.ring, call, in: 0...1, now)
            if happens(temper.earlyMedia) { plan(.earlyMedia, call, in: 0...4, now) }
            if happens(temper.update) { plan(.update, call, in: 0.1...6, now) }
            respond(call, now)
            callers[call] = (try? request.from().uri.user) ?? ""
        case .notice(let call, let notice): attend(notice, call, now)
        // A phone that could not register tries again.
        case .notified(let document, _): lamp.take(document)
        case .registered(let status): if status != 200 { agent.register(seconds: 3600, at: now) }
        }
    }

    /// Answers, refuses, or does nothing.
    private func respond(_ call: UserAgent.CallHandle, _ now: Instant) {
        if happens(temper.answers) {
            plan(.answer, call, in: temper.rings, now)
            plan(.leave, call, in: temper.talks, now)
            if happens(temper.hold) { plan(.hold, call, in: 2...30, now) }
            if happens(temper.transfer) { plan(.transfer, call, in: 2...30, now) }
        } else if happens(temper.refuses) {
            plan(.refuse, call, in: 0...6, now)
        }
    }

    private func attend(_ notice: Session.Notice, _ call: UserAgent.CallHandle, _ now: Instant) {
        switch notice {
        case .answered(_, let isOffer):
            guard isOffer else { return }
            let answer = describe()
            agent.act(call, at: now) { $0.acknowledge(answer: answer, now: $1) }
        case .reofferAnswered(_, let isOffer):
            guard isOffer else { return }
            let answer = describe()
            agent.act(call, at: now) { $0.acknowledge(answer: answer, now: $1) }
        case .offered:
            // One in eight will not have it.
            if Int.random(in: 0..<8, using: &random) == 0 {
                return agent.act(call, at: now) { $0.refuseOffer(488, now: $1) }
            }
            let answer = describe()
            agent.act(call, at: now) { $0.answerOffer(answer, now: $1) }
        case .referred: agent.act(call, at: now) { session, _ in session.refuseReferral(603) }
        case .acknowledged:
            if let caller = callers[call], talking[call] == nil { talking[call] = Talk(caller: caller, since: now) }
        case .hungUp: parted(call, now)
        case .ended:
            live.remove(call)
            callers[call] = nil
            parted(call, now)
            if let talk = talking.removeValue(forKey: call) { talks.append(talk) }
        case .progress, .rejected, .cancelled, .accepted, .offerWithdrawn, .reofferRefused, .answerChanged, .info,
            .failed:
            break
        }
    }
}

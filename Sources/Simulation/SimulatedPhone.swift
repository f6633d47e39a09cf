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
    private let agent: UserAgent
    private var random: SeededGenerator
    private var plans = TimerQueue<Plan>()
    /// When it registers again.
    private var back = TimerQueue<Int>()
    private var live: Set<UserAgent.CallHandle> = []

    /// What it means to do with a call.
    private struct Plan: Hashable, Sendable {
        enum Act: Hashable, Sendable {
            case ring, earlyMedia, update, answer, refuse, hold, resume, key, transfer, leave
        }

        var call: UserAgent.CallHandle
        var act: Act
    }

    init(number: String, address: SocketAddress, transport: Transport = .udp, isCarrier: Bool, seed: UInt64) {
        (self.number, self.address, self.transport, self.isCarrier) = (number, address, transport, isCarrier)
        random = SeededGenerator(seed: seed)
        agent = UserAgent(
            flow: Flow(transport: transport, local: address, remote: SimulatedCentre.switchAddress),
            domain: "demo.test",
            credentials: Credentials(username: number, realm: "demo.test", password: "p\(number)"),
            // The carrier asks for session timers itself; phones are asked.
            sessionExpires: isCarrier ? 90 : nil,
            generator: SeededGenerator(seed: seed &+ 1)
        )
    }

    var residue: Int { agent.residue + live.count }
    var nextDeadline: Instant? { [agent.nextDeadline, plans.nextDeadline, back.nextDeadline].compactMap { $0 }.min() }

    /// For an hour; 0 seconds take it back, until the phone thinks better of it.
    func register(seconds: Int = 3600, at now: Instant) {
        agent.register(seconds: seconds, at: now)
        if seconds == 0 { back.start(0, at: now + .milliseconds(Int64.random(in: 100...20_000, using: &random))) }
        attend(now)
    }

    /// Calls somebody: a colleague, the world, the echo test, or a number that nobody has.
    func dial(at now: Instant) {
        let targets =
            isCarrier
            ? ["+74950000700", "+74950000700", "+74950000701"]
            : ["1001", "1002", "1003", "1004", "600", "700", "700", "*45", "*51001", "+74951112233", "999"]
        let target = targets.randomElement(using: &random) ?? "600"
        // Now and then without an offer (late offer).
        let offer = Int.random(in: 0..<8, using: &random) == 0 ? nil : describe()
        // One in four wants its provisional answers reliable (RFC 3262).
        let isReliable = Int.random(in: 0..<4, using: &random) == 0
        let call = agent.call(target, offer: offer, headers: isReliable ? [(.require, "100rel")] : [], at: now)
        live.insert(call)
        // Some change their mind before anybody answers, some when they have talked enough, some outlast a session timer.
        plan(.leave, call, in: Int.random(in: 0..<4, using: &random) == 0 ? 60...150 : 0.2...40, now)
        if Int.random(in: 0..<4, using: &random) == 0 { plan(.update, call, in: 0.1...5, now) }
        if Bool.random(using: &random) { plan(.hold, call, in: 1...20, now) }
        if Bool.random(using: &random) { plan(.key, call, in: 1...20, now) }
        if Bool.random(using: &random) { plan(.transfer, call, in: 1...20, now) }
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

    func leaveEverything(at now: Instant) {
        for call in live { agent.act(call, at: now) { $0.hangUp(reason: nil, now: $1) } }
        attend(now)
    }

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
            let key = ["5", "5", "5", "1", "3", "4"].randomElement(using: &random) ?? "5"
            agent.act(plan.call, at: now) { session, _ in
                session.sendInfo(
                    contentType: "application/dtmf-relay",
                    body: Array("Signal=\(key)\r\nDuration=100\r\n".utf8)
                )
            }
        case .transfer: transfer(plan.call, now)
        case .leave: agent.act(plan.call, at: now) { $0.hangUp(reason: nil, now: $1) }
        }
    }

    /// Hands the other party on: to somebody else whom it speaks with or calls, or to a number.
    private func transfer(_ call: UserAgent.CallHandle, _ now: Instant) {
        let number =
            ["1001", "1002", "1003", "600", "700", "999", "+74951112233"].randomElement(using: &random) ?? "600"
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
        case .incoming(let call, _):
            live.insert(call)
            plan(.ring, call, in: 0...1, now)
            if Bool.random(using: &random) { plan(.earlyMedia, call, in: 0...4, now) }
            if Int.random(in: 0..<4, using: &random) == 0 { plan(.update, call, in: 0.1...6, now) }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                plan(.answer, call, in: 0...12, now)
                plan(.leave, call, in: 5...150, now)
                if Bool.random(using: &random) { plan(.hold, call, in: 2...30, now) }
                if Bool.random(using: &random) { plan(.transfer, call, in: 2...30, now) }
            case 6..<8: plan(.refuse, call, in: 0...6, now)
            // Nobody answers.
            default: break
            }
        case .notice(let call, let notice): attend(notice, call, now)
        // A phone that could not register tries again.
        case .registered(let status): if status != 200 { agent.register(seconds: 3600, at: now) }
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
                return agent.act(call, at: now) { session, _ in session.refuseOffer(488) }
            }
            let answer = describe()
            agent.act(call, at: now) { $0.answerOffer(answer, now: $1) }
        case .referred: agent.act(call, at: now) { session, _ in session.refuseReferral(603) }
        case .ended: live.remove(call)
        case .progress, .rejected, .cancelled, .acknowledged, .reofferRefused, .info, .hungUp, .failed: break
        }
    }
}

import Foundation
import Testing

/// Callers of a carrier and operators who act by a script and the clock, in one thread, against the real binary. Whatever they send
/// and receive that matters is in `log`.
final class SoakCentre {
    static let operators = 2_001...2_020
    /// Whom each queue has; the second one has too few.
    static let members = ["sales": 2_001...2_020, "support": 2_015...2_020]
    static let queues = ["sales": "+74950000700", "support": "+74950000701"]

    let running: RunningSwitch
    private(set) var log: [WireEvent] = []
    /// What must not be seen on a wire, in words.
    private(set) var faults: [String] = []
    private let carrier: WirePeer
    private var callers: [String: Caller] = [:]
    private var serial: UInt32 = 0
    private var paused: Set<String> = []
    let desks: [Desk]
    private var agenda: [(at: Double, act: () -> Void)] = []
    private let began = ContinuousClock.now

    init() throws {
        let members = Self.members.mapValues { numbers in
            numbers.map { "{user: \"\($0)\"}" }.joined(separator: ", ")
        }
        let users = Self.operators.map { "  - {extension: \"\($0)\", password: secret-\($0)}" }
        let tenant = """
            queues:
              - name: sales
                strategy: longest-idle
                ring_timeout: 3s
                wrap_up: 2s
                no_answer_delay: 1s
                busy_delay: 1s
                decline_delay: 1s
                pause_after_misses: 0
                service_level: {seconds: 3, target: 80}
                abandon_threshold: 2s
                music: default
                agents: [\(members["sales"] ?? "")]
              - name: support
                strategy: round-robin
                ring_timeout: 3s
                wrap_up: 1s
                max_wait: 4s
                on_timeout: {dialplan: incoming, flow: nobody}
                no_answer_delay: 1s
                busy_delay: 1s
                decline_delay: 1s
                pause_after_misses: 0
                service_level: {seconds: 3, target: 80}
                abandon_threshold: 2s
                agents: [\(members["support"] ?? "")]
            """
        let incoming = """
            routes:
              - {match: "+74950000700", do: [{queue: sales}, {hangup: normal}]}
              - {match: "+74950000701", do: [{queue: support}, {hangup: normal}]}
            flows:
              nobody: [{hangup: normal}]
            """
        running = try RunningSwitch(
            node: "calls: {rtp_timeout: 60s}",
            users: users.joined(separator: "\n"),
            tenant: tenant,
            incoming: incoming
        )
        carrier = try #require(running.carrier)
        let port = running.sipPort
        desks = try Self.operators.map { try Desk("\($0)", server: port) }
    }

    var now: Double {
        let passed = began.duration(to: .now).components
        return Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
    }

    func note(_ what: WireEvent.What, _ caller: String, queue: String? = nil, agent: String? = nil) {
        log.append(WireEvent(at: now, caller: caller, queue: queue, agent: agent, what: what))
    }

    func fault(_ words: String) { faults.append("\(Int(now)) s: \(words)") }

    func after(_ seconds: Double, _ act: @escaping () -> Void) { agenda.append((now + seconds, act)) }

    private func draw(_ range: ClosedRange<Double>) -> Double { Double.random(in: range) }

    private func happens(_ share: Double) -> Bool { draw(0...1) < share }

    // MARK: the run

    /// Everybody is at work; callers come for so many seconds, and all is over some time after.
    func run(seconds: Double) throws {
        for desk in desks {
            let answer = try desk.phone.register()
            #expect(answer.startWord == "200")
        }
        for desk in desks {
            #expect(try running.gudok("agent", "login", desk.number).code == 0)
            note(.loggedIn, "", agent: desk.number)
        }
        let end = now + seconds
        arrive(until: end)
        // Some go for a tea.
        for (index, desk) in desks.prefix(3).enumerated() {
            after(seconds * 0.2 + Double(index)) { [self] in pause(desk, for: seconds * 0.3, before: end) }
        }
        while now < end || !callers.isEmpty || !paused.isEmpty || desks.contains(where: { $0.call != nil }) {
            guard now < end + 60 else { return fault("\(callers.count) calls do not end") }
            step()
        }
        // The last wrap-up, and the last word to the records.
        let rest = now + 3.5
        while now < rest { step() }
    }

    private func step() {
        let moment = now
        let due = agenda.filter { $0.at <= moment }
        agenda.removeAll { $0.at <= moment }
        for item in due { item.act() }
        var isIdle = due.isEmpty
        while let message = carrier.receive(within: 0) {
            isIdle = false
            heard(String(decoding: message.bytes, as: UTF8.self))
        }
        for desk in desks {
            while let message = desk.phone.peer.receive(within: 0) {
                isIdle = false
                heard(String(decoding: message.bytes, as: UTF8.self), at: desk)
            }
        }
        // The agenda is looked at again by then at the latest.
        if isIdle { WirePeer.await(any: [carrier] + desks.map(\.phone.peer), milliseconds: 5) }
    }

    /// Between two calls: a pause that is asked for in a call begins after it, which no wire sees.
    private func pause(_ desk: Desk, for seconds: Double, before end: Double) {
        guard now < end else { return }
        guard desk.call == nil, !desk.isWrappingUp(at: now) else {
            return after(0.1) { [self] in pause(desk, for: seconds, before: end) }
        }
        paused.insert(desk.number)
        command("pause", desk, .paused)
        after(seconds) { [self] in
            command("unpause", desk, .unpaused)
            paused.remove(desk.number)
        }
    }

    private func command(_ word: String, _ desk: Desk, _ what: WireEvent.What) {
        guard let code = try? running.gudok("agent", word, desk.number).code, code == 0 else {
            return fault("no \(word) of \(desk.number)")
        }
        note(what, "", agent: desk.number)
    }

    // MARK: callers

    private func arrive(until end: Double) {
        guard now < end, let caller = try? makeCaller() else { return }
        callers[caller.phone.callID] = caller
        note(.arrived, caller.number, queue: caller.queue)
        caller.send(caller.phone.request("INVITE", to: caller.target, sdp: Phone.sdp(port: caller.media.port)))
        // A few lose patience; whoever is answered before then talks on until the operator or he has enough.
        let patience = happens(0.15) ? draw(0.3...4) : draw(6...15)
        after(patience) { [self, weak caller] in
            guard let caller, !caller.isAnswered else { return }
            leave(caller)
        }
        speak(caller)
        after(draw(0.05...0.45)) { [self] in arrive(until: end) }
    }

    private func makeCaller() throws -> Caller {
        serial += 1
        let queue = happens(0.7) ? "sales" : "support"
        let number = "+7916\(1_000_000 + serial)"
        return Caller(
            phone: try Phone(number, server: running.sipPort, peer: carrier),
            serial: serial,
            queue: queue,
            target: Self.queues[queue] ?? "",
            media: try WirePeer()
        )
    }

    /// A packet of his own voice ten times a second.
    private func speak(_ caller: Caller) {
        guard callers[caller.phone.callID] != nil else { return }
        if let port = caller.port { caller.media.send(caller.voice(), to: port) }
        after(0.1) { [self, weak caller] in if let caller { speak(caller) } }
    }

    private func leave(_ caller: Caller) {
        guard !caller.isLeaving, let tag = caller.toTag else { return }
        caller.isLeaving = true
        note(.left, caller.number, queue: caller.queue)
        caller.send(caller.phone.request("BYE", to: caller.target, toTag: tag))
    }

    private func heard(_ text: String) {
        guard let caller = text.header("Call-ID").flatMap({ callers[$0] }) else {
            // The end of a call that is over, said again.
            if text.startWord == "BYE" { Phone.answerStray(text, from: carrier, to: running.sipPort) }
            return
        }
        switch (text.startWord, (text.header("CSeq") ?? "").split(separator: " ").last ?? "") {
        case ("200", "INVITE"):
            caller.toTag = caller.phone.acknowledge(text, to: caller.target)
            caller.port = text.audioPort
        case ("200", "BYE"): callers[caller.phone.callID] = nil
        case ("BYE", _):
            if !caller.isLeaving { note(.dismissed, caller.number, queue: caller.queue) }
            caller.phone.respond("200 OK", to: text)
            callers[caller.phone.callID] = nil
        case ("INVITE", _):
            // Held, or taken back: whatever is offered is taken.
            let direction = text.contains("a=sendonly") ? "recvonly" : "sendrecv"
            caller.phone.respond(
                "200 OK",
                to: text,
                sdp: Phone.sdp(port: caller.media.port, direction: direction, version: 2 + caller.offers)
            )
            caller.offers += 1
        case ("ACK", _): break
        case (let word, _):
            guard let status = Int(word) else { return fault("a caller is asked to \(word)") }
            if status >= 300 { fault("a caller got \(status)") }
        }
    }

    // MARK: operators

    private func heard(_ text: String, at desk: Desk) {
        let id = text.header("Call-ID") ?? ""
        switch text.startWord {
        case "INVITE": rang(text, id, at: desk)
        case "CANCEL":
            desk.phone.respond("200 OK", to: text, toTag: desk.number)
            guard let call = desk.call, call.id == id, !call.isAnswered else { return }
            note(.stopped, call.caller, agent: desk.number)
            call.isStopped = true
            if !call.isFinal { desk.phone.respond("487 Request Terminated", to: call.invite, toTag: desk.number) }
            if !call.isFinal { free(desk) }
        case "ACK":
            guard let call = desk.call, call.id == id, call.isFinal, !call.isAnswered, !call.isStopped else { return }
            call.isAnswered = true
            call.since = now
            note(.answered, call.caller, agent: desk.number)
            callers.values.first { $0.number == call.caller }?.isAnswered = true
            desk.hear()
            let talk = draw(1.5...5)
            after(talk) { [self] in finish(call, at: desk) }
            if happens(0.2) { after(talk * 0.3) { [self] in hold(call, at: desk, for: talk * 0.3) } }
        case "BYE":
            desk.phone.respond("200 OK", to: text)
            guard let call = desk.call, call.id == id else { return }
            over(call, at: desk)
        case "200": if (text.header("CSeq") ?? "").hasSuffix("INVITE") { reoffered(text, id, at: desk) }
        default: break
        }
    }

    /// The operator puts his caller on hold for some time.
    private func hold(_ call: Desk.Call, at desk: Desk, for seconds: Double) {
        guard desk.call === call, call.isAnswered else { return }
        desk.reoffer("sendonly", in: call)
        after(seconds) {
            guard desk.call === call else { return }
            desk.reoffer("sendrecv", in: call)
        }
    }

    /// The answer to a hold or its end.
    private func reoffered(_ text: String, _ id: String, at desk: Desk) {
        guard let call = desk.call, call.id == id, text.startWord == "200", let number = text.cSeqNumber else { return }
        desk.phone.send(desk.phone.request("ACK", in: call.invite, sequence: number))
        note(number % 2 == 1 ? .held : .resumed, call.caller, agent: desk.number)
    }

    private func rang(_ text: String, _ id: String, at desk: Desk) {
        if let call = desk.call {
            guard call.id != id, desk.next != text else { return }
            // The CANCEL of a phone that has not been heard to ring waits for its first answer (RFC 3261 §9.1): the next call may
            // overtake it.
            desk.next = text
            return after(1) { [self] in
                if desk.next == text {
                    fault("\(desk.number) is rung for two: \(call.caller), \(text.header("From") ?? "")")
                }
            }
        }
        let from = text.header("From") ?? ""
        let number = from.components(separatedBy: "sip:").last?.components(separatedBy: "@").first ?? ""
        let call = Desk.Call(id: id, invite: text, caller: number, port: text.audioPort ?? 0)
        desk.call = call
        note(.rang, number, agent: desk.number)
        desk.phone.respond("180 Ringing", to: text, toTag: desk.number)
        let chance = draw(0...1)
        // Whoever does nothing misses the call.
        if chance > 0.94 { return }
        after(draw(0.2...1.5)) { [self] in
            guard desk.call === call else { return }
            if chance > 0.88 {
                note(.refused, number, agent: desk.number)
                desk.phone.respond(chance > 0.91 ? "486 Busy Here" : "603 Decline", to: text, toTag: desk.number)
                free(desk)
            } else {
                call.isFinal = true
                desk.phone.respond("200 OK", to: text, toTag: desk.number, sdp: Phone.sdp(port: desk.media.port))
            }
        }
    }

    /// The operator hangs up, or the caller does.
    private func finish(_ call: Desk.Call, at desk: Desk) {
        guard desk.call === call else { return }
        if happens(0.5), let caller = callers.values.first(where: { $0.number == call.caller }) { return leave(caller) }
        desk.phone.send(desk.phone.request("BYE", in: call.invite, sequence: call.offers + 1))
        over(call, at: desk)
    }

    /// He has no call any more; the next may have come already.
    private func free(_ desk: Desk) {
        desk.call = nil
        guard let next = desk.next else { return }
        desk.next = nil
        rang(next, next.header("Call-ID") ?? "", at: desk)
    }

    private func over(_ call: Desk.Call, at desk: Desk) {
        free(desk)
        guard call.isAnswered else { return }
        desk.ended = now
        note(.ended, call.caller, agent: desk.number)
        // What he heard was his caller's voice, and nobody else's.
        let voices = desk.hear()
        if !voices.isEmpty, voices != [Caller.mark(of: call.caller)] {
            fault("\(desk.number) heard \(voices) of \(call.caller)")
        }
        // Talks are a second and a half at least, and ten packets a second are sent.
        if voices.isEmpty, now - call.since > 1 { fault("\(desk.number) heard nothing of \(call.caller)") }
    }
}

extension SoakCentre {
    /// One who calls.
    final class Caller {
        let phone: Phone
        let serial: UInt32
        let queue: String
        let target: String
        let media: WirePeer
        var toTag: String?
        var port: UInt16?
        var isAnswered = false
        var isLeaving = false
        var offers = 0
        private var packets: UInt16 = 0

        var number: String { phone.user }

        init(phone: Phone, serial: UInt32, queue: String, target: String, media: WirePeer) {
            (self.phone, self.serial, self.queue, self.target, self.media) = (phone, serial, queue, target, media)
        }

        func send(_ text: String) { phone.send(text) }

        /// What is his alone in his packets: their source (SSRC).
        static func mark(of number: String) -> UInt32 { UInt32(number.suffix(7)) ?? 0 }

        func voice() -> [UInt8] {
            packets &+= 1
            let (mark, time) = (Self.mark(of: number), UInt32(packets) &* 800)
            let words = [UInt32(0x8008) << 16 | UInt32(packets), time, mark]
            let head = words.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
            return head + [UInt8](repeating: 0x55, count: 160)
        }
    }

    /// An operator's phone, and the call that he has.
    final class Desk {
        final class Call {
            let id: String
            let invite: String
            let caller: String
            let port: UInt16
            /// When they began to talk.
            var since = 0.0
            var offers = 0
            /// It was cancelled, perhaps too late.
            var isStopped = false
            /// The final answer is on its way.
            var isFinal = false
            /// The ACK came: they talk.
            var isAnswered = false

            init(id: String, invite: String, caller: String, port: UInt16) {
                (self.id, self.invite, self.caller, self.port) = (id, invite, caller, port)
            }
        }

        let number: String
        let phone: Phone
        let media: WirePeer
        var call: Call?
        /// An INVITE that came before the end of the call before.
        var next: String?
        /// When he last had a talk.
        var ended = -10.0

        func isWrappingUp(at now: Double) -> Bool { now - ended < 2.5 }

        init(_ number: String, server: UInt16) throws {
            self.number = number
            phone = try Phone(number, password: "secret-\(number)", server: server)
            media = try WirePeer()
        }

        /// A re-INVITE: odd numbers hold, even ones take back.
        func reoffer(_ direction: String, in call: Call) {
            call.offers += 1
            let sdp = Phone.sdp(port: media.port, direction: direction, version: call.offers + 1)
            phone.send(phone.request("INVITE", in: call.invite, sequence: call.offers, sdp: sdp))
        }

        /// Whose voices came since the last call, by their marks.
        @discardableResult
        func hear() -> Set<UInt32> {
            var marks: Set<UInt32> = []
            while let packet = media.receive(within: 0) {
                guard packet.bytes.count > 12, packet.bytes[1] & 0x7F == 8 else { continue }
                marks.insert(packet.bytes[8..<12].reduce(0) { $0 << 8 | UInt32($1) })
            }
            return marks
        }
    }
}

extension Phone {
    /// Answers a request of a call that nobody here knows any more.
    static func answerStray(_ request: String, from peer: WirePeer, to server: UInt16) {
        (try? Phone("nobody", server: server, peer: peer))?.respond("200 OK", to: request)
    }
}

extension String {
    fileprivate var cSeqNumber: Int? { header("CSeq")?.split(separator: " ").first.flatMap { Int($0) } }
}

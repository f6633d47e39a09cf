import CLinuxIO
public import NetAddress
import RTP
import SDP
public import SIP
import SIPMessage
import Timebase

/// A phone for the terminal: calls a number, speaks a tone, and tells what it heard. The same sessions and transactions as the
/// switch's own, over sockets of its own.
public final class SoftPhone {
    public struct Outcome: Sendable {
        /// The final answer; nil when none came.
        public var status: Int?
        public var phrase = ""
        public var packetsSent = 0
        public var packetsReceived = 0
        /// Packets in which the phone heard its own tone.
        public var packetsRecognised = 0
    }

    public struct Fault: Error, CustomStringConvertible { public var description: String }

    private let sockets: PhoneSockets
    private let flow: Flow
    private let credentials: Credentials
    private let domain: String
    private var layer = TransactionLayer(timers: SIPTimers(), accepting: .gudok)
    private var session: Session?
    private var timers = TimerQueue<Session.Timer>()
    private var purposes: [ClientTransactionID: Session.Purpose] = [:]
    private var invite: ClientTransactionID?
    private var ids = IdentifierSource(SystemRandomNumberGenerator())
    private var outcome = Outcome()
    private var voiceTarget: SocketAddress?
    private var isOver = false

    /// A phone of the user that the credentials are for, calling by way of `server`.
    public init(server: SocketAddress, domain: String, credentials: Credentials) throws(Fault) {
        do throws(PhoneSockets.Fault) {
            sockets = try PhoneSockets(on: server.ip)
        } catch {
            throw Fault(description: error.text)
        }
        flow = Flow(transport: .udp, local: sockets.signalling, remote: server)
        (self.domain, self.credentials) = (domain, credentials)
    }

    private var now: Instant { Instant(nanoseconds: linux_io_now()) }

    /// Calls, speaks for so long once somebody answers, and hangs up. Takes as long as that.
    public func call(_ number: String, speaking seconds: Double) -> Outcome {
        begin(number)
        var hangUpAt: Instant?
        var nextFrame = now
        let deadline = now + .seconds(30)
        var voice = VoiceOut(ids.bits())
        while !isOver, now < deadline {
            let waits = [layer.nextDeadline, timers.nextDeadline, voiceTarget == nil ? nil : nextFrame, hangUpAt]
            let next = waits.compactMap { $0 }.min() ?? now + .milliseconds(100)
            take(sockets.wait(milliseconds: Int32(clamping: Int64((next - now).inMilliseconds.rounded(.up)))))
            perform(layer.fire(now: now))
            while let timer = timers.popDue(now: now) { act { $0.fired(timer, now: $1) } }
            guard let target = voiceTarget else { continue }
            if hangUpAt == nil { hangUpAt = now + .milliseconds(Int64(seconds * 1000)) }
            if now >= nextFrame {
                sockets.sendVoice(voice.next(), to: target)
                outcome.packetsSent += 1
                nextFrame = max(nextFrame + .milliseconds(20), now)
            }
            if let end = hangUpAt, now >= end {
                voiceTarget = nil
                hangUpAt = nil
                act { $0.hangUp(reason: nil, now: $1) }
            }
        }
        return outcome
    }

    private func begin(_ number: String) {
        let media = LocalMedia(
            address: sockets.voice.ip,
            rtpPort: sockets.voice.port,
            sessionID: ids.bits() >> 12
        )
        let invitation = Invitation(
            target: SIPURI(user: number, host: domain),
            from: NameAddress(uri: SIPURI(user: credentials.username, host: domain)),
            to: NameAddress(uri: SIPURI(user: number, host: domain)),
            flows: [flow],
            maxForwards: 70,
            callID: ids.callID(),
            sdp: ownOffer(codecs: ["PCMA"], as: media, direction: .sendrecv).write(),
            credentials: credentials
        )
        var settings = SessionSettings(product: "Gudok test phone", contactUser: credentials.username)
        settings.sessionExpires = nil
        session = Session(inviting: invitation, settings: settings, seed: ids.bits())
        act { session, _ in session.start() }
    }

    // MARK: what comes

    private func take(_ arrivals: [PhoneSockets.Arrival]) {
        for arrival in arrivals {
            switch arrival {
            case .signalling(let bytes, let source):
                guard case .message(let message) = parseDatagram(bytes) else { continue }
                let way = Flow(transport: .udp, local: flow.local, remote: source)
                perform(layer.receive(message, over: way, now: now))
            case .voice(let bytes, _): hear(bytes)
            }
        }
    }

    private func hear(_ bytes: [UInt8]) {
        let header = bytes.withUnsafeBytes { RTPHeader($0) }
        guard let header, header.payloadType == 8 else { return }
        outcome.packetsReceived += 1
        let payload = bytes[header.payloadOffset..<(header.payloadOffset + header.payloadLength)]
        if TestTone.share(of: payload) > 0.9 { outcome.packetsRecognised += 1 }
    }

    // MARK: what follows from it

    private func act(_ body: (inout Session, Instant) -> [Session.Action]) {
        guard var acting = session else { return }
        let actions = body(&acting, now)
        session = acting
        for action in actions { perform(action) }
    }

    private func perform(_ action: Session.Action) {
        switch action {
        case .send(let request, let purpose, let flows):
            let (id, actions) = layer.send(request, over: flows, now: now)
            purposes[id] = purpose
            if purpose == .invite { invite = id }
            perform(actions)
        case .respond(let id, let response): perform(layer.respond(id, with: response, now: now))
        case .sendStateless(let message, let flow): perform(layer.sendStateless(message, over: flow))
        case .cancelInvite: if let invite { perform(layer.cancel(invite, now: now)) }
        case .start(let timer, let deadline): timers.start(timer, at: deadline)
        case .stop(let timer): timers.stop(timer)
        case .tell(let notice): hear(notice)
        }
    }

    private func hear(_ notice: Session.Notice) {
        switch notice {
        case .answered(let description, _):
            (outcome.status, outcome.phrase) = (200, "OK")
            let stream = description.flatMap { AudioStream(of: $0) }
            voiceTarget = stream.flatMap { stream in stream.address.map { SocketAddress($0, stream.rtpPort) } }
        case .rejected(let rejection): (outcome.status, outcome.phrase) = (rejection.status, rejection.phrase)
        case .ended: isOver = true
        case .offered(let offer):
            // The phone keeps what it has: it sends and hears one tone.
            act { session, _ in session.refuseOffer(offer == nil ? 491 : 488) }
        case .progress, .cancelled, .acknowledged, .reofferAnswered, .reofferRefused, .info, .hungUp, .failed: break
        }
    }

    private func perform(_ actions: [TransactionAction]) {
        for action in actions {
            switch action {
            case .transmit(let bytes, let flow): sockets.sendSignalling(bytes, to: flow.remote)
            case .response(let id, let response, let flow):
                guard let purpose = purposes[id] else { continue }
                act { $0.receive(response, to: purpose, over: flow, now: $1) }
            case .timedOut(let id), .transportFailed(let id):
                guard let purpose = purposes[id] else { continue }
                act { $0.requestFailed(purpose, status: 408, now: $1) }
            case .request(let id, let request, let flow):
                act { $0.receive(request, transaction: id, over: flow, now: $1) }
            case .acknowledged(let ack, _): act { $0.acknowledged(by: ack, now: $1) }
            case .ended(let id): purposes[id] = nil
            case .cancelled, .strayResponse, .unacknowledged, .terminated, .dropped: break
            }
        }
    }
}

/// The phone's own stream.
private struct VoiceOut {
    private let ssrc: UInt32
    private var sequence: UInt16
    private var timestamp: UInt32

    init(_ randomness: UInt64) {
        ssrc = UInt32(truncatingIfNeeded: randomness)
        sequence = UInt16(truncatingIfNeeded: randomness >> 40)
        timestamp = UInt32(truncatingIfNeeded: randomness >> 16)
    }

    mutating func next() -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: 12) + TestTone.frame
        packet.withUnsafeMutableBytes {
            writeRTPHeader(
                into: $0,
                marker: false,
                payloadType: 8,
                sequence: sequence,
                timestamp: timestamp,
                ssrc: ssrc
            )
        }
        sequence &+= 1
        timestamp &+= 160
        return packet
    }
}

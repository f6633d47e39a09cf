import CLinuxIO
public import NetAddress
import RTP
import SDP
public import SIP
import SIPMessage
import Timebase

/// A phone that takes part in a demonstration: it answers by itself, or is a carrier that brings callers, any number at a time.
/// Every call speaks a tone.
public final class FloorPhone {
    /// What a caller does once he is connected.
    public struct Caller: Sendable {
        public var number: String
        /// Pressed after a second, by SIP INFO; nil: none.
        public var key: String?
        /// Hangs up so long after the call began.
        public var patience: Duration

        public init(number: String, key: String? = nil, patience: Duration) {
            (self.number, self.key, self.patience) = (number, key, patience)
        }
    }

    private struct Line {
        var target: SocketAddress?
        var key: (String, Instant)?
        var answersAt: Instant?
        var endsAt: Instant?
        var frames = 0
    }

    private let sockets: PhoneSockets
    private let agent: UserAgent
    /// How long it rings before it answers; nil: it is a carrier, and answers at once.
    private let answersAfter: Duration
    private var lines: [UserAgent.CallHandle: Line] = [:]
    private var stream = VoiceOut(1)
    private var nextFrame: Instant
    public private(set) var answered = 0

    /// `port`: 0 takes a free one; a carrier is known by its own.
    public init(
        server: SocketAddress,
        domain: String,
        credentials: Credentials,
        port: UInt16 = 0,
        answersAfter: Duration = .seconds(1)
    ) throws(SoftPhone.Fault) {
        do throws(PhoneSockets.Fault) {
            sockets = try PhoneSockets(on: server.ip, port: port)
        } catch {
            throw SoftPhone.Fault(description: error.text)
        }
        self.answersAfter = answersAfter
        agent = UserAgent(
            flow: Flow(transport: .udp, local: sockets.signalling, remote: server),
            domain: domain,
            credentials: credentials,
            generator: SystemRandomNumberGenerator()
        )
        nextFrame = Instant(nanoseconds: linux_io_now())
    }

    private var now: Instant { Instant(nanoseconds: linux_io_now()) }

    public func register() { agent.register(seconds: 600, at: now) }

    /// Takes the registration back.
    public func unregister() { agent.register(seconds: 0, at: now) }

    public func call(_ caller: Caller) {
        let handle = agent.call(caller.number, offer: describe(), at: now)
        lines[handle] = Line(key: caller.key.map { ($0, now + .seconds(1)) }, endsAt: now + caller.patience)
    }

    /// Plays its part for so long.
    public func run(for time: Duration) {
        let end = now + time
        while now < end {
            flush()
            let waits = [agent.nextDeadline, nextFrame, end].compactMap { $0 }
            let next = waits.min() ?? end
            let wait = Int32(clamping: Int64((next - now).inMilliseconds.rounded(.up)))
            for case .signalling(let bytes, let source) in sockets.wait(milliseconds: wait) {
                agent.receive(bytes, from: source, at: now)
            }
            agent.fire(at: now)
            attend()
            if now >= nextFrame { speak() }
        }
        flush()
    }

    private func flush() {
        for (bytes, flow) in agent.takeOutput() { sockets.sendSignalling(bytes, to: flow.remote) }
    }

    private func describe() -> [UInt8] {
        let local = LocalMedia(address: sockets.voice.ip, rtpPort: sockets.voice.port, sessionID: 4711)
        return ownOffer(codecs: ["PCMA"], as: local, direction: .sendrecv).write()
    }

    private func attend() {
        for event in agent.takeEvents() {
            switch event {
            case .incoming(let call, let request):
                agent.act(call, at: now) { $0.ring(180, now: $1) }
                let offer = request.sdpBody().flatMap { try? SessionDescription(parsing: $0) }
                lines[call] = Line(target: offer.flatMap(Self.target), answersAt: now + answersAfter)
            case .notice(let call, .answered(let description, _)):
                lines[call]?.target = description.flatMap(Self.target)
            case .notice(let call, .offered(let offer)):
                agent.act(call, at: now) { $0.refuseOffer(offer == nil ? 491 : 488, now: $1) }
            case .notice(let call, .ended): lines[call] = nil
            case .notice, .registered, .notified: break
            }
        }
        for (call, line) in lines {
            if let at = line.answersAt, now >= at {
                lines[call]?.answersAt = nil
                answered += 1
                let body = describe()
                agent.act(call, at: now) { $0.accept(sdp: body, now: $1) }
            }
            if let (key, at) = line.key, line.target != nil, now >= at {
                lines[call]?.key = nil
                let body = Array("Signal=\(key)\r\nDuration=160\r\n".utf8)
                agent.act(call, at: now) { session, _ in
                    session.sendInfo(contentType: "application/dtmf-relay", body: body)
                }
            }
            if let end = line.endsAt, now >= end {
                lines[call]?.endsAt = nil
                agent.act(call, at: now) { $0.hangUp(reason: nil, now: $1) }
            }
        }
    }

    private func speak() {
        nextFrame = max(nextFrame + .milliseconds(20), now)
        let packet = stream.next()
        for line in lines.values where line.answersAt == nil {
            if let target = line.target { sockets.sendVoice(packet, to: target) }
        }
    }

    private static func target(_ description: SessionDescription) -> SocketAddress? {
        AudioStream(of: description).map { SocketAddress($0.address, $0.rtpPort) }
    }
}

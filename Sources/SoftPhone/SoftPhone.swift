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
    private let agent: UserAgent
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
        agent = UserAgent(
            flow: Flow(transport: .udp, local: sockets.signalling, remote: server),
            domain: domain,
            credentials: credentials,
            generator: SystemRandomNumberGenerator()
        )
    }

    private var now: Instant { Instant(nanoseconds: linux_io_now()) }

    /// Calls, speaks for so long once somebody answers, and hangs up. Takes as long as that.
    public func call(_ number: String, speaking seconds: Double) -> Outcome {
        var generator = SystemRandomNumberGenerator()
        let local = LocalMedia(
            address: sockets.voice.ip,
            rtpPort: sockets.voice.port,
            sessionID: generator.next() >> 12
        )
        let offer = ownOffer(codecs: ["PCMA"], as: local, direction: .sendrecv).write()
        let call = agent.call(number, offer: offer, at: now)
        var voice = VoiceOut(generator.next())
        var hangUpAt: Instant?
        var nextFrame = now
        let deadline = now + .seconds(30)
        while !isOver, now < deadline {
            flush()
            let waits = [agent.nextDeadline, voiceTarget == nil ? nil : nextFrame, hangUpAt]
            let next = waits.compactMap { $0 }.min() ?? now + .milliseconds(100)
            for arrival in sockets.wait(milliseconds: Int32(clamping: Int64((next - now).inMilliseconds.rounded(.up))))
            {
                switch arrival {
                case .signalling(let bytes, let source): agent.receive(bytes, from: source, at: now)
                case .voice(let bytes, _): hear(bytes)
                }
            }
            agent.fire(at: now)
            for case .notice(call, let notice) in agent.takeEvents() { hear(notice, call) }
            guard let target = voiceTarget else { continue }
            if hangUpAt == nil { hangUpAt = now + .milliseconds(Int64(seconds * 1000)) }
            if now >= nextFrame {
                sockets.sendVoice(voice.next(), to: target)
                outcome.packetsSent += 1
                nextFrame = max(nextFrame + .milliseconds(20), now)
            }
            if let end = hangUpAt, now >= end {
                (voiceTarget, hangUpAt) = (nil, nil)
                agent.act(call, at: now) { $0.hangUp(reason: nil, now: $1) }
            }
        }
        flush()
        return outcome
    }

    private func flush() {
        for (bytes, flow) in agent.takeOutput() { sockets.sendSignalling(bytes, to: flow.remote) }
    }

    private func hear(_ bytes: [UInt8]) {
        let header = bytes.withUnsafeBytes { RTPHeader($0) }
        guard let header, header.payloadType == 8 else { return }
        outcome.packetsReceived += 1
        let payload = bytes[header.payloadOffset..<(header.payloadOffset + header.payloadLength)]
        if TestTone.share(of: payload) > 0.9 { outcome.packetsRecognised += 1 }
    }

    private func hear(_ notice: Session.Notice, _ call: UserAgent.CallHandle) {
        switch notice {
        case .answered(let description, _):
            (outcome.status, outcome.phrase) = (200, "OK")
            let stream = description.flatMap { AudioStream(of: $0) }
            voiceTarget = stream.map { SocketAddress($0.address, $0.rtpPort) }
        case .rejected(let rejection): (outcome.status, outcome.phrase) = (rejection.status, rejection.phrase)
        case .ended: isOver = true
        case .offered(let offer):
            // The phone keeps what it has: it sends and hears one tone.
            agent.act(call, at: now) { $0.refuseOffer(offer == nil ? 491 : 488, now: $1) }
        case .referred: agent.act(call, at: now) { session, _ in session.refuseReferral(603) }
        case .progress, .cancelled, .accepted, .acknowledged, .offerWithdrawn, .reofferAnswered, .reofferRefused,
            .answerChanged, .info, .hungUp, .failed:
            break
        }
    }
}

/// The phone's own stream.
struct VoiceOut {
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

import Calls
import Events
import NetAddress
import SIPMessage

/// Finds the call that a message on the wire belongs to, and puts the message on the bus.
///
/// A call's first messages come before the call is known (its INVITE, our 100): they wait for the end of the turn.
struct TraceTap {
    private struct Waiting {
        var callID: String
        var isIncoming: Bool
        var bytes: [UInt8]
        var flow: Flow
    }

    private var waiting: [Waiting] = []
    /// How peers' addresses read: the same few stand in every message of a call.
    private var written: [SocketAddress: String] = [:]
    private weak var engine: Engine?

    mutating func received(_ bytes: [UInt8], message: SIPMessage, over flow: Flow, by engine: Engine) {
        guard let callID = message.headers[.callID] else { return }
        self.engine = engine
        see(Waiting(callID: callID, isIncoming: true, bytes: bytes, flow: flow), by: engine)
    }

    mutating func sent(_ bytes: [UInt8], over flow: Flow, by engine: Engine) {
        guard let callID = Self.callID(in: bytes) else { return }
        see(Waiting(callID: callID, isIncoming: false, bytes: bytes, flow: flow), by: engine)
    }

    /// The turn is over: what still belongs to nobody is forgotten.
    mutating func settle() {
        guard !waiting.isEmpty else { return }
        waiting.removeAll(keepingCapacity: true)
    }

    /// A leg was made: what waited for its Call-ID is told.
    mutating func legAppeared(_ callID: String, by engine: Engine) {
        guard let leg = engine.calls.leg(ofCallID: callID) else { return }
        let mine = waiting.filter { $0.callID == callID }
        waiting.removeAll { $0.callID == callID }
        for message in mine { publish(message, of: leg, by: engine) }
    }

    private mutating func see(_ message: Waiting, by engine: Engine) {
        guard let leg = engine.calls.leg(ofCallID: message.callID) else {
            if waiting.count < 8 { waiting.append(message) }
            return
        }
        publish(message, of: leg, by: engine)
    }

    private mutating func text(of address: SocketAddress) -> String {
        if let text = written[address] { return text }
        if written.count >= 1_024 { written.removeAll(keepingCapacity: true) }
        let text = "\(address)"
        written[address] = text
        return text
    }

    private mutating func publish(_ message: Waiting, of leg: LegID, by engine: Engine) {
        guard let tenant = engine.calls.tenant(of: leg.call) else { return }
        let seen = SIPMessageSeen(
            leg: leg.index,
            isIncoming: message.isIncoming,
            transport: message.flow.transport.rawValue,
            local: text(of: message.flow.local),
            remote: text(of: message.flow.remote),
            bytes: message.bytes
        )
        engine.bus.publish(.sip(seen), tenant: tenant, call: leg.call, at: engine.now)
    }

    /// The Call-ID of a message that we wrote ourselves: its header stands at a line's start, in its long form.
    static func callID(in bytes: [UInt8]) -> String? {
        let name: StaticString = "\nCall-ID: "
        return bytes.withUnsafeBufferPointer { buffer in
            name.withUTF8Buffer { needle in
                guard buffer.count > needle.count else { return nil }
                var index = 0
                let last = buffer.count - needle.count
                while index < last {
                    if buffer[index] == needle[0] {
                        var offset = 1
                        while offset < needle.count, buffer[index + offset] == needle[offset] { offset += 1 }
                        if offset == needle.count {
                            let start = index + needle.count
                            let end = buffer[start...].firstIndex(of: 13) ?? buffer.count
                            return String(decoding: buffer[start..<end], as: UTF8.self)
                        }
                    }
                    index += 1
                }
                return nil
            }
        }
    }
}

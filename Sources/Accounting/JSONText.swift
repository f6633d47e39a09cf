import Events

/// Writes the lists of a call record as JSON text, without the general encoder: each call has its legs written three times.
public struct JSONText {
    public private(set) var octets: [UInt8] = []

    public init() { octets.reserveCapacity(2048) }

    public var text: String { String(decoding: octets, as: UTF8.self) }

    public mutating func raw(_ text: String) { octets += text.utf8 }

    /// A key and its colon, after a comma where one is due.
    public mutating func key(_ name: String) {
        if let last = octets.last, last != UInt8(ascii: "{"), last != UInt8(ascii: "[") {
            octets.append(UInt8(ascii: ","))
        }
        string(name)
        octets.append(UInt8(ascii: ":"))
    }

    public mutating func field(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null") }
    }

    /// With three decimals at most: nothing that is measured here is known better.
    mutating func field(_ name: String, _ value: Double?) {
        key(name)
        let rounded = value.map { ($0 * 1000).rounded() / 1000 }
        // JSON has no way to say that a number is none.
        raw(rounded.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null")
    }

    mutating func field(_ name: String, _ value: (some BinaryInteger)?) {
        key(name)
        raw(value.map { "\($0)" } ?? "null")
    }

    /// RFC 8259 §7.
    mutating func string(_ value: String) {
        octets.append(UInt8(ascii: "\""))
        for octet in value.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                octets.append(UInt8(ascii: "\\"))
                octets.append(octet)
            case 0..<32:
                let digits = Array("0123456789abcdef".utf8)
                raw("\\u00")
                octets.append(digits[Int(octet >> 4)])
                octets.append(digits[Int(octet & 15)])
            default: octets.append(octet)
            }
        }
        octets.append(UInt8(ascii: "\""))
    }
}

extension [LegRecord] {
    /// The same JSON as the encoder's, keys in the order of the contract.
    public var jsonText: String {
        var out = JSONText()
        out.raw("[")
        for (index, leg) in enumerated() {
            if index > 0 { out.raw(",") }
            out.write(leg)
        }
        out.raw("]")
        return out.text
    }
}

extension [String] {
    public var jsonText: String {
        var out = JSONText()
        out.raw("[")
        for (index, text) in enumerated() {
            if index > 0 { out.raw(",") }
            out.string(text)
        }
        out.raw("]")
        return out.text
    }
}

extension [String: String] {
    /// An object, its keys in order.
    public var jsonText: String {
        var out = JSONText()
        out.raw("{")
        for (name, value) in sorted(by: { $0.key < $1.key }) { out.field(name, value) }
        out.raw("}")
        return out.text
    }
}

extension JSONText {
    fileprivate mutating func write(_ leg: LegRecord) {
        raw("{")
        field("leg_id", leg.legID)
        field("target", leg.target)
        field("user", leg.user)
        field("trunk", leg.trunk)
        field("queue", leg.queue)
        field("transferred_by", leg.transferredBy)
        field("address", leg.address)
        field("started_at", leg.startedAt)
        field("answered_at", leg.answeredAt)
        field("ended_at", leg.endedAt)
        field("sip_code", leg.sipCode)
        field("result", leg.result?.rawValue)
        field("reason", leg.reason)
        field("codec", leg.codec)
        field("sip_call_id", leg.sipCallID)
        key("media")
        if let media = leg.media { write(media) } else { raw("null") }
        raw("}")
    }

    private mutating func write(_ media: MediaReport) {
        raw("{")
        field("verdict", media.verdict.rawValue)
        field("first_packet_ms", media.firstPacketDelayMilliseconds)
        field("signalled_address", media.signalledAddress)
        field("latched_address", media.latchedAddress)
        field("rtt_ms", media.roundTripMilliseconds)
        field("foreign_packets", media.foreignPackets)
        field("malformed_packets", media.malformedPackets)
        key("received")
        write(media.received)
        key("sent")
        write(media.sent)
        raw("}")
    }

    private mutating func write(_ stream: StreamReport) {
        raw("{")
        field("packets", stream.packets)
        field("octets", stream.octets)
        field("lost", stream.lost)
        field("jitter_ms", stream.jitterMilliseconds)
        field("duplicates", stream.duplicates)
        field("reordered", stream.reordered)
        field("r_factor", stream.rFactor)
        field("mos", stream.mos)
        raw("}")
    }
}

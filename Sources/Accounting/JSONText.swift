import Events
import Timebase

/// Writes the lists of a call record as JSON text, without the general encoder: each call has its legs written three times.
public struct JSONText {
    public private(set) var octets: [UInt8] = []

    public init() { octets.reserveCapacity(2048) }

    public mutating func raw(_ text: String) { octets += text.utf8 }

    public mutating func raw(_ text: some Collection<UInt8>) { octets += text }

    /// A key of ours, which has nothing to escape, and its colon, after a comma where one is due.
    public mutating func key(_ name: StaticString) {
        comma()
        octets.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { octets.append(contentsOf: $0) }
        octets.append(UInt8(ascii: "\""))
        octets.append(UInt8(ascii: ":"))
    }

    mutating func comma() {
        if let last = octets.last, last != UInt8(ascii: "{"), last != UInt8(ascii: "[") {
            octets.append(UInt8(ascii: ","))
        }
    }

    public mutating func field(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null") }
    }

    /// A key that somebody else chose.
    mutating func member(_ name: String) {
        comma()
        string(name)
        octets.append(UInt8(ascii: ":"))
    }

    mutating func put(_ octet: UInt8) { octets.append(octet) }

    mutating func number(_ value: some BinaryInteger) {
        if value < 0 {
            DecimalDigits.append(Int64(clamping: value), to: &octets)
        } else {
            DecimalDigits.append(UInt64(clamping: value), to: &octets)
        }
    }

    /// Throws for what is no number: JSON has no way to say so.
    mutating func number(_ value: Double) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "\(value) is no JSON"))
        }
        raw(value.description)
    }

    /// With three decimals at most: nothing that is measured here is known better.
    mutating func field(_ name: StaticString, _ value: Double?) {
        key(name)
        let rounded = value.map { ($0 * 1000).rounded() / 1000 }
        // JSON has no way to say that a number is none.
        raw(rounded.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null")
    }

    mutating func field(_ name: StaticString, _ value: (some BinaryInteger)?) {
        key(name)
        if let value { number(value) } else { raw("null") }
    }

    /// RFC 8259 §7. Most text has nothing to escape, and is taken as it is.
    mutating func string(_ value: String) {
        octets.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { text in
            if text.contains(where: Self.isEscaped) {
                for octet in text { escape(octet) }
            } else {
                octets.append(contentsOf: text)
            }
        }
        octets.append(UInt8(ascii: "\""))
    }

    private static func isEscaped(_ octet: UInt8) -> Bool {
        octet < 32 || octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\")
    }

    private mutating func escape(_ octet: UInt8) {
        guard Self.isEscaped(octet) else { return octets.append(octet) }
        octets.append(UInt8(ascii: "\\"))
        guard octet < 32 else { return octets.append(octet) }
        let digits = Array("0123456789abcdef".utf8)
        raw("u00")
        octets.append(digits[Int(octet >> 4)])
        octets.append(digits[Int(octet & 15)])
    }
}

extension [LegRecord] {
    /// The same JSON as the encoder's, keys in the order of the contract.
    public var json: [UInt8] {
        var out = JSONText()
        out.raw("[")
        for (index, leg) in enumerated() {
            if index > 0 { out.raw(",") }
            out.write(leg)
        }
        out.raw("]")
        return out.octets
    }
}

extension [String] {
    public var json: [UInt8] {
        var out = JSONText()
        out.raw("[")
        for (index, text) in enumerated() {
            if index > 0 { out.raw(",") }
            out.string(text)
        }
        out.raw("]")
        return out.octets
    }
}

extension [String: String] {
    /// An object, its keys in order.
    public var json: [UInt8] {
        var out = JSONText()
        out.raw("{")
        for (name, value) in sorted(by: { $0.key < $1.key }) {
            out.member(name)
            out.string(value)
        }
        out.raw("}")
        return out.octets
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
        field("unagreed_packets", media.unagreedPackets)
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
        field("r_factor_min", stream.leastRFactor)
        field("mos_min", stream.leastMOS)
        raw("}")
    }
}

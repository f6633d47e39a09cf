import Events
import Timebase

/// A trace's entries as they are kept: text that a person can read, and that is written without an encoder.
///
///     @ 1520 < 0 udp 127.0.0.1:5060 127.0.0.1:5081 734
///     INVITE sip:600@127.0.0.1 SIP/2.0
///     …
///     @ 1733 * 14
///     dial user 1002
///
/// Microseconds since the start; `<` came in and `>` went out, with leg, transport, local and remote address, and the octets
/// that follow; `*` is an event.
extension CallTrace {
    public var stored: [UInt8] {
        var out: [UInt8] = []
        for entry in entries {
            let text: String
            switch entry.kind {
            case .message(let message):
                text = message.text
                let way = message.isIncoming ? "<" : ">"
                let addresses = "\(message.transport) \(message.local) \(message.remote)"
                out += "@ \(entry.offset) \(way) \(message.leg) \(addresses) \(text.utf8.count)\n".utf8
            case .event(let event):
                text = event
                out += "@ \(entry.offset) * \(text.utf8.count)\n".utf8
            }
            out += text.utf8
            out.append(10)
        }
        return out
    }

    /// Takes stored entries back; what is damaged ends the trace there.
    public mutating func restore(_ stored: [UInt8]) {
        var rest = stored[...]
        while let end = rest.firstIndex(of: 10) {
            let fields = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ").map(String.init)
            guard fields.count >= 4, fields[0] == "@", let offset = Int64(fields[1]), let last = fields.last,
                let length = Int(last), length >= 0, length < rest.endIndex - end
            else { return }
            let start = end + 1
            let text = String(decoding: rest[start..<(start + length)], as: UTF8.self)
            if fields[2] == "*" {
                entries.append(TraceEntry(offset: offset, kind: .event(text)))
            } else if fields.count == 8, let leg = Int(fields[3]) {
                let message = TracedMessage(
                    leg: leg,
                    isIncoming: fields[2] == "<",
                    transport: fields[4],
                    local: fields[5],
                    remote: fields[6],
                    text: text
                )
                entries.append(TraceEntry(offset: offset, kind: .message(message)))
            }
            rest = rest[min(start + length + 1, rest.endIndex)...]
        }
    }
}

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
        out.reserveCapacity(entries.reduce(0) { $0 + $1.size + 128 })
        for entry in entries {
            out.add("@ ")
            DecimalDigits.append(entry.offset, to: &out)
            let text: String
            switch entry.kind {
            case .message(let message):
                text = message.text
                out.add(message.isIncoming ? " < " : " > " as StaticString)
                DecimalDigits.append(Int64(message.leg), to: &out)
                out.add(" ")
                out.add(message.transport)
                out.add(" ")
                out.add(message.local)
                out.add(" ")
                out.add(message.remote)
            case .event(let event):
                text = event
                out.add(" *")
            }
            out.add(" ")
            DecimalDigits.append(Int64(text.utf8.count), to: &out)
            out.add("\n")
            out.add(text)
            out.add("\n")
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

extension TraceEntry {
    fileprivate var size: Int {
        switch kind {
        case .message(let message): message.text.utf8.count
        case .event(let text): text.utf8.count
        }
    }
}

extension [UInt8] {
    fileprivate mutating func add(_ mark: StaticString) { mark.withUTF8Buffer { append(contentsOf: $0) } }

    /// In one piece: a trace is some hundred of them.
    fileprivate mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { append(contentsOf: $0) }
    }
}

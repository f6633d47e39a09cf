import Codecs

/// What a payload type means on arrival, and which number it goes on under: one entry for each of the 128.
struct FormatTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        var clockRate: UInt32 = 8_000
        var outgoing: UInt8 = FormatTable.same
        var isTelephoneEvent = false
        /// What comes under any other number is dropped: the peer that it would go to may know it as something else.
        var isAgreed = false
        /// 256 octets, when the peer that it goes to speaks the other law of G.711.
        var translation: UnsafePointer<UInt8>?
        /// What it is as it goes on; nil when the switch does not understand it.
        var codec: VoiceCodec?
    }

    static let same: UInt8 = 0xFF
    /// RFC 3389 §4: many send it in the silence of G.711 without a word of it.
    static let comfortNoise = 13
    /// The two laws of G.711, whose numbers have one meaning (RFC 3551 §6): some peers send one of them whatever was answered, and would not be
    /// heard.
    fileprivate static let laws = [
        MediaFormat(number: 0, encoding: "PCMU", clockRate: 8_000),
        MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000),
    ]
    let entries: UnsafeMutablePointer<Entry>

    init() {
        entries = .allocate(capacity: 128)
        entries.initialize(repeating: Entry(), count: 128)
    }
}

extension UnsafeMutablePointer<FormatTable.Entry> {
    /// Fills the table in from what we said (`receive`; nothing: all may come), towards a peer that says `send`.
    func fill(receive: [MediaFormat], send: [MediaFormat]) {
        for index in 0..<128 {
            self[index] = FormatTable.Entry(isAgreed: receive.isEmpty || index == FormatTable.comfortNoise)
        }
        let unsaid =
            receive.isEmpty ? [] : FormatTable.laws.filter { law in !receive.contains { $0.number == law.number } }
        for format in receive + unsaid where format.number < 128 {
            let same = send.filter { $0.isSameCodec(as: format) }
            var there = same.first { $0.parameters == format.parameters } ?? same.first
            var translation: UnsafePointer<UInt8>?
            if there == nil, let other = Self.otherLaw(of: format.encoding) {
                there = send.first { $0.encoding == other.encoding }
                translation = there == nil ? nil : other.table
            }
            let outgoing = there.map {
                $0.number == format.number && translation == nil ? FormatTable.same : $0.number & 0x7F
            }
            self[Int(format.number)] = FormatTable.Entry(
                clockRate: UInt32(clamping: format.clockRate),
                outgoing: outgoing ?? FormatTable.same,
                isTelephoneEvent: format.encoding == "TELEPHONE-EVENT",
                isAgreed: there != nil || !unsaid.contains { $0.number == format.number },
                translation: translation,
                codec: VoiceCodec(encoding: (translation == nil ? format : there ?? format).encoding)
            )
        }
    }

    private static func otherLaw(of encoding: String) -> (encoding: String, table: UnsafePointer<UInt8>)? {
        switch encoding {
        case "PCMA": ("PCMU", LawTables.shared.toµ.table)
        case "PCMU": ("PCMA", LawTables.shared.toA.table)
        default: nil
        }
    }
}

/// What each octet of one law of G.711 is in the other; made once.
private struct LawTables: Sendable {
    /// `@unchecked Sendable`: filled before anybody has it, never written again and never freed.
    struct Table: @unchecked Sendable { let table: UnsafePointer<UInt8> }

    static let shared = LawTables()
    let toA = LawTables.make(from: .µ, to: .a)
    let toµ = LawTables.make(from: .a, to: .µ)

    private static func make(from: G711.Law, to: G711.Law) -> Table {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for octet in UInt8.min...UInt8.max {
            (memory + Int(octet)).initialize(to: G711.encode(G711.decode(octet, from), to))
        }
        return Table(table: UnsafePointer(memory))
    }
}

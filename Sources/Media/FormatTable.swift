/// What a payload type means on arrival, and which number it goes on under: one entry for each of the 128.
struct FormatTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        var clockRate: UInt32 = 8_000
        var outgoing: UInt8 = FormatTable.same
        var isTelephoneEvent = false
    }

    static let same: UInt8 = 0xFF
    let entries: UnsafeMutablePointer<Entry>

    init() {
        entries = .allocate(capacity: 128)
        entries.initialize(repeating: Entry(), count: 128)
    }
}

extension UnsafeMutablePointer<FormatTable.Entry> {
    /// Fills the table in from what we said (`receive`), towards a peer that says `send`.
    func fill(receive: [MediaFormat], send: [MediaFormat]) {
        for index in 0..<128 { self[index] = FormatTable.Entry() }
        for format in receive where format.number < 128 {
            let there = send.first { $0.encoding == format.encoding && $0.clockRate == format.clockRate }
            let outgoing = there.map { $0.number == format.number ? FormatTable.same : $0.number & 0x7F }
            self[Int(format.number)] = FormatTable.Entry(
                clockRate: UInt32(clamping: format.clockRate),
                outgoing: outgoing ?? FormatTable.same,
                isTelephoneEvent: format.encoding == "TELEPHONE-EVENT"
            )
        }
    }
}

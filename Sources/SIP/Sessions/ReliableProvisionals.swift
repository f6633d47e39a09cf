import SIPMessage

/// Our reliable provisional answers (RFC 3262 §3): one on the wire at a time, the next one after its PRACK.
struct ReliableProvisionals: Sendable {
    /// The caller's INVITE said `Require: 100rel`.
    var callerRequires = false
    private var sequence: UInt32 = 0
    private(set) var outstanding: SIPResponse?
    /// A final answer overtook its PRACK, which may come yet (RFC 3262 §3).
    private var overtaken: SIPResponse?
    private var waiting: [SIPResponse] = []
    /// The caller has our answer in a reliable provisional: the 2xx carries none (RFC 3262 §5).
    private(set) var hasAnswered = false
    /// Our 2xx waits for the PRACK of a provisional that carried a description (RFC 3262 §3).
    var heldAcceptance: HeldAcceptance?

    struct HeldAcceptance: Sendable { var sdp: [UInt8]? }

    /// More than any callee needs; a callee that alternates 180 and 183 for ever does not grow us.
    private static let limit = 8

    /// Takes a provisional; returns it with its RSeq when it may go out now.
    mutating func queue(_ response: SIPResponse, random: inout some RandomNumberGenerator) -> SIPResponse? {
        guard outstanding == nil else {
            if waiting.count < Self.limit { waiting.append(response) }
            return nil
        }
        if sequence == 0 { sequence = UInt32(truncatingIfNeeded: random.next() & 0xFFFF) }
        sequence &+= 1
        var response = response
        response.headers.append(.require, "100rel")
        response.headers.append(.rseq, "\(sequence)")
        // By UPDATE its dialog may be changed from here on (RFC 3311 §5.1).
        response.headers.append(.allow, SessionSettings.allow)
        response.headers.append(.supported, SessionSettings.supported)
        if !response.body.isEmpty { hasAnswered = true }
        outstanding = response
        return response
    }

    /// Takes a PRACK's RAck (`rseq cseq method`); false when it names nothing of ours.
    mutating func acknowledge(_ rack: String?, random: inout some RandomNumberGenerator) -> Bool {
        guard let outstanding = outstanding ?? overtaken, let rack else { return false }
        let fields = rack.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 3, let number = UInt32(fields[0]), number == sequence,
            let cSeq = try? outstanding.cSeq(), UInt32(fields[1]) == cSeq.number, fields[2] == cSeq.method.name
        else { return false }
        (self.outstanding, overtaken) = (nil, nil)
        return true
    }

    mutating func next(random: inout some RandomNumberGenerator) -> SIPResponse? {
        guard outstanding == nil, !waiting.isEmpty else { return nil }
        return queue(waiting.removeFirst(), random: &random)
    }

    /// A final answer goes out: nothing provisional is repeated after it.
    mutating func stop() -> [Session.Action] {
        let wasRunning = outstanding != nil
        (overtaken, outstanding) = (outstanding, nil)
        waiting = []
        return [.stop(.progressRepeat)] + (wasRunning ? [.stop(.retransmitReliable), .stop(.prackMissing)] : [])
    }
}

/// One early dialog of an INVITE of ours: a forked INVITE has several (RFC 3261 §12.1, RFC 3262 §4).
struct EarlyDialog: Sendable {
    var dialog: Dialog
    var lastReliable: UInt32?
    /// Our offer has an answer in a reliable provisional.
    var isAnswered = false
    /// The callee's description that is in force in this dialog.
    var description: [UInt8]?
    /// Ours, where an UPDATE has put another in the place of our INVITE's.
    var own: [UInt8]?
}

import Events

extension HangupCause {
    /// What a final SIP status means: RFC 3398 §8.2.6.1's table, with the name and disposition of the nearest named cause.
    ///
    /// Total: a status that the table does not know falls to its class. `status` is kept, so that a caller is told what the
    /// callee's side said; below 300 or above 699 there is nothing to pass on, and the caller is told 500.
    public init(status: Int) {
        guard (300..<700).contains(status) else {
            self = (200..<300).contains(status) ? .normal : .failed
            return
        }
        let nearest = Self.nearest(to: status)
        self.init(
            name: nearest.name,
            status: status,
            q850: Self.q850ByStatus[status] ?? nearest.q850,
            disposition: nearest.disposition
        )
    }

    private static func nearest(to status: Int) -> HangupCause {
        switch status {
        case 486, 600: .busy
        case 480: .unavailable
        case 603, 607, 608: .declined
        case 401, 402, 403, 407, 433: .rejected
        case 404, 485, 604: .notFound
        case 410: .numberChanged
        case 484: .invalidNumber
        case 408, 504: .timeout
        case 487: .cancelled
        case 415, 488, 606: .notAcceptable
        case 405, 416, 420, 501, 505: .notImplemented
        case 503: .congestion
        default: .failed
        }
    }

    /// RFC 3398 §8.2.6.1. Left out there and filled in here: 487 (the caller's own doing: 16), 488 and 606 (no Warning to go
    /// by: 88, incompatible destination), 607 and 608 (RFC 8197, 8688: call rejected).
    private static let q850ByStatus: [Int: Int] = [
        400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127,
        415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17,
        487: 16, 488: 88, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
        606: 88, 607: 21, 608: 21,
    ]

    /// What an ISUP or Q.931 cause means in SIP: RFC 3398 §7.2.4.1, and 500 for a cause it does not know, as its last row says.
    /// Name and disposition are those of the named cause with this number, else of the one nearest to the status.
    public init(q850: Int) {
        let status = Self.statusByQ850[q850] ?? 500
        let nearest = Self.named.first { $0.q850 == q850 } ?? Self.nearest(to: status)
        let disposition: Disposition = q850 == 18 ? .noAnswer : nearest.disposition
        self.init(name: nearest.name, status: status, q850: max(1, min(q850, 127)), disposition: disposition)
    }

    private static let statusByQ850: [Int: Int] = [
        1: 404, 2: 404, 3: 404, 16: 480, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 23: 410, 25: 483,
        26: 404,
        27: 502, 28: 484, 29: 501, 31: 480, 34: 503, 38: 503, 41: 503, 42: 503, 47: 503, 55: 403, 57: 403, 58: 503,
        65: 488, 70: 488, 79: 501, 87: 403, 88: 503, 102: 504, 111: 500, 127: 500,
    ]
}

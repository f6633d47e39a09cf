public import NetAddress

/// What DNS is asked for a server (RFC 3263 §4).
public enum DNSQuestion: Hashable, Sendable {
    case naptr(String)
    case srv(String)
    /// A and AAAA.
    case addresses(String)
}

public enum DNSAnswer: Equatable, Sendable {
    /// `lasting`: the least time to live of its records.
    case naptr([NAPTRRecord], lasting: Duration)
    case srv([SRVRecord], lasting: Duration)
    case addresses([IPAddress], lasting: Duration)
    /// There is no such name, or it has no such record.
    case nothing
    /// Nobody can say now, and why.
    case failed(String)
}

/// Which service a domain has, and by which name to ask on (RFC 3403 §4.1).
public struct NAPTRRecord: Equatable, Sendable {
    public var order: UInt16
    public var preference: UInt16
    /// `s`: SRV records are next; `a`: addresses.
    public var flags: String
    /// `SIP+D2U`, `SIP+D2T`, …
    public var service: String
    public var replacement: String

    public init(order: UInt16, preference: UInt16, flags: String = "s", service: String, replacement: String) {
        (self.order, self.preference, self.flags) = (order, preference, flags)
        (self.service, self.replacement) = (service, replacement)
    }

    /// What it is a way to (RFC 3263 §4.1); nil: nothing that SIP knows.
    var transport: Transport? {
        switch service.uppercased() {
        case "SIP+D2U": .udp
        case "SIP+D2T": .tcp
        case "SIPS+D2T": .tls
        default: nil
        }
    }
}

/// One server of a service (RFC 2782).
public struct SRVRecord: Equatable, Sendable {
    public var priority: UInt16
    public var weight: UInt16
    public var port: UInt16
    /// `.` or empty: the service is decidedly not there.
    public var target: String

    public init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
        (self.priority, self.weight, self.port, self.target) = (priority, weight, port, target)
    }

    var isAbsence: Bool { target.isEmpty || target == "." }
}

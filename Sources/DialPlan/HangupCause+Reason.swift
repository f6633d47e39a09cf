extension HangupCause {
    /// Reads a Reason header (RFC 3326 §2): `Q.850;cause=16;text="…"` or `SIP;cause=486`. Of several, Q.850 tells more.
    /// nil when the header names no cause of either.
    public init?(reasonHeader: String?) {
        guard let reasonHeader, reasonHeader.utf8.count <= 1_024 else { return nil }
        var fromStatus: HangupCause?
        for value in Self.split(reasonHeader, at: ",") {
            let parts = Self.split(value, at: ";").map(Self.trimmed)
            guard let scheme = parts.first?.lowercased(), let cause = Self.cause(in: parts.dropFirst()) else {
                continue
            }
            if scheme == "q.850", (1...127).contains(cause) {
                self.init(q850: cause)
                return
            }
            if scheme == "sip", (200..<700).contains(cause), fromStatus == nil {
                fromStatus = HangupCause(status: cause)
            }
        }
        guard let fromStatus else { return nil }
        self = fromStatus
    }

    private static func cause(in parameters: ArraySlice<String>) -> Int? {
        for parameter in parameters {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            guard trimmed(parameter[..<equals]).lowercased() == "cause" else { continue }
            return Int(trimmed(parameter[parameter.index(after: equals)...]))
        }
        return nil
    }

    /// Splits outside quoted strings (RFC 3261 §25.1): the text of a reason may hold any separator.
    private static func split(_ text: String, at separator: Character) -> [String] {
        var parts = [""]
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if character == separator, !isQuoted {
                parts.append("")
                continue
            }
            if isEscaped {
                isEscaped = false
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == "\\" {
                isEscaped = isQuoted
            }
            parts[parts.count - 1].append(character)
        }
        return parts
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    /// ITU-T Q.850 table 1.
    static func words(forQ850 cause: Int) -> String {
        switch cause {
        case 1: "Unallocated (unassigned) number"
        case 2: "No route to specified transit network"
        case 3: "No route to destination"
        case 16: "Normal call clearing"
        case 17: "User busy"
        case 18: "No user responding"
        case 19: "No answer from user (user alerted)"
        case 20: "Subscriber absent"
        case 21: "Call rejected"
        case 22: "Number changed"
        case 25: "Exchange routing error"
        case 26: "Non-selected user clearing"
        case 27: "Destination out of order"
        case 28: "Invalid number format (address incomplete)"
        case 29: "Facility rejected"
        case 31: "Normal, unspecified"
        case 34: "No circuit/channel available"
        case 38: "Network out of order"
        case 41: "Temporary failure"
        case 42: "Switching equipment congestion"
        case 47: "Resource unavailable, unspecified"
        case 55: "Incoming calls barred within CUG"
        case 57: "Bearer capability not authorized"
        case 58: "Bearer capability not presently available"
        case 63: "Service or option not available, unspecified"
        case 65: "Bearer capability not implemented"
        case 70: "Only restricted digital information bearer capability is available"
        case 79: "Service or option not implemented, unspecified"
        case 87: "User not member of CUG"
        case 88: "Incompatible destination"
        case 102: "Recovery on timer expiry"
        case 111: "Protocol error, unspecified"
        case 127: "Interworking, unspecified"
        default: "Cause \(cause)"
        }
    }
}

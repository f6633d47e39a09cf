/// The variables that a run has before any step sets one.
public enum PlanVariable: String, CaseIterable, Sendable {
    /// The number as dialled.
    case called
    case caller
    case callerName = "caller_name"
    case tenant
    /// The trunk that the call came by; empty for a user's call.
    case trunk
    /// The user who sent the call here: he handed its caller on, or his phone sends its calls elsewhere; empty: nobody did.
    case sentBy = "sent_by"
    /// `inbound`, `outbound` or `internal`.
    case direction
    /// How the last `dial` ended: a `DialOutcome`; empty before.
    case dialResult = "dial_result"
    /// How the last `queue` ended: a `QueueOutcome`; empty before.
    case queueResult = "queue_result"
    /// What the last `callback` was answered: a `CallbackAnswer`; empty before.
    case callbackResult = "callback_result"

    /// Letters, digits and `_`, beginning with a letter; at most 32 characters.
    public static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 32 else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
}

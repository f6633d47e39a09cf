/// How far a supervisor is in somebody else's talk.
public enum SupervisionMode: String, Codable, Sendable, CaseIterable {
    /// Hears both, and is heard by nobody.
    case listen
    /// Is heard by the operator alone.
    case whisper
    /// Is heard by both.
    case barge
    /// Speaks with the other party in the operator's place, who is released.
    case takeOver = "take-over"
}

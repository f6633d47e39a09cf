import Events

/// Which calls are among the share that a tenant records: drawn from the call's id, which is random, so that all talks of a call
/// have one answer, and a run is repeated by its seed.
enum RecordingShare {
    /// `share` in per cent.
    static func holds(_ call: CallID, share: Int) -> Bool {
        call.value.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) } % 100 < UInt64(clamping: share)
    }
}

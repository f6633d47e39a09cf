internal import Hashes
internal import Recording

/// A file that nothing is added to and is read back for its hash, a piece at a time: hours of sound must not keep the others
/// from being written. The recorder thread's own.
final class FinishedRecording {
    private let recording: OpenRecording
    private let hash: SHA256Stream
    private var offset: Int64 = 0

    /// Nil without memory for the hash.
    init?(_ recording: OpenRecording) {
        guard let hash = SHA256Stream() else { return nil }
        (self.recording, self.hash) = (recording, hash)
    }

    /// Hashes what fits into `buffer`; the recording's last event when all is done.
    func proceed(_ disk: Disk, _ buffer: UnsafeMutableRawBufferPointer) -> RecorderEvent? {
        if offset < recording.octets {
            let room = UnsafeMutableRawBufferPointer(
                rebasing: buffer.prefix(Int(min(recording.octets - offset, Int64(buffer.count))))
            )
            let count = disk.read(recording.descriptor, room, at: offset)
            guard count > 0 else {
                disk.close(recording.descriptor)
                return recording.failed(recording.failure ?? "cannot read back: \(describe(count))")
            }
            hash.update(UnsafeRawBufferPointer(rebasing: room.prefix(count)))
            offset += Int64(count)
        }
        guard offset >= recording.octets else { return nil }
        disk.close(recording.descriptor)
        guard let digest = hash.finish() else { return recording.failed(recording.failure ?? "cannot hash") }
        if let failure = recording.failure { return recording.failed(failure, sha256: hex(digest)) }
        return .final(
            recording.id,
            milliseconds: recording.milliseconds,
            octets: Int(recording.octets),
            sha256: hex(digest),
            lostFrames: recording.timeline.lostFrames
        )
    }
}

/// What a recording is to become.
public struct RecordingRequest: Sendable, Equatable {
    public enum Format: Sendable, CaseIterable { case wav, oggOpus }

    /// Not that of any recording that is open.
    public let id: UInt64
    public let path: String
    public let format: Format
    /// The instant that the file begins with: nanoseconds of the recorder's clock.
    public let start: Int64

    public init(id: UInt64, path: String, format: Format, start: Int64) {
        (self.id, self.path, self.format, self.start) = (id, path, format, start)
    }
}

/// What the recorder tells. Each recording that was opened gets one `final` or one `failed`.
public enum RecorderEvent: Sendable, Equatable {
    /// Complete: its length, the file's octets and their SHA-256 in hexadecimal digits, and how many frames of both
    /// channels left silence.
    case final(UInt64, milliseconds: Int, octets: Int, sha256: String, lostFrames: Int)
    /// Given up; what was written stays, and plays: so long, with these octets and their SHA-256, if it could be read back.
    case failed(UInt64, why: String, milliseconds: Int = 0, octets: Int = 0, sha256: String? = nil)
    /// A single operation on the disk took this long: more than a second.
    case stalled(milliseconds: Int)
    /// The first since then took less.
    case recovered
}

enum RecorderCommand: Sendable {
    case open(RecordingRequest)
    case pause(UInt64, at: Int64)
    case resume(UInt64, at: Int64)
    case close(UInt64, at: Int64)
}

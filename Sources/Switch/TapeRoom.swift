import Calls
import Config
import Events
import Foundation
import RecordingIO
import Records
import Timebase

/// The recorder, and where its files lie: `tenants/NAME/recordings/YYYY/MM/DD/ID.wav`.
final class TapeRoom: Sendable {
    private let folder: URL
    private let recorder: Recorder?

    /// `deliver` is called on the recorder's thread.
    init(folder: URL, rings: [FrameRing], deliver: @escaping @Sendable ([RecorderEvent]) -> Void) {
        self.folder = folder
        recorder = Recorder(rings: rings, deliver: deliver)
    }

    static func folder(of tenant: TenantID, in data: URL) -> URL {
        data.appending(path: "tenants").appending(path: tenant.name).appending(path: "recordings")
    }

    /// Never blocks.
    func perform(_ order: RecordingOrder) {
        switch order {
        case .open(let number, let tenant, let file, let format, let at):
            let path = Self.folder(of: tenant, in: folder).appending(path: file).path
            recorder?.open(
                RecordingRequest(
                    id: number,
                    path: path,
                    format: format == .wav ? .wav : .oggOpus,
                    start: at.nanoseconds
                )
            )
        case .pause(let number, let at): recorder?.pause(number, at: at.nanoseconds)
        case .resume(let number, let at): recorder?.resume(number, at: at.nanoseconds)
        case .close(let number, let at): recorder?.close(number, at: at.nanoseconds)
        }
    }

    /// Closes every file; what they came to is delivered before this returns.
    ///
    /// - Returns: false: their disk does not answer, and they are left as a crash leaves them.
    func stop() -> Bool { recorder?.stop() ?? true }

    /// How long their disk has not answered.
    var stall: Duration { .nanoseconds(recorder?.stall ?? 0) }

    /// The fault of a recording of which a crash left nothing that can be played.
    static let unrepaired = "engine-restart, and its file cannot be read or is not there"

    /// Makes the files playable that a crash left unfinished, and says in their rows how long they are.
    ///
    /// - Returns: what became of them; `at`: the end of what is in the file.
    static func repair(in data: URL, tenant: TenantID, _ database: TenantDatabase) throws -> [CutOff] {
        try database.interruptedRecordings().map { row in
            let path = folder(of: tenant, in: data).appending(path: row.file).path
            var end = RecordingEnded(
                id: row.id,
                isComplete: false,
                fault: "engine-restart",
                milliseconds: 0,
                octets: 0,
                digest: nil
            )
            if let milliseconds = row.file.hasSuffix(".wav") ? repairWAV(path) : repairOgg(path),
                let digest = try? FileDigest(of: URL(fileURLWithPath: path))
            {
                (end.milliseconds, end.octets, end.digest) = (Int64(milliseconds), digest.octets, digest.sha256)
            } else {
                end.fault = unrepaired
            }
            try database.finish(end)
            let last = WallTime(milliseconds: row.startedMilliseconds &+ end.milliseconds)
            return CutOff(call: row.callID, event: .recordingEnded(end), at: last)
        }
    }
}

/// What went wrong with recordings since the start.
struct RecordingTroubles: Sendable {
    var failed: UInt64 = 0
    var stalls: UInt64 = 0
    /// How long their disk has not answered.
    var stall: Duration = .zero
}

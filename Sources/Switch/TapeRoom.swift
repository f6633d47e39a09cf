import Calls
import Config
import Events
import Foundation
import RecordingIO
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
    func stop() { recorder?.stop() }

    /// Makes the files playable that a crash left unfinished.
    static func repair(in data: URL, tenant: TenantID, files: [String]) {
        for file in files where file.hasSuffix(".wav") {
            _ = repairWAV(folder(of: tenant, in: data).appending(path: file).path)
        }
    }
}

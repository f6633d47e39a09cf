import ControlAPI
public import Foundation

/// One switch serves a folder of data, for as long as it lives. The file of its control socket may be taken away by anybody; this lock, on
/// the tenants' folder within, may not.
extension FolderLock {
    /// Waits for one that is ending.
    static func serving(_ data: URL, patience: Duration = .seconds(15)) async throws -> FolderLock {
        let words = "another switch serves \(data.path): \(silence)"
        return try await FolderLock(tenants(in: data), patience: patience, orSay: words)
    }

    /// Whether a switch serves this folder of data.
    static func isServed(_ data: URL) -> Bool { isHeld(tenants(in: data)) }

    /// What to do about a switch that serves and cannot be asked.
    public static let silence = """
        it is starting, or ending, or its control socket is gone; try again, or send it SIGHUP, which makes the socket \
        anew
        """

    private static func tenants(in data: URL) -> URL { data.appending(path: "tenants") }
}

/// Whether a switch serves the data.
public enum Service: Sendable {
    case answering
    /// It serves, and cannot be asked: see `FolderLock.silence`.
    case silent
    case none

    /// Of this folder of data, with its control socket.
    public init(of data: URL, at socketPath: String) async {
        if await ControlClient(socketPath: socketPath).isAnswered() {
            self = .answering
        } else {
            self = FolderLock.isServed(data) ? .silent : .none
        }
    }
}

extension ConfigurationFiles {
    public var service: Service { get async { await Service(of: dataFolder, at: socketPath) } }
}

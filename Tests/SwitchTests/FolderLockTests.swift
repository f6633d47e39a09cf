import Foundation
import Testing

@testable import Switch

@Suite struct FolderLockTests {
    @Test func `who waited for a folder that is another one by now has the lock of that one`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lock-\(UUID().uuidString.prefix(8))")
        let aside = folder.appendingPathExtension("before")
        defer { for place in [folder, aside] { try? FileManager.default.removeItem(at: place) } }
        var first: FolderLock? = try await FolderLock(folder)
        let waiting = Task { try await FolderLock(folder) }
        try FileManager.default.moveItem(at: folder, to: aside)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        withExtendedLifetime(first) {}
        first = nil
        let second = try await waiting.value
        // The folder that is there now is held, the one that was set aside is not.
        await #expect(throws: FolderLock.Fault.self) { try await FolderLock(folder, patience: .milliseconds(50)) }
        _ = try await FolderLock(aside, patience: .milliseconds(50))
        withExtendedLifetime(second) {}
    }
}

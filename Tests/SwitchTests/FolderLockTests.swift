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

    @Test func `a folder of data is served by one switch, and by nobody when that has ended`() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "serving-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: data) }
        let socket = data.appending(path: "control.sock").path
        #expect(await Service(of: data, at: socket) == .none)
        var first: FolderLock? = try await FolderLock.serving(data)
        #expect(await Service(of: data, at: socket) == .silent)
        let second = await #expect(throws: FolderLock.Fault.self) {
            try await FolderLock.serving(data, patience: .milliseconds(50))
        }
        #expect(second?.description.contains("another switch serves \(data.path): it is starting, or ending") == true)
        // Whoever waits for one that ends has it then.
        let waiting = Task { try await FolderLock.serving(data) }
        withExtendedLifetime(first) {}
        first = nil
        let next = try await waiting.value
        #expect(FolderLock.isServed(data))
        withExtendedLifetime(next) {}
    }

    @Test func `a folder that cannot be locked is not taken for one without a lock`() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "serving-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: data) }
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try Data().write(to: data.appending(path: "tenants"))
        await #expect(throws: FolderLock.Fault.self) { try await FolderLock.serving(data) }
    }
}

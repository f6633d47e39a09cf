import Foundation
import Media
import Testing

@testable import Switch

/// Prompts as their files come, change and go under a running switch.
@Suite struct PromptStoreTests {
    private let folders = (shipped: folder(), own: folder())
    private let store = PromptStore(log: LogSink(format: .text, level: .error), pause: .milliseconds(5))

    private static func folder() -> URL {
        FileManager.default.temporaryDirectory.appending(path: "prompts-\(UUID().uuidString)")
    }

    /// 8 kHz, 16 bits, mono.
    private func write(_ name: String, frames: Int, in folder: URL) throws {
        func word(_ number: Int) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8 & 255), UInt8(number >> 16), 0] }
        let octets = frames * 320
        let head = Array("RIFF".utf8) + word(36 + octets) + Array("WAVEfmt ".utf8) + word(16) + [1, 0, 1, 0]
        let rest = word(8_000) + word(16_000) + [2, 0, 16, 0] + Array("data".utf8) + word(octets)
        let file = folder.appending(path: "\(name).wav")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(head + rest + [UInt8](repeating: 7, count: octets)).write(to: file, options: .atomic)
    }

    private func load() { store.load([folders.shipped, folders.own]) }
    private func clip(_ name: String) -> PromptClip? { store.clip(name, language: "ru") }

    private func cleanUp() {
        for folder in [folders.shipped, folders.own] { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func `a file that is what it was is not read again, and one that changed is`() throws {
        defer { cleanUp() }
        try write("ru/welcome", frames: 5, in: folders.own)
        try write("music/default", frames: 9, in: folders.own)
        load()
        let first = try #require(clip("welcome"))
        let music = try #require(clip("music/default"))
        #expect(first.frames == 5)
        load()
        #expect(clip("welcome") == first && clip("music/default") == music && store.replaced == 0)
        try write("ru/welcome", frames: 6, in: folders.own)
        load()
        #expect(clip("welcome")?.frames == 6 && clip("music/default") == music)
    }

    @Test func `a file that is too long is told of by its beginning, however many octets it has`() throws {
        defer { cleanUp() }
        try write("music/long", frames: 5, in: folders.own)
        let file = folders.own.appending(path: "music/long.wav")
        // 64 GiB, with nothing in them: who reads them whole does not come back.
        let handle = try FileHandle(forUpdating: file)
        try handle.truncate(atOffset: 64 << 30)
        try handle.seek(toOffset: 40)
        try handle.write(contentsOf: Data([0xFF, 0xFF, 0xFF, 0xFF]))
        try handle.close()
        load()
        #expect(clip("music/long") == nil)
        #expect(try PromptHead.fault(of: file, isMusic: true)?.problem.contains("at most 3600 s") == true)
        // A picture before the sound is no fault.
        try write("ru/pictured", frames: 5, in: folders.own)
        let pictured = folders.own.appending(path: "ru/pictured.wav")
        var octets = try Data(contentsOf: pictured)
        octets.insert(contentsOf: Array("LIST".utf8) + [0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 0x2000), at: 12)
        try octets.write(to: pictured)
        #expect(try PromptHead.fault(of: pictured, isMusic: false) == nil)
    }

    @Test func `a clip that was replaced is kept while somebody plays it, and then freed`() throws {
        defer { cleanUp() }
        try write("ru/welcome", frames: 5, in: folders.own)
        load()
        var playing = clip("welcome")
        #expect(playing != nil)
        for frames in 6..<10 {
            try write("ru/welcome", frames: frames, in: folders.own)
            load()
        }
        #expect(store.replaced == 1, "nobody plays the others")
        #expect(playing?.frames == 5)
        playing = nil
        let deadline = Date(timeIntervalSinceNow: 20)
        while store.replaced > 0, Date() < deadline {
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(1))
        }
        #expect(store.replaced == 0)
    }

    @Test func `a prompt whose file is gone is gone, and the one that ships is heard again`() throws {
        defer { cleanUp() }
        try write("ru/welcome", frames: 2, in: folders.shipped)
        try write("ru/welcome", frames: 5, in: folders.own)
        try write("ru/goodbye", frames: 5, in: folders.own)
        load()
        #expect(clip("welcome")?.frames == 5 && clip("goodbye") != nil)
        try FileManager.default.removeItem(at: folders.own)
        load()
        #expect(clip("welcome")?.frames == 2 && clip("goodbye") == nil)
    }

    @Test func `half a file takes nothing away`() throws {
        defer { cleanUp() }
        try write("ru/welcome", frames: 2, in: folders.shipped)
        try write("ru/welcome", frames: 5, in: folders.own)
        load()
        try Data("RIFF".utf8).write(to: folders.own.appending(path: "ru/welcome.wav"))
        load()
        #expect(clip("welcome")?.frames == 5)
    }
}

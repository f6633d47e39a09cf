import CLinuxIO
import Dispatch
import Events
import Foundation
import Glibc
import Media
import Prompts
import Records
import Synchronization

/// Every prompt and piece of music, read before it is needed: a call never waits for a disk.
///
/// Looked for in `prompts/LANGUAGE/NAME.wav` beside the dial plans first, then in the set that ships with the product.
final class PromptStore: Sendable {
    private struct Entry: Sendable {
        var clip: PromptClip
        var file: Mark
    }

    private struct Shelf: Sendable {
        var entries: [String: Entry] = [:]
        /// Out of use, and still played to somebody. Held here, so that no media thread ever frees one.
        var replaced: [PromptClip] = []
        var isSweepDue = false
    }

    /// A file and the state that it was read in. Linux sets the time of the last change itself, whoever copies or restores the file.
    private struct Mark: Equatable, Sendable {
        var path: String
        private var state = linux_io_file_mark()

        static func == (a: Mark, b: Mark) -> Bool {
            a.path == b.path && a.state.device == b.state.device && a.state.inode == b.state.inode
                && a.state.size == b.state.size && a.state.seconds == b.state.seconds
                && a.state.nanoseconds == b.state.nanoseconds
        }

        init?(_ file: URL) {
            path = file.path
            guard linux_io_mark_file(path, &state) == 0 else { return nil }
        }

        /// Or nobody can say that it is not.
        var isThere: Bool {
            var now = linux_io_file_mark()
            return ![-ENOENT, -ENOTDIR].contains(linux_io_mark_file(path, &now))
        }
    }

    private let shelf = Mutex(Shelf())
    private let log: LogSink
    /// Between two looks at who still hears what was replaced.
    private let pause: DispatchTimeInterval

    init(log: LogSink, pause: DispatchTimeInterval = .seconds(60)) { (self.log, self.pause) = (log, pause) }

    /// `name` may hold folders (`music/default`), which are no language's.
    func clip(_ name: String, language: String) -> PromptClip? {
        let keys = Self.keys(of: name, in: language)
        return shelf.withLock { shelf in
            for key in keys { if let entry = shelf.entries[key] { return entry.clip } }
            return nil
        }
    }

    /// Where a prompt is looked for, below a folder and without the ending: the first that is there is heard.
    static func keys(of name: String, in language: String) -> [String] { ["\(language)/\(name)", name, "en/\(name)"] }

    /// Reads what is new below the folders, the later ones winning, and forgets what is there no more. Blocks: not for the core's loop.
    func load(_ folders: [URL]) {
        let entries = entries(below: folders)
        shelf.withLock { shelf in
            for (key, entry) in shelf.entries where entries[key]?.clip != entry.clip {
                shelf.replaced.append(entry.clip)
            }
            shelf.entries = entries
        }
        sweep()
    }

    /// The same on a thread of its own, for whoever must not be held up: long music takes its time.
    func loadBeside(_ folders: [URL]) async {
        await withCheckedContinuation { done in
            DispatchQueue.global(qos: .utility).async { [self] in
                load(folders)
                done.resume()
            }
        }
    }

    private func entries(below folders: [URL]) -> [String: Entry] {
        let before = shelf.withLock { $0.entries }
        var files = before.mapValues { _ in [URL]() }
        for folder in folders {
            for path in Self.files(below: folder) {
                files[String(path.dropLast(".wav".count)), default: []].append(folder.appending(path: path))
            }
        }
        // On all cores: the start waits for it.
        let wanted = Array(files)
        let entries = Mutex<[String: Entry]>([:])
        DispatchQueue.concurrentPerform(iterations: wanted.count) { place in
            let (key, files) = wanted[place]
            let entry = entry(key, of: files, before: before[key])
            entries.withLock { $0[key] = entry }
        }
        return entries.withLock { $0 }
    }

    /// What the last of the files that can be read holds; what is heard already where it is no other.
    private func entry(_ key: String, of files: [URL], before: Entry?) -> Entry? {
        // A folder that cannot be listed has not lost its files.
        if let before, !files.contains(where: { $0.path == before.file.path }), before.file.isThere {
            log.log(.error, "the prompt \(before.file.path) is heard as it was: its folder cannot be listed")
            return before
        }
        for file in files.reversed() {
            let mark = Mark(file)
            if let before, before.file == mark { return before }
            if let mark, let clip = read(file, key) { return Entry(clip: clip, file: mark) }
            // Half a recording is no reason to take away what callers hear.
            if let before, before.file.path == file.path { return before }
        }
        return nil
    }

    private func read(_ file: URL, _ key: String) -> PromptClip? {
        let isLoop = key.split(separator: "/").dropLast().last == "music"
        do {
            if let fault = try PromptHead.fault(of: file, isMusic: isLoop) { throw fault }
            let audio = try PromptFile.read(Array(try Data(contentsOf: file)), isLoop: isLoop)
            return PromptClip(alaw: audio.alaw, µlaw: audio.mulaw)
        } catch let fault as PromptFault {
            log.log(.error, "the prompt \(file.path) is left out: \(fault)")
        } catch {
            log.log(.error, "the prompt \(file.path) cannot be read: \(FileFault(reading: error))")
        }
        return nil
    }

    /// Frees what was replaced and nobody plays any more, and looks again later while there is more of it.
    private func sweep() {
        let (free, isDue) = shelf.withLock { shelf in
            var (free, held): ([PromptClip], [PromptClip]) = ([], [])
            while var clip = shelf.replaced.popLast() {
                if clip.isHeldOnlyHere() { free.append(clip) } else { held.append(clip) }
            }
            shelf.replaced = held
            defer { shelf.isSweepDue = !held.isEmpty }
            return (free, !held.isEmpty && !shelf.isSweepDue)
        }
        // Outside of the lock, which the core's loop takes: long music is many pages.
        if !free.isEmpty { log.log(.debug, "\(free.count) prompts that were replaced are freed") }
        guard isDue else { return }
        DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + pause) { [weak self] in
            self?.shelf.withLock { $0.isSweepDue = false }
            self?.sweep()
        }
    }

    /// Clips that are out of use and not freed yet.
    var replaced: Int { shelf.withLock { $0.replaced.count } }

    static func files(below folder: URL) -> [String] {
        guard let found = FileManager.default.enumerator(atPath: folder.path) else { return [] }
        return found.compactMap { $0 as? String }.filter { $0.lowercased().hasSuffix(".wav") }.sorted()
    }

    /// The set that ships with the product lies beside the executable.
    static var shipped: URL {
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return executable.deletingLastPathComponent()
            .appending(path: "gudok_Prompts.resources").appending(path: "Resources")
    }
}

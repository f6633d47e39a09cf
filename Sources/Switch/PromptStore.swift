import Events
import Foundation
import Media
import Prompts
import Synchronization

/// Every prompt and piece of music, read before it is needed: a call never waits for a disk.
///
/// Looked for in `prompts/LANGUAGE/NAME.wav` beside the dial plans first, then in the set that ships with the product.
final class PromptStore: Sendable {
    private let clips = Mutex<[String: PromptClip]>([:])
    private let log: LogSink

    init(log: LogSink) { self.log = log }

    /// `name` may hold folders (`music/default`), which are no language's.
    func clip(_ name: String, language: String) -> PromptClip? {
        let keys = Self.keys(of: name, in: language)
        return clips.withLock { clips in
            for key in keys { if let clip = clips[key] { return clip } }
            return nil
        }
    }

    /// Where a prompt is looked for, below a folder and without the ending: the first that is there is heard.
    static func keys(of name: String, in language: String) -> [String] { ["\(language)/\(name)", name, "en/\(name)"] }

    /// Reads what is new below the folders, the later ones winning. Blocks: not for the core's loop.
    func load(_ folders: [URL]) {
        for folder in folders {
            for path in Self.files(below: folder) {
                let key = String(path.dropLast(".wav".count))
                guard let data = try? Data(contentsOf: folder.appending(path: path)) else {
                    log.log(.error, "the prompt \(path) cannot be read: check its permissions")
                    continue
                }
                do {
                    let audio = try PromptFile.read(
                        Array(data),
                        isLoop: key.split(separator: "/").dropLast().last == "music"
                    )
                    let clip = PromptClip(alaw: audio.alaw, µlaw: audio.mulaw)
                    clips.withLock { $0[key] = clip }
                } catch {
                    log.log(.error, "the prompt \(folder.appending(path: path).path) is left out: \(error)")
                }
            }
        }
    }

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

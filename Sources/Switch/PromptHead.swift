import Foundation
import Prompts

/// The beginning of a prompt's file, which tells whether it can be played: a gigabyte that cannot is not to be read for it.
enum PromptHead {
    /// Why a file could not be played; nil: nothing is wrong with it. Throws when it cannot be read.
    static func fault(of file: URL, isMusic: Bool) throws -> PromptFault? {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        let octets = try Int(clamping: handle.seekToEnd())
        try handle.seek(toOffset: 0)
        var head = Array(try handle.read(upToCount: PromptFile.head) ?? Data())
        let fault = PromptFile.fault(head: head, octets: octets, isLoop: isMusic)
        // Chunks of pictures and texts may stand before the sound, or before its format.
        guard fault == .noSound || fault == .noFormat, head.count < octets, octets <= PromptFile.mostOctets else {
            return fault
        }
        head += try handle.readToEnd() ?? Data()
        return PromptFile.fault(head: head, octets: octets, isLoop: isMusic)
    }
}

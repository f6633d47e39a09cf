import Foundation
import GRDB

/// A database of the data folder that cannot be used: which file, why, and what to do.
public struct OpeningFault: Error, CustomStringConvertible {
    var place: URL
    var cause: any Error

    public var description: String { "\(what); \(mend)" }
    public var what: String { "\(place.path) \(words.what)" }
    public var mend: String { words.mend }

    private var words: (what: String, mend: String) {
        if let denied = cause as? POSIXError, [.EACCES, .EPERM].contains(denied.code) {
            return ("is not yours to read", "run this as the owner of the data folder")
        }
        if cause is DanglingLink {
            return ("is a link that leads nowhere", "mount the disk that it leads to, or put the file there")
        }
        if let fault = cause as? ReadOnly {
            return ("cannot be written: \(String(cString: strerror(fault.code)))", "make it the switch's own")
        }
        if cause is SchemaCheck.Later {
            return (
                "is of a later version of gudok",
                "start that one, or take the file from a backup of this one (gudok restore)"
            )
        }
        if cause is FileNumber.Changed {
            return ("was taken away or replaced while it was in use", "put it back, or restart the switch")
        }
        guard let fault = cause as? DatabaseError else {
            return ("cannot be made: \(FileFault(writing: cause).why)", "`data:` must name a folder that is yours")
        }
        let why = fault.message ?? "\(fault.resultCode)"
        return switch fault.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            ("is damaged: \(why)", "move it away, and take it from a backup (gudok restore)")
        case .SQLITE_FULL: ("cannot be written: \(why)", "make room on its disk")
        case .SQLITE_BUSY, .SQLITE_LOCKED: ("is held by another program: \(why)", "end that")
        case .SQLITE_ERROR:
            ("is no database of gudok's: \(why)", "move it away, and take the right one from a backup (gudok restore)")
        default: ("cannot be opened: \(why)", "the file and its folder must be yours to write")
        }
    }

    /// Whether a file is there to be read; throws when nobody can tell, or it may not be read.
    static func isThere(_ place: URL) throws -> Bool {
        guard access(place.path, R_OK) != 0 else { return true }
        let code = POSIXErrorCode(rawValue: errno) ?? .EIO
        guard [.ENOENT, .ENOTDIR].contains(code) else { throw OpeningFault(place: place, cause: POSIXError(code)) }
        // Nothing, or a link that leads to nothing.
        var first: CChar = 0
        guard readlink(place.path, &first, 1) >= 0 else { return false }
        throw OpeningFault(place: place, cause: DanglingLink())
    }

    private struct DanglingLink: Error {}
    private struct ReadOnly: Error { var code: Int32 }

    /// Where the file, or the folder that its journal is made in, may not be written by whoever asks; nil: it may, or is not there.
    static func ofWriting(_ place: URL) -> OpeningFault? {
        guard access(place.path, F_OK) == 0 else { return nil }
        for path in [place.path, place.deletingLastPathComponent().path] where access(path, W_OK) != 0 {
            return OpeningFault(place: URL(fileURLWithPath: path), cause: ReadOnly(code: errno))
        }
        return nil
    }

    /// What `body` does to open the file at `place`; its fault names the file.
    static func guarding<T>(_ place: URL, _ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw OpeningFault(place: place, cause: error) }
    }

    /// The same of what is done to one that is open; a fault that is not the database's stays what it is.
    static func naming<T>(_ place: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch let fault as DatabaseError {
            throw OpeningFault(place: URL(fileURLWithPath: place), cause: fault)
        }
    }
}

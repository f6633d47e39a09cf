import Foundation

/// What the system has against reading or writing a file, in words that lead on: Foundation's own name no way out.
public struct FileFault: Error, CustomStringConvertible, Sendable {
    public var why: String
    public var mend: String
    public var description: String { "\(why); \(mend)" }

    /// Of an error that Foundation threw while it wrote a file.
    public init(writing error: any Error) {
        switch Self.code(of: error) {
        case ENOENT?, ENOTDIR?: (why, mend) = ("there is no such folder", "make it, or name another")
        case EACCES?, EPERM?:
            (why, mend) = ("that is not yours to write", "name another place, or run this as its owner")
        case EISDIR?: (why, mend) = ("that is a folder", "name a file in it")
        case EEXIST?: (why, mend) = ("something else is there", "move it away, or name another place")
        case ENOSPC?, EDQUOT?: (why, mend) = ("the disk is full", "make room, or name a place on another")
        case EROFS?: (why, mend) = ("that disk can only be read", "name a place on another")
        case let code: (why, mend) = (Self.words(code, error), "name another place")
        }
    }

    /// Of an error that Foundation threw while it read a file or listed a folder.
    public init(reading error: any Error) {
        switch Self.code(of: error) {
        case ENOENT?, ENOTDIR?: (why, mend) = ("there is no such file", "name one that is there")
        case EACCES?, EPERM?:
            (why, mend) = ("it is not yours to read", "run this as its owner, or have him let you read it")
        case let code: (why, mend) = (Self.words(code, error), "look at what it is, and at its disk")
        }
    }

    private static func words(_ code: Int32?, _ error: any Error) -> String {
        code.map { String(cString: strerror($0)) } ?? error.localizedDescription
    }

    /// The system's number: it is below Foundation's error, or told by that one's code.
    private static func code(of error: any Error) -> Int32? {
        if let error = error as? POSIXError { return error.code.rawValue }
        let whole = error as NSError
        if whole.domain == NSPOSIXErrorDomain { return Int32(truncatingIfNeeded: whole.code) }
        if let cause = whole.userInfo[NSUnderlyingErrorKey] as? any Error, let code = code(of: cause) { return code }
        return switch (error as? CocoaError)?.code {
        case .fileNoSuchFile?, .fileReadNoSuchFile?: ENOENT
        case .fileReadNoPermission?, .fileWriteNoPermission?: EACCES
        case .fileWriteOutOfSpace?: ENOSPC
        case .fileWriteVolumeReadOnly?: EROFS
        default: nil
        }
    }
}

extension Error {
    /// What it says, to people: what Foundation throws is a structure of its own, and is put in the system's words.
    public var inWords: String {
        guard self is CocoaError || self is POSIXError || type(of: self) is NSError.Type else { return "\(self)" }
        let whole = self as NSError
        let isOfReading = self is CocoaError && 256..<512 ~= whole.code
        let fault = isOfReading ? FileFault(reading: self) : FileFault(writing: self)
        let path = whole.userInfo[NSFilePathErrorKey] as? String
        return path.map { "\($0): \(fault)" } ?? "\(fault)"
    }
}

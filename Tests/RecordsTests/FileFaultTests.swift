import Foundation
import Records
import Testing

@Suite("What is wrong with a file, in words that lead on")
struct FileFaultTests {
    private let folder = FileManager.default.temporaryDirectory.path

    @Test func `a folder that is not there, and one that is no file`() {
        let cases = [
            ("\(folder)/no-such-folder/x", "there is no such folder; make it, or name another"),
            ("/dev/null/x", "there is no such folder; make it, or name another"),
            (folder, "that is a folder; name a file in it"),
        ]
        for (path, words) in cases {
            let error = #expect(throws: (any Error).self) { try Data("x".utf8).write(to: URL(fileURLWithPath: path)) }
            #expect(error.map { FileFault(writing: $0).description } == words, "\(path): \(error as (any Error)?)")
        }
    }

    @Test func `rights, room and what nobody expected`() {
        #expect(FileFault(reading: CocoaError(.fileReadNoPermission)).why == "it is not yours to read")
        #expect(FileFault(reading: POSIXError(.EACCES)).why == "it is not yours to read")
        #expect(FileFault(reading: POSIXError(.EIO)).why == "Input/output error")
        #expect(FileFault(writing: POSIXError(.EACCES)).mend == "name another place, or run this as its owner")
        #expect(FileFault(writing: CocoaError(.fileWriteOutOfSpace)).why == "the disk is full")
        let wrapped = CocoaError(.fileWriteUnknown, userInfo: [NSUnderlyingErrorKey: POSIXError(.EROFS)])
        #expect(FileFault(writing: wrapped).why == "that disk can only be read")
    }

    @Test func `what Foundation throws names its file in the system's words, and what is ours stays as it is`() throws {
        struct Own: Error, CustomStringConvertible { let description = "the moon is in the way" }
        #expect(Own().inWords == "the moon is in the way")
        let path = "/dev/null/x"
        let made = #expect(throws: (any Error).self) {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        #expect(made.map(\.inWords) == "\(path): there is no such folder; make it, or name another")
        let read = #expect(throws: (any Error).self) { try Data(contentsOf: URL(fileURLWithPath: path)) }
        #expect(read.map(\.inWords) == "\(path): there is no such file; name one that is there")
        #expect(POSIXError(.ENOSPC).inWords == "the disk is full; make room, or name a place on another")
    }
}

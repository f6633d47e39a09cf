import Foundation
import Statistics

/// What a command has to say. A pipe whose reader has gone and a full disk are faults of the command, not its crash.
enum Output {
    static func write(_ text: String) throws(Failure) { try write(Data(text.utf8)) }

    /// For people: what a peer put into a line must not move the cursor.
    static func write(lines: [String]) throws(Failure) { try write(lines.map { $0.printable + "\n" }.joined()) }

    static func write(_ data: Data) throws(Failure) {
        // What was printed before comes before.
        try finish()
        do { try FileHandle.standardOutput.write(contentsOf: data) } catch { throw fault(error.localizedDescription) }
    }

    /// What was printed is to arrive too: a listing that was cut off must not end as one that is whole.
    static func finish() throws(Failure) {
        guard fflush(nil) != 0 else { return }
        throw fault(String(cString: strerror(errno)))
    }

    /// Nobody may be listening, and then there is nobody to tell.
    static func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8)) }

    private static func fault(_ why: String) -> Failure {
        Failure("standard output cannot be written: \(why); make room, or write elsewhere")
    }
}

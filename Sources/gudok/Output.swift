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
        let code = data.withUnsafeBytes { octets -> Int32 in
            var rest = octets[...]
            while !rest.isEmpty {
                let count = Foundation.write(
                    STDOUT_FILENO,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count
                )
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var room = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    poll(&room, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
        guard code == 0 else { throw fault(code) }
    }

    /// What was printed is to arrive too: a listing that was cut off must not end as one that is whole.
    static func finish() throws(Failure) {
        guard fflush(nil) != 0 else { return }
        throw fault(errno)
    }

    /// Nobody may be listening, and then there is nobody to tell.
    static func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8)) }

    private static func fault(_ code: Int32) -> Failure {
        let why = String(cString: strerror(code))
        var fault = Failure("standard output cannot be written: \(why); make room, or write elsewhere")
        fault.isReaderGone = code == EPIPE
        return fault
    }
}

import Glibc
import NIOCore

extension Error {
    /// Why a stream failed: the system's words, without where in the library that came out.
    var inWords: String {
        switch self {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as ChannelError:
            switch error {
            case .connectTimeout: "no answer"
            case .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed, .eof: "the stream is closed"
            default: "\(error)"
            }
        default: "\(self)"
        }
    }
}

import Glibc
import Hummingbird
import NIOCore

/// What a request brings along of the connection it came over: who is at its other end.
struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// `struct ucred` of unix(7).
    private struct Credentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    var peer: ControlRequest.Peer {
        get async {
            if let address = channel.remoteAddress, let ip = address.ipAddress, let port = address.port {
                return .address(ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)")
            }
            guard let socket = channel as? any SocketOptionProvider else { return .process(userID: nil) }
            let asked: EventLoopFuture<Credentials> = socket.unsafeGetSocketOption(
                level: .socket,
                name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
            )
            // A kernel that does not tell leaves the user unknown, and the audit log says so.
            return .process(userID: try? await asked.get().user)
        }
    }
}

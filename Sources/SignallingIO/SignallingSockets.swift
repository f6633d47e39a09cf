import CLinuxIO
import Glibc
import Listening
public import NIOCore
import NIOPosix
public import NetAddress
import SIPMessage

/// The UDP and TCP sockets of the signalling (RFC 3261 §18), all on one event loop: no task, hop or lock per message.
///
/// Every method is called on that loop, and every call to the receiver is made there.
public final class SignallingSockets {
    let loop: any EventLoop
    weak var receiver: (any SignallingReceiver)?
    let limits: SignallingLimits
    public internal(set) var counters = SignallingCounters()
    private(set) var datagramListeners: [NetAddress.SocketAddress: DatagramListener] = [:]
    private var streamListeners: [any Channel] = []
    /// What they are or were bound to: connections of our own begin there too, as peers know us by it.
    private var streamAddresses: Set<IPAddress> = []
    /// What is heard by ICMP, for each family that datagrams are listened to in.
    private var returnChannels: [Bool: any Channel] = [:]
    private var connections: [UInt64: StreamConnection] = [:]
    private var byRemote: [NetAddress.SocketAddress: UInt64] = [:]
    private var countByAddress: [IPAddress: Int] = [:]
    private var serial: UInt64 = 0
    private var isClosing = false
    /// Those that ended of themselves and are not open again yet.
    public private(set) var closedListeners: [(transport: Transport, address: NetAddress.SocketAddress)] = []
    /// Datagrams wait for room, and when they are tried again is settled.
    private var isRetrying = false
    /// Streams with octets that wait for `flush`.
    private var unflushed: [any Channel] = []

    public init(loop: any EventLoop, receiver: any SignallingReceiver, limits: SignallingLimits = SignallingLimits()) {
        (self.loop, self.receiver, self.limits) = (loop, receiver, limits)
    }

    // MARK: listening

    /// Binds; port 0 takes a free one.
    ///
    /// - Returns: the address that was bound.
    public func listen(
        _ transport: Transport,
        on address: NetAddress.SocketAddress
    ) -> EventLoopFuture<NetAddress.SocketAddress> {
        loop.assertInEventLoop()
        switch transport {
        case .udp: return listenForDatagrams(on: address)
        case .tcp: return listenForStreams(on: address)
        case .tls, .ws, .wss: return loop.makeFailedFuture(SignallingFault.unsupported(transport))
        }
    }

    private func listenForDatagrams(
        on address: NetAddress.SocketAddress
    ) -> EventLoopFuture<NetAddress.SocketAddress> {
        let descriptor = linux_io_udp_open(linux_io_address(address), address.ip.isV6 ? 1 : 0, Int32(Self.mark))
        let copy = descriptor < 0 ? descriptor : linux_io_copy(descriptor)
        guard copy >= 0 else {
            if descriptor >= 0 { linux_io_close(descriptor) }
            return loop.makeFailedFuture(IOError(errnoCode: -copy, reason: "bind"))
        }
        let local = NetAddress.SocketAddress(address.ip, linux_io_port(descriptor))
        let bound = NIOLoopBound(self, eventLoop: loop)
        return DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 65_536))
            .channelOption(.datagramVectorReadMessageCount, value: 16)
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelOption(.socketOption(.so_sndbuf), value: 4 << 20)
            // One system call for each waking; what is left wakes at once.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramHandler(bound.value, local: local))
                }
            }
            .withBoundSocket(descriptor)
            .flatMap { channel in
                // Which of the machine's addresses was asked is known of a listener that is bound to one.
                guard local.ip.isUnspecified else { return channel.eventLoop.makeSucceededFuture(channel) }
                return channel.setOption(.receivePacketInfo, value: true).map { channel }
            }
            .map { channel in
                let sockets = bound.value
                sockets.datagramListeners[local] = DatagramListener(descriptor: copy, local: local, channel: channel)
                sockets.watch(channel, .udp, local)
                return local
            }
            .flatMapErrorThrowing { error in
                linux_io_close(copy)
                throw error
            }
            .flatMap { local in bound.value.hearReturns(at: local).map { local } }
    }

    /// Hears by ICMP which datagrams arrive nowhere, where the process may (CAP_NET_RAW).
    ///
    /// Not by IP_RECVERR of the listener's socket: NIO takes most such errors for the end of the channel, and when nothing is left to be
    /// read then, for a fault of its own that ends the process.
    private func hearReturns(at local: NetAddress.SocketAddress) -> EventLoopFuture<Void> {
        guard returnChannels[local.ip.isV6] == nil else { return loop.makeSucceededVoidFuture() }
        // Without it a datagram is merely waited for in vain.
        return hearReturns(isV6: local.ip.isV6).recover { _ in }
    }

    private func hearReturns(isV6: Bool) -> EventLoopFuture<Void> {
        let descriptor = linux_io_icmp_open(isV6 ? 1 : 0)
        guard descriptor >= 0 else { return loop.makeFailedFuture(IOError(errnoCode: -descriptor, reason: "socket")) }
        let bound = NIOLoopBound(self, eventLoop: loop)
        return DatagramBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ReturnHandler(bound.value, isV6: isV6))
                }
            }
            .withBoundSocket(descriptor)
            .map { channel in bound.value.returnChannels[isV6] = channel }
    }

    /// Whether it is heard of all listeners by ICMP what arrives nowhere.
    public var hearsReturns: Bool {
        datagramListeners.keys.allSatisfy { returnChannels[$0.ip.isV6] != nil }
    }

    /// Whoever waits for an answer to what came back is told that nobody has it.
    func take(_ returned: ReturnedDatagram) {
        let (port, ip) = (returned.localPort, returned.destination.ip)
        guard let listener = datagramListeners.values.first(where: { $0.local.port == port && $0.reaches(ip) }) else {
            return
        }
        let flow = Flow(transport: .udp, local: listener.local, remote: returned.destination)
        receiver?.returned(returned.quote, over: flow, why: returned.why)
    }

    /// A listener that ends of itself leaves every phone without a switch: it is opened anew.
    private func watch(_ channel: any Channel, _ transport: Transport, _ local: NetAddress.SocketAddress) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        channel.closeFuture.whenComplete { _ in
            let sockets = bound.value
            guard !sockets.isClosing else { return }
            if transport == .udp { sockets.datagramListeners[local] = nil }
            sockets.streamListeners.removeAll { $0 === channel }
            sockets.closedListeners.append((transport, local))
            sockets.receiver?.listenerEnded(transport, local)
            sockets.reopen(transport, local)
        }
    }

    private func reopen(_ transport: Transport, _ local: NetAddress.SocketAddress) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        guard !isClosing else { return }
        listen(transport, on: local).whenComplete { result in
            let sockets = bound.value
            switch result {
            case .success:
                sockets.closedListeners.removeAll { $0 == (transport, local) }
                sockets.receiver?.listenerIsBack(transport, local)
            case .failure:
                sockets.loop.scheduleTask(in: .seconds(1)) { bound.value.reopen(transport, local) }
            }
        }
    }

    private func listenForStreams(on address: NetAddress.SocketAddress) -> EventLoopFuture<NetAddress.SocketAddress> {
        guard let place = NIOCore.SocketAddress(address) else {
            return loop.makeFailedFuture(SignallingFault.unusable(address))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .only(isV6: address.ip.isV6)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in bound.value.adopt(channel) }
            .bind(to: place)
            .flatMapThrowing { channel in
                guard let local = NetAddress.SocketAddress(channel.localAddress) else {
                    throw SignallingFault.unusable(address)
                }
                bound.value.streamListeners.append(channel)
                bound.value.streamAddresses.insert(local.ip)
                bound.value.watch(channel, .tcp, local)
                return local
            }
    }

    /// DSCP CS3 (RFC 4594 §3.1: call signalling).
    private static let mark = 0x60

    /// A kernel that refuses costs only the mark.
    private static func mark(_ channel: any Channel, isV6: Bool) {
        let option = ChannelOptions.Types.SocketOption(
            level: isV6 ? .ipv6 : .ip,
            name: NIOBSDSocket.Option(rawValue: isV6 ? 67 : 1)
        )
        channel.setOption(option, value: Self.mark).whenFailure { _ in }
    }

    /// Has the kernel ask a silent peer whether it is there: after two minutes, then every 30 s, four times. Most NATs keep a mapping for
    /// that, and a peer that is gone is noticed though nothing is sent to it.
    private static func keepAlive(_ channel: any Channel) {
        let options: [(Int32, SocketOptionValue)] = [(TCP_KEEPIDLE, 120), (TCP_KEEPINTVL, 30), (TCP_KEEPCNT, 4)]
        for (name, value) in options {
            let option = ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: name))
            channel.setOption(option, value: value).whenFailure { _ in }
        }
    }

    // MARK: sending

    /// Hands the kernel what was written to streams since the last call. May call the receiver: a channel whose peer has gone first reads
    /// what that peer still said.
    public func flush() {
        guard !unflushed.isEmpty else { return }
        let channels = unflushed
        unflushed.removeAll(keepingCapacity: true)
        var last: (any Channel)?
        for channel in channels where channel !== last {
            channel.flush()
            last = channel
        }
    }

    /// Sends over the flow's listener or connection; a stream that does not exist yet is opened. What goes to a stream waits for `flush`.
    /// Never calls the receiver: what becomes of it is told in a later turn of the loop.
    public func send(_ bytes: [UInt8], over flow: Flow) {
        loop.assertInEventLoop()
        if flow.transport == .udp { return sendDatagram(bytes, over: flow) }
        guard flow.transport == .tcp else {
            return fail(flow, why: "\(flow.transport.rawValue) is not built yet")
        }
        let known = connections[flow.connection] ?? byRemote[flow.returnAddress].flatMap { connections[$0] }
        (known ?? connect(flow)).write(bytes)
    }

    private func sendDatagram(_ bytes: [UInt8], over flow: Flow) {
        guard let listener = listener(for: flow) else {
            return fail(flow, why: "no UDP listener of this address family")
        }
        took(flow, listener.send(bytes, over: flow))
        if !listener.waiting.isEmpty { retrySoon() }
    }

    /// The listener of the flow's own address, else one that has its port, else any that gets there.
    private func listener(for flow: Flow) -> DatagramListener? {
        if let listener = datagramListeners[flow.local] { return listener }
        let (port, ip) = (flow.local.port, flow.remote.ip)
        return datagramListeners.values.first { $0.local.port == port && $0.reaches(ip) }
            ?? datagramListeners.values.first { $0.reaches(ip) }
    }

    private func took(_ flow: Flow, _ outcome: DatagramListener.Outcome) {
        switch outcome {
        case .sent: counters.datagramsSent &+= 1
        case .full: break
        case .refused(let why): fail(flow, why: why)
        }
    }

    private func retrySoon() {
        guard !isRetrying else { return }
        isRetrying = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(2)) {
            let sockets = bound.value
            sockets.isRetrying = false
            for listener in sockets.datagramListeners.values {
                listener.retry { sockets.took($0, $1) }
                if !listener.waiting.isEmpty { sockets.retrySoon() }
            }
        }
    }

    /// Octets were written to the channel of a stream.
    func willFlush(_ channel: any Channel) { unflushed.append(channel) }

    /// For whoever writes where no turn ends with `flush`.
    func flushSoon() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.flush() }
    }

    func fail(_ flow: Flow, why: String) {
        counters.sendFailures &+= 1
        tell { $0.transportFailed(flow, why: why) }
    }

    /// In a turn of its own: whoever sends is in the middle of a decision, and would decide the same once more.
    func tell(_ news: @escaping @Sendable (any SignallingReceiver) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { if let receiver = bound.value.receiver { news(receiver) } }
    }

    /// Opens a stream; what is written meanwhile waits for it.
    private func connect(_ flow: Flow) -> StreamConnection {
        let remote = flow.returnAddress
        serial &+= 1
        let wanted = Flow(transport: .tcp, local: flow.local, remote: remote, connection: serial)
        let connection = StreamConnection(flow: wanted, asked: flow, sockets: self)
        connections[serial] = connection
        counters.connections = connections.count
        byRemote[remote] = serial
        guard let place = NIOCore.SocketAddress(remote) else {
            connection.fail("the address is unusable")
            return connection
        }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        begin(at: flow.local.ip)
            .connectTimeout(.seconds(flow.isTrial ? limits.trialSeconds : limits.connectSeconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamHandler(bound.value))
                }
            }
            .connect(to: place)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    Self.mark(channel, isV6: remote.ip.isV6)
                    Self.keepAlive(channel)
                    bound.value.connected(channel)
                case .failure(let error): bound.value.fail(error.inWords)
                }
            }
        return connection
    }

    /// Where a listener has an address of its own, from there: a peer's firewall or list of sources knows no other.
    private func begin(at ip: IPAddress) -> ClientBootstrap {
        let bootstrap = ClientBootstrap(group: loop)
        guard streamAddresses.contains(ip), !ip.isUnspecified,
            let place = NIOCore.SocketAddress(NetAddress.SocketAddress(ip, 0))
        else { return bootstrap }
        return bootstrap.bind(to: place)
    }

    /// A stream that a peer opened.
    private func adopt(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let local = NetAddress.SocketAddress(channel.localAddress),
            let remote = NetAddress.SocketAddress(channel.remoteAddress), !isClosing
        else { return channel.close() }
        if let bound = exhausted(by: remote.ip, channel) {
            counters.connectionsRefused &+= 1
            tell { $0.connectionCut(remote, bound) }
            return channel.close()
        }
        serial &+= 1
        let flow = Flow(transport: .tcp, local: local, remote: remote, connection: serial)
        let connection = StreamConnection(flow: flow, asked: flow, sockets: self)
        connections[serial] = connection
        byRemote[remote] = serial
        countByAddress[remote.ip, default: 0] += 1
        connection.countsFor = remote.ip
        counters.connections = connections.count
        Self.mark(channel, isV6: remote.ip.isV6)
        Self.keepAlive(channel)
        connection.connected(channel)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(StreamHandler(connection))
        }
    }

    /// The bound that one more connection of this address would break.
    private func exhausted(by ip: IPAddress, _ channel: any Channel) -> ConnectionBound? {
        if countByAddress[ip, default: 0] >= limits.connectionsOfOneAddress {
            return .ofOneAddress(limits.connectionsOfOneAddress)
        }
        guard connections.count < limits.connections else { return .ofAll(limits.connections) }
        return SpareDescriptors.has(channel, ofTheLast: SpareDescriptors.count) ? .ofDescriptors : nil
    }

    func remove(_ connection: StreamConnection) {
        guard connections.removeValue(forKey: connection.flow.connection) != nil else { return }
        if byRemote[connection.flow.remote] == connection.flow.connection { byRemote[connection.flow.remote] = nil }
        if let ip = connection.countsFor {
            let count = countByAddress[ip, default: 1] - 1
            countByAddress[ip] = count > 0 ? count : nil
        }
        counters.connections = connections.count
    }

    /// Closes every socket.
    public func close() -> EventLoopFuture<Void> {
        loop.assertInEventLoop()
        isClosing = true
        let channels = datagramListeners.values.map(\.channel) + streamListeners + Array(returnChannels.values)
        for connection in connections.values { connection.close() }
        datagramListeners = [:]
        streamListeners = []
        returnChannels = [:]
        return EventLoopFuture.andAllComplete(channels.map { $0.close() }, on: loop)
    }
}

extension ServerBootstrap {
    /// An IPv6 listener leaves IPv4 to another one of the same port.
    fileprivate func only(isV6: Bool) -> ServerBootstrap {
        guard isV6 else { return self }
        let name = NIOBSDSocket.Option(rawValue: IPV6_V6ONLY)
        return serverChannelOption(ChannelOptions.Types.SocketOption(level: .ipv6, name: name), value: 1)
    }
}

public enum SignallingFault: Error, CustomStringConvertible, Equatable {
    case unsupported(Transport)
    case unusable(NetAddress.SocketAddress)

    public var description: String {
        switch self {
        case .unsupported(let transport): "the transport \(transport.rawValue) is not built yet; use udp or tcp"
        case .unusable(let address): "\(address) is no address to listen on"
        }
    }
}

import NIOCore
import NetAddress
import SIPMessage

/// One TCP connection: what it cut out of the stream, what waits to be sent, and when it was last used.
final class StreamConnection {
    let flow: Flow
    /// The flow that whoever had it opened knows it by.
    private let asked: Flow
    private unowned let sockets: SignallingSockets
    private var channel: (any Channel)?
    private var waiting: [[UInt8]] = []
    private var unsent = 0
    private var framer = StreamFramer()
    private var isOver = false
    private var idle: Scheduled<Void>?
    private var lastUsed: NIODeadline = .now()
    /// Keep-alives since then, for a second.
    private var pings = (count: 0, since: NIODeadline.now())
    var countsFor: IPAddress?

    init(flow: Flow, asked: Flow, sockets: SignallingSockets) {
        (self.flow, self.asked, self.sockets) = (flow, asked, sockets)
    }

    func connected(_ channel: any Channel) {
        // It failed while it was being opened, and nobody knows it any more.
        guard !isOver else { return channel.close(promise: nil) }
        self.channel = channel
        watch(since: lastUsed)
        let ready = waiting
        waiting = []
        unsent = 0
        for bytes in ready { write(bytes) }
        sockets.flushSoon()
    }

    func write(_ bytes: [UInt8]) {
        guard !isOver else { return }
        guard unsent + bytes.count <= sockets.limits.unsentOctets else { return fail("the peer does not read") }
        unsent += bytes.count
        guard let channel else { return waiting.append(bytes) }
        lastUsed = .now()
        let count = bytes.count
        let bound = NIOLoopBound(self, eventLoop: sockets.loop)
        sockets.willFlush(channel)
        channel.write(channel.allocator.buffer(bytes: bytes)).whenComplete { result in
            bound.value.unsent -= count
            if case .failure(let error) = result { bound.value.fail(error.inWords) }
        }
    }

    func received(_ bytes: [UInt8]) {
        lastUsed = .now()
        framer.append(bytes)
        var pinged = 0
        while !isOver, let next = framer.next() {
            switch next {
            case .message(let outcome): sockets.receiver?.received(outcome, bytes: Self.octets(of: outcome), over: flow)
            case .ping: pinged += 1
            case .failed:
                sockets.counters.brokenStreams &+= 1
                close()
            }
        }
        // RFC 5626 §4.4.1: the answer to a keep-alive. To thousands that come together one says as much.
        guard pinged > 0, !isOver else { return }
        guard mayPing(pinged) else {
            sockets.counters.brokenStreams &+= 1
            let (remote, bound) = (flow.remote, ConnectionBound.ofKeepAlives(sockets.limits.keepAlives))
            sockets.tell { $0.connectionCut(remote, bound) }
            return close()
        }
        write([13, 10])
        sockets.flushSoon()
    }

    private func mayPing(_ count: Int) -> Bool {
        if lastUsed - pings.since >= .seconds(1) { pings = (0, lastUsed) }
        pings.count += count
        return pings.count <= sockets.limits.keepAlives
    }

    /// The message as the trace shows it; the framer keeps no copy.
    private static func octets(of outcome: ParseOutcome) -> [UInt8] {
        if case .message(let message) = outcome { message.write() } else { [] }
    }

    /// The connection cannot be used: whoever waits for it is told.
    func fail(_ why: String) {
        guard !isOver else { return }
        over()
        sockets.fail(asked, why: why)
    }

    func close() {
        channel?.close(promise: nil)
        if channel == nil { over() }
    }

    func closed() { over() }

    private func over() {
        guard !isOver else { return }
        isOver = true
        idle?.cancel()
        waiting = []
        sockets.remove(self)
        channel?.close(promise: nil)
        let flow = flow
        sockets.tell { $0.connectionClosed(flow) }
    }

    /// Ends the connection when nothing went over it for long and nobody is to be reached by it; looked at rarely, not timed by each message.
    private func watch(since moment: NIODeadline) {
        let patience = sockets.limits.idle
        let bound = NIOLoopBound(self, eventLoop: sockets.loop)
        idle = sockets.loop.scheduleTask(deadline: moment + patience) {
            let connection = bound.value
            guard !connection.isOver else { return }
            let now = NIODeadline.now()
            guard now - connection.lastUsed >= patience else { return connection.watch(since: connection.lastUsed) }
            connection.isNeeded ? connection.watch(since: now) : connection.close()
        }
    }

    private var isNeeded: Bool { sockets.receiver?.needs(flow) ?? false }
}

/// Carries a stream's octets to its connection.
final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: StreamConnection

    init(_ connection: StreamConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.received(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) { connection.closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

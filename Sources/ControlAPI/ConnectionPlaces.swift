import HummingbirdCore
import Listening
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Who is connected to one listener. Those who follow the events have places of their own; of the others one too many takes the place of the
/// one that has had nothing to do for longest. So whoever asks how the switch does is always answered.
final class ConnectionPlaces: Sendable {
    private enum Use {
        /// For a request, or for its answer to be read.
        case waiting
        case asking
        case following
    }

    private struct Place {
        let channel: any Channel
        var use = Use.waiting
        /// When that began, in the order of all such moments.
        var since: UInt64
    }

    private struct State {
        var places: [ObjectIdentifier: Place] = [:]
        var moment: UInt64 = 0

        mutating func put(_ channel: any Channel, _ use: Use) {
            moment += 1
            places[ObjectIdentifier(channel)] = Place(channel: channel, use: use, since: moment)
        }

        func count(following: Bool) -> Int { places.values.count { ($0.use == .following) == following } }

        var leastNeeded: (any Channel)? {
            places.values.filter { $0.use != .following }
                .min { ($0.use == .asking ? 1 : 0, $0.since) < ($1.use == .asking ? 1 : 0, $1.since) }?.channel
        }
    }

    /// Of either kind.
    let most: Int
    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    func enter(_ channel: any Channel) {
        let surplus = state.withLock { state -> (any Channel)? in
            let surplus = state.count(following: false) >= most ? state.leastNeeded : nil
            if let surplus { state.places[ObjectIdentifier(surplus)] = nil }
            state.put(channel, .waiting)
            return surplus
        }
        surplus?.close(promise: nil)
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.places[ObjectIdentifier(channel)] = nil }
        }
    }

    /// Does what a request asks for.
    func asking<T>(_ channel: any Channel, _ body: () async throws -> T) async rethrows -> T {
        change(channel, to: .asking, from: [.waiting, .following])
        defer { change(channel, to: .waiting, from: [.asking]) }
        return try await body()
    }

    /// False: so many follow already.
    func follow(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard state.count(following: true) < most, state.places[ObjectIdentifier(channel)] != nil else {
                return false
            }
            state.put(channel, .following)
            return true
        }
    }

    /// Nothing where it is gone already.
    private func change(_ channel: any Channel, to use: Use, from uses: [Use]) {
        state.withLock { state in
            guard let place = state.places[ObjectIdentifier(channel)], uses.contains(place.use) else { return }
            state.put(channel, use)
        }
    }
}

/// Connections that have a place.
struct PlacedChannel: ServerChildChannel {
    private struct NoDescriptor: Error {}

    let inner: HostMarkingChannel
    let places: ConnectionPlaces
    /// Descriptors at the end of what the process may have, which it leaves to others.
    let spare: Int32

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        guard !SpareDescriptors.has(channel, ofTheLast: spare) else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(NoDescriptor())
        }
        places.enter(channel)
        return inner.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await inner.handle(value: value, logger: logger) }
}

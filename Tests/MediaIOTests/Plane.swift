import CAllocations
import Foundation
import Media
import MediaIO
import NetAddress
import Synchronization
import Testing

/// Media threads of a test and what they tell.
final class Plane: Sendable {
    private struct Told {
        var events: [MediaEvent] = []
        var allocations: UInt64 = 0
    }

    let threads: MediaThreads
    private let news: News

    /// Events wait here for a test, which waits for them.
    private final class News: Sendable {
        let told = Mutex(Told())
        let bell = DispatchSemaphore(value: 0)
    }

    init(
        threads count: Int = 1,
        addresses: OwnAddresses = OwnAddresses(.v4(0x7F00_0001)),
        ports: ClosedRange<UInt16> = FreePorts.range(20),
        isBatching: Bool = false
    ) throws {
        let news = News()
        self.news = news
        threads = try MediaThreads(
            threads: count,
            addresses: addresses,
            ports: ports,
            isBatching: isBatching
        ) { events in
            news.told.withLock {
                $0.events += events
                $0.allocations = allocations_of_this_thread()
            }
            news.bell.signal()
        }
    }

    var events: [MediaEvent] { news.told.withLock { $0.events } }

    /// The first event that a test looks for, within 5 s.
    func event<Found>(_ find: (MediaEvent) -> Found?) throws -> Found {
        let deadline = DispatchTime.now() + 5
        while true {
            if let found = events.lazy.compactMap(find).first { return found }
            try #require(news.bell.wait(timeout: deadline) == .success, "the event never came")
        }
    }

    /// Returns when everything commanded before has taken effect; what the thread had allocated by then.
    @discardableResult
    func settle(near: MediaPort) throws -> UInt64 {
        let mark = try threads.open(near: near.id, isV6: false)
        threads.perform(.close(mark.id))
        _ = try event { if case .closed(mark.id, _) = $0 { true } else { nil } }
        return news.told.withLock { $0.allocations }
    }

    /// `hasReports`: reports go to the port of the phone's voice.
    func open(
        towards phone: Phone,
        near: MediaPort? = nil,
        number keys: UInt8 = 101,
        hasReports: Bool = false
    ) throws -> MediaPort {
        let port = try threads.open(near: near?.id, isV6: false)
        describe(port, as: phone.port, number: keys, hasReports: hasReports)
        return port
    }

    /// Where the port's peer receives.
    func describe(_ port: MediaPort, as remote: UInt16, number keys: UInt8 = 101, hasReports: Bool = false) {
        let formats = [
            MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000),
            MediaFormat(number: keys, encoding: "TELEPHONE-EVENT", clockRate: 8_000),
        ]
        threads.perform(
            .configure(
                port.id,
                MediaParameters(
                    remoteRTP: SocketAddress(.v4(0x7F00_0001), remote),
                    remoteRTCP: hasReports ? SocketAddress(.v4(0x7F00_0001), remote) : nil,
                    receiveFormats: formats,
                    sendFormats: formats
                )
            )
        )
    }
}

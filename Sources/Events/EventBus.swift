public import Timebase

/// An event with its place in the stream.
public struct EventEnvelope: Codable, Equatable, Sendable {
    /// The version of the event vocabulary.
    public static let currentVersion = 1

    public var version: Int
    /// Counts up by one from 1 on each start of the node.
    public var sequence: UInt64
    public var node: String
    public var at: Moment
    public var tenant: TenantID?
    public var call: CallID?
    public var event: Event

    public init(
        version: Int = EventEnvelope.currentVersion,
        sequence: UInt64,
        node: String,
        at: Moment,
        tenant: TenantID?,
        call: CallID?,
        event: Event
    ) {
        (self.version, self.sequence, self.node, self.at) = (version, sequence, node, at)
        (self.tenant, self.call, self.event) = (tenant, call, event)
    }
}

/// Hears every event, on the core's loop: it must return at once, and hand anything slow to a thread of its own.
public protocol EventSubscriber: AnyObject {
    func receive(_ envelope: EventEnvelope)
}

/// Numbers and stamps events and hands them to the subscribers in the order they subscribed. Lives on the core's loop.
public final class EventBus {
    private let node: String
    private var sequence: UInt64 = 0
    private var subscribers: [any EventSubscriber] = []

    public init(node: String) { self.node = node }

    public func subscribe(_ subscriber: any EventSubscriber) { subscribers.append(subscriber) }

    public func publish(_ event: Event, tenant: TenantID?, call: CallID? = nil, at moment: Moment) {
        sequence &+= 1
        let envelope = EventEnvelope(
            sequence: sequence,
            node: node,
            at: moment,
            tenant: tenant,
            call: call,
            event: event
        )
        for subscriber in subscribers { subscriber.receive(envelope) }
    }
}

import Config
import Events
import Foundation
import Records

/// The deliveries of all tenants: one for each sink.
struct DeliveryDesk: Sendable {
    private var deliveries: [TenantID: [RecordDelivery]] = [:]
    private let folder: URL
    private let web: WebClient
    private let log: LogSink

    /// `folder` is the switch's folder of data.
    init(folder: URL, web: WebClient, log: LogSink) { (self.folder, self.web, self.log) = (folder, web, log) }

    /// Each sink, with how many records wait for it. A tenant whose file cannot be read hides no other's.
    func rows() -> [SinkRow] {
        deliveries.sorted { $0.key < $1.key }.flatMap { tenant, deliveries -> [SinkRow] in
            guard !deliveries.isEmpty else { return [] }
            do {
                let waiting = try TenantDatabase(reading: folder, tenant: tenant)?.undeliveredCounts() ?? [:]
                return deliveries.map { SinkRow($0.status, waiting: waiting[$0.sink.name] ?? 0) }
            } catch {
                return deliveries.map { SinkRow($0.status, fault: error) }
            }
        }
    }

    /// Serves the sinks of these tenants, and no others. A sink that stays as it was is not disturbed.
    mutating func serve(_ tenants: [TenantID: Tenant]) {
        for id in Set(tenants.keys).union(deliveries.keys) {
            let sinks = tenants[id]?.cdrSinks ?? []
            let running = deliveries[id] ?? []
            for delivery in running where !sinks.contains(delivery.sink) { delivery.stop() }
            register(sinks, of: id)
            let kept = running.filter { sinks.contains($0.sink) }
            let fresh = sinks.filter { sink in !kept.contains { $0.sink == sink } }
            deliveries[id] = kept + fresh.map { RecordDelivery($0, of: id, folder: folder, web: web, log: log) }
        }
    }

    func stop() { for delivery in deliveries.values.joined() { delivery.stop() } }

    /// The tenant's file must know them before the next call ends.
    private func register(_ sinks: [CDRSink], of tenant: TenantID) {
        do {
            // Whoever has neither sinks nor records needs no file.
            guard try !sinks.isEmpty || TenantDatabase(reading: folder, tenant: tenant) != nil else { return }
            let givenUp = try TenantDatabase(folder: folder, tenant: tenant).setSinks(sinks.map(\.name))
            for (sink, count) in givenUp.sorted(by: { $0.key < $1.key }) {
                log.log(.warning, "tenant \(tenant): the sink \(sink) is gone, and never got \(count) records")
            }
        } catch {
            log.log(.error, "tenant \(tenant): sinks get no records of calls from now on: \(error.inWords)")
        }
    }
}

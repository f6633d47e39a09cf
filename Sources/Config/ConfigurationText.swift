import DialPlan
import Events

/// The text of one file, under the name that faults show.
public struct ConfigurationText: Hashable, Codable, Sendable {
    public var name: String
    public var text: String

    public init(name: String, text: String) { (self.name, self.text) = (name, text) }

    /// The last part of the name: what a tenant calls a dial plan's file by.
    public var fileName: String { name.split(separator: "/").last.map(String.init) ?? name }
}

extension NodeConfiguration {
    /// Reads the node's file alone, to know where the others are.
    public static func read(_ source: ConfigurationText) -> (node: NodeConfiguration?, faults: [ConfigFault]) {
        let faults = FaultList()
        let node = NodeReader(faults: faults).read(source)
        return (faults.faults.isEmpty ? node : nil, faults.sorted)
    }
}

extension Configuration {
    /// Reads and checks everything. With a fault there is no configuration; all faults are told, in the order of the files.
    public static func read(
        node: ConfigurationText,
        tenants: [ConfigurationText],
        dialPlans: [ConfigurationText],
        lists: [ConfigurationText] = [],
        unreadableLists: [ConfigFault] = []
    ) -> (configuration: Configuration?, faults: [ConfigFault]) {
        let faults = FaultList()
        let nodeConfiguration = NodeReader(faults: faults).read(node)
        let read = readTenants(
            tenants,
            dialPlans: dialPlans,
            lists: lists,
            unreadableLists: unreadableLists,
            faults: faults
        )
        guard faults.faults.isEmpty, let nodeConfiguration else { return (nil, faults.sorted) }
        return (Configuration(node: nodeConfiguration, tenants: read), [])
    }

    private static func readTenants(
        _ sources: [ConfigurationText],
        dialPlans: [ConfigurationText],
        lists: [ConfigurationText],
        unreadableLists: [ConfigFault],
        faults: FaultList
    ) -> [TenantID: Tenant] {
        var plans: [String: DialPlan] = [:]
        for source in dialPlans {
            guard var plan = PlanReader(faults: faults).read(source) else {
                // A file that cannot be read is there all the same: nobody who names it is at fault.
                plans[source.fileName] = DialPlan(name: source.fileName, file: source.name)
                continue
            }
            plan.file = source.name
            plans[source.fileName] = plan
            PlanChecker(plan: plan, tenant: nil, faults: faults).check()
        }
        let numbers = Dictionary(lists.map { ($0.fileName, NumberList(text: $0.text)) }) { first, _ in first }
        let unreadable = Dictionary(unreadableLists.map { (ConfigurationText(name: $0.file, text: "").fileName, $0) }) {
            $1
        }
        let reader = TenantReader(faults: faults, plans: plans, lists: numbers, unreadableLists: unreadable)
        var readings: [TenantReader.Reading] = []
        for source in sources {
            guard let reading = reader.read(source) else { continue }
            if let twin = readings.first(where: { $0.tenant.id == reading.tenant.id }) {
                reading.place.fault(
                    .duplicate,
                    "tenant \(reading.tenant.id) is in \(twin.file) too",
                    mend: "remove one of the files"
                )
                continue
            }
            for domain in reading.tenant.domains {
                guard let other = readings.first(where: { $0.tenant.domains.contains(domain) }) else { continue }
                reading.place.fault(
                    .duplicate,
                    "the domain \(domain) is another tenant's: that of \(other.tenant.id), in \(other.file)",
                    mend: "choose another"
                )
            }
            // A hash of one's user would be good for the other's user of the same number.
            if let other = readings.first(where: { $0.tenant.realm == reading.tenant.realm }),
                other.tenant.domains.allSatisfy({ !reading.tenant.domains.contains($0) })
            {
                reading.place.fault(
                    .duplicate,
                    "the realm \(reading.tenant.realm) is that of tenant \(other.tenant.id) too, in \(other.file)",
                    mend: "choose another with `realm`"
                )
            }
            readings.append(reading)
        }
        for reading in readings { check(reading, faults: faults) }
        return Dictionary(readings.map { ($0.tenant.id, $0.tenant) }) { first, _ in first }
    }

    /// What is wrong with a dial plan that no tenant names, whosever it were to be.
    public func faults(ofUnused source: ConfigurationText) -> [ConfigFault] {
        guard var plan = PlanReader(faults: FaultList()).read(source) else { return [] }
        plan.file = source.name
        let found = tenants.values.sorted { $0.id < $1.id }.map { tenant in
            let faults = FaultList()
            PlanChecker(plan: plan, tenant: tenant, faults: faults).check()
            return faults.sorted
        }
        return (found.first ?? []).filter { fault in
            found.dropFirst().allSatisfy { others in
                others.contains { ($0.position, $0.problem) == (fault.position, fault.problem) }
            }
        }
    }

    private static func check(_ reading: TenantReader.Reading, faults: FaultList) {
        let tenant = reading.tenant
        for (reference, place) in reading.references {
            switch reference {
            case .user(let number):
                guard tenant.users[number] == nil else { continue }
                let known = tenant.users.keys
                place.fault(.deadReference, "there is no user \(number)", mend: suggestion(for: number, among: known))
            case .dialPlan(let name):
                guard tenant.dialPlans[name] == nil else { continue }
                place.fault(
                    .deadReference,
                    "the tenant has no dial plan '\(name)'",
                    mend: suggestion(for: name, among: tenant.dialPlans.keys)
                )
            case .flow(let plan, let flow):
                guard let plan = tenant.dialPlans[plan], plan.flows[flow] == nil else { continue }
                place.fault(
                    .deadReference,
                    "the dial plan \(plan.name) has no flow '\(flow)'",
                    mend: suggestion(for: flow, among: plan.flows.keys)
                )
            }
        }
        for plan in tenant.dialPlans.values { PlanChecker(plan: plan, tenant: tenant, faults: faults).check() }
        checkOverflows(of: reading)
    }

    /// Queues that send callers whom they do not let in on to each other.
    private static func checkOverflows(of reading: TenantReader.Reading) {
        let tenant = reading.tenant
        let circles = Circles(of: tenant)
        for queue in tenant.queues.values {
            for (key, destination) in queue.overflows {
                guard !circles.leadsOut(Circles.Place(plan: destination.dialPlan, flow: destination.flow)),
                    let plan = tenant.dialPlans[destination.dialPlan],
                    // A circle of the plan alone is told there.
                    Circles(plan).leadsOut(Circles.Place(plan: plan.name, flow: destination.flow))
                else { continue }
                reading.overflows[queue.name]?[key]?.fault(
                    .badValue,
                    "\(key) of the queue \(queue.name) goes round in circles: on the way from the flow "
                        + "'\(destination.flow)' nothing takes time or ends the call when no queue lets the caller in",
                    mend: "let a flow on it play, dial or hang up"
                )
            }
        }
    }
}

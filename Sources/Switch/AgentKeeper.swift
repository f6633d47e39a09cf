import ACD
import Events
import Foundation
import Records
import Synchronization

/// Puts on disk what outlives a restart of the agents, on a thread of its own. Only the last state of each counts.
final class AgentKeeper: Sendable {
    private let database: NodeDatabase
    private let log: LogSink
    private let pending = Mutex<[UserID: Dispatcher.AgentMemory]>([:])
    private let queue = DispatchQueue(label: "gudok-agents")

    init(database: NodeDatabase, log: LogSink) { (self.database, self.log) = (database, log) }

    func add(_ agent: UserID, _ memory: Dispatcher.AgentMemory) {
        let isFirst = pending.withLock { pending in
            defer { pending[agent] = memory }
            return pending.isEmpty
        }
        if isFirst { queue.async { self.write() } }
    }

    /// Waits until everything is written.
    func flush() { queue.sync { write() } }

    private func write() {
        let batch = pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
        for (agent, memory) in batch {
            do {
                let json = try JSONEncoder().encode(memory)
                try database.saveAgentMemory(
                    tenant: agent.tenant,
                    user: agent.number,
                    json: String(decoding: json, as: UTF8.self)
                )
            } catch {
                log.log(.error, "the state of agent \(agent) is not kept: \(error)")
                pending.withLock { if $0[agent] == nil { $0[agent] = memory } }
            }
        }
    }

    /// What agents were when the switch ended.
    static func memories(in database: NodeDatabase) throws -> [UserID: Dispatcher.AgentMemory] {
        var memories: [UserID: Dispatcher.AgentMemory] = [:]
        for (agent, json) in try database.agentMemories() {
            memories[agent] = try? JSONDecoder().decode(Dispatcher.AgentMemory.self, from: Data(json.utf8))
        }
        return memories
    }
}

import ACD
import Events
import Foundation
import Records
import Synchronization

/// Puts on disk what outlives a restart of the agents, on a thread of its own. Only the last state of each counts.
final class AgentKeeper: Sendable {
    private let database: NodeDatabase
    /// nil: he is to be forgotten.
    private let pending = Mutex<[UserID: Dispatcher.AgentMemory?]>([:])
    private let errand: DiskErrand

    init(database: NodeDatabase, log: LogSink) {
        self.database = database
        errand = DiskErrand("the states of agents, for a restart", log: log)
    }

    func add(_ agent: UserID, _ memory: Dispatcher.AgentMemory?) {
        pending.withLock { $0[agent] = .some(memory) }
        errand.call(write)
    }

    /// Waits until everything is written.
    func flush() { errand.flush(write) }

    @Sendable private func write() throws {
        let batch = pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
        do {
            for (agent, memory) in batch {
                let json = try memory.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
                try database.saveAgentMemory(tenant: agent.tenant, user: agent.number, json: json)
            }
        } catch {
            // Written twice is as good as once; what came meanwhile is newer.
            pending.withLock { $0.merge(batch) { newer, _ in newer } }
            throw error
        }
    }

    /// What agents were when the switch ended; of whom that cannot be read, he begins logged out.
    static func memories(in database: NodeDatabase, log: LogSink) throws -> [UserID: Dispatcher.AgentMemory] {
        var memories: [UserID: Dispatcher.AgentMemory] = [:]
        for (agent, json) in try database.agentMemories() {
            do {
                memories[agent] = try JSONDecoder().decode(Dispatcher.AgentMemory.self, from: Data(json.utf8))
            } catch {
                log.log(.error, "agent \(agent) is logged out, as what he was cannot be read: \(error)")
            }
        }
        return memories
    }
}

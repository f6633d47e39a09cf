import ACD
import Events
import Foundation
import Records
import Synchronization

/// Puts on disk what outlives a restart of agents and queues, on a thread of its own. Only the last state of each counts.
final class MemoryKeeper: Sendable {
    typealias Subject = NodeDatabase.Remembered

    /// What was kept when the switch ended.
    struct Memories {
        var agents: [UserID: Dispatcher.AgentMemory] = [:]
        var queues: [QueueID: Dispatcher.QueueMemory] = [:]
    }

    private let database: NodeDatabase
    /// nil: it is to be forgotten.
    private let pending = Mutex<[Subject: (any Encodable & Sendable)?]>([:])
    private let errand: DiskErrand

    init(database: NodeDatabase, log: LogSink) {
        self.database = database
        errand = DiskErrand("the states of agents and queues, for a restart", log: log)
    }

    func add(_ subject: Subject, _ memory: (any Encodable & Sendable)?) {
        pending.withLock { $0[subject] = .some(memory) }
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
            for (subject, memory) in batch {
                let json = try memory.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
                try database.saveMemory(of: subject, json: json)
            }
        } catch {
            // Written twice is as good as once; what came meanwhile is newer.
            pending.withLock { $0.merge(batch) { newer, _ in newer } }
            throw error
        }
    }

    /// An agent of whom it cannot be read begins logged out, a queue as a new one does.
    static func memories(in database: NodeDatabase, log: LogSink) throws -> Memories {
        var memories = Memories()
        for (subject, json) in try database.memories() {
            let data = Data(json.utf8)
            do {
                switch subject {
                case .agent(let agent):
                    memories.agents[agent] = try JSONDecoder().decode(Dispatcher.AgentMemory.self, from: data)
                case .queue(let queue):
                    memories.queues[queue] = try JSONDecoder().decode(Dispatcher.QueueMemory.self, from: data)
                }
            } catch {
                log.log(.error, "\(subject) begins anew, as what was kept cannot be read: \(error.inWords)")
            }
        }
        return memories
    }
}

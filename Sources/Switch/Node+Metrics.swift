import ACD
import Calls
import Engine
import Events
import MediaIO
import RecordingIO
import Records
import SIP
import SignallingIO
import Timebase

/// `/metrics`, in Prometheus's text format.
extension Node {
    private struct Seen: Sendable {
        var calls: [LiveCall]
        var callsStarted: UInt64
        var agents: [Dispatcher.AgentView]
        var queues: [Dispatcher.QueueView]
        var registrations: Int
        var subscriptions: [EventPackage: Int]
        var counters: EngineCounters
        var signalling: SignallingCounters
        var trunks: [Engine.TrunkStatus]
        var records: RecordWriter.Status
        var recordings: RecordingTroubles
        var invariants: Invariants
        var stalls: UInt64
        var callsPerSecond: UInt64
        var longestStall: Duration
    }

    func metrics() async throws -> String {
        let seen = try await handle.ask { core in
            core.turn { engine, now in
                Seen(
                    calls: engine.liveCalls,
                    callsStarted: engine.callsStarted,
                    agents: engine.agentViews(),
                    queues: engine.queueViews(at: now),
                    registrations: engine.bindings(at: now).count,
                    subscriptions: engine.subscriptionCounts,
                    counters: engine.counters,
                    signalling: core.signalling,
                    trunks: engine.trunkStatuses,
                    records: core.records.status(now: now.instant),
                    recordings: core.recordingTroubles,
                    invariants: core.invariants,
                    stalls: core.stalls,
                    callsPerSecond: core.callsPerSecond,
                    longestStall: core.longestStall
                )
            }
        }
        var page = MetricsPage()
        page.calls(seen.calls, started: seen.callsStarted, perSecond: seen.callsPerSecond)
        page.queues(seen.queues)
        page.agents(seen.agents)
        page.signalling(
            seen.counters,
            seen.signalling,
            registrations: seen.registrations,
            subscriptions: seen.subscriptions
        )
        page.trunks(seen.trunks)
        page.media(media.counters.snapshot)
        page.recordings(seen.recordings, refusedFrames: media.rings.reduce(0) { $0 + Double($1.refused) })
        page.loop(seen.invariants, stalls: seen.stalls, longest: seen.longestStall)
        page.openFiles(OpenFiles())
        page.records(seen.records)
        page.sinks(delivery.rows())
        return page.text
    }
}

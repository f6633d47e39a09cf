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
        let (media, rings) = (media.counters.snapshot, media.rings)
        var page = MetricsPage()
        let states = Dictionary(grouping: seen.calls, by: \.state)
        page.gauge(
            "calls",
            "Calls that are up, by state.",
            LiveCall.State.allCases.map { state in
                ([("state", state.rawValue)], Double(states[state]?.count ?? 0))
            }
        )
        page.queues(seen.queues)
        let staffed = Dictionary(grouping: seen.agents, by: \.id.tenant.name)
        page.gauge(
            "agents",
            "Agents, by state.",
            staffed.flatMap { tenant, agents in
                AgentState.allCases.map { state in
                    let count = agents.count { $0.state == state }
                    return ([("tenant", tenant), ("state", state.rawValue)], Double(count))
                }
            }
        )
        page.gauge(
            "agents_over_pause_limit",
            "Agents who pause longer than they may.",
            staffed.map { ([("tenant", $0.key)], Double($0.value.count { !$0.exceeded.isEmpty })) }
        )
        page.counter("calls_started_total", "Calls that were taken or made.", Double(seen.callsStarted))
        page.gauge("calls_per_second", "Calls taken in the last second.", [([], Double(seen.callsPerSecond))])
        page.gauge("registrations", "Contacts that are registered.", [([], Double(seen.registrations))])
        page.gauge(
            "subscriptions",
            "Phones that watch a user, by event package.",
            seen.subscriptions.map { ([("package", $0.key.rawValue)], Double($0.value)) }
        )
        page.counter("sip_messages_received_total", "SIP messages received.", Double(seen.counters.messagesReceived))
        page.counter("sip_messages_sent_total", "SIP messages sent.", Double(seen.counters.messagesSent))
        page.gauge("sip_connections", "TCP connections that are open.", [([], Double(seen.signalling.connections))])
        page.counter(
            "sip_connections_refused_total",
            "TCP connections beyond the limits, closed at once.",
            Double(seen.signalling.connectionsRefused)
        )
        page.counter(
            "sip_connections_broken_total",
            "TCP connections closed for what came over them.",
            Double(seen.signalling.brokenStreams)
        )
        page.counter(
            "authentication_failures_total",
            "Requests with wrong credentials.",
            Double(seen.counters.authenticationFailures)
        )
        page.counters(
            "sip_requests_refused_total",
            "Requests refused, by status.",
            seen.counters.refused.map {
                ([("status", "\($0.key)")], Double($0.value))
            }
        )
        page.counters(
            "sip_messages_dropped_total",
            "Messages dropped, by reason.",
            seen.counters.dropped.map {
                ([("reason", $0.key)], Double($0.value))
            }
        )
        page.gauge(
            "trunk_up",
            "Whether a trunk answers.",
            seen.trunks.map {
                ([("tenant", $0.id.tenant.name), ("trunk", $0.id.name)], $0.isUp ? 1 : 0)
            }
        )
        page.gauge(
            "trunk_registered",
            "Whether we are registered with a trunk that wants it.",
            seen.trunks.filter { $0.registration != nil }.map {
                ([("tenant", $0.id.tenant.name), ("trunk", $0.id.name)], $0.isRegistered ? 1 : 0)
            }
        )
        page.counters(
            "trunk_calls_refused_total",
            "Calls of a trunk refused for its limits.",
            seen.trunks.map { ([("tenant", $0.id.tenant.name), ("trunk", $0.id.name)], Double($0.turnedAway)) }
        )
        page.counters(
            "trunk_calls_unrecorded_total",
            "Those of them that were too many to have a record each.",
            seen.trunks.map { ([("tenant", $0.id.tenant.name), ("trunk", $0.id.name)], Double($0.unrecorded)) }
        )
        page.counter("rtp_packets_relayed_total", "RTP packets sent on.", Double(media.packetsRelayed))
        page.counter("rtp_packets_lost_total", "RTP packets that never came.", Double(media.packetsLost))
        page.counter("rtp_packets_malformed_total", "Datagrams that were no RTP.", Double(media.packetsMalformed))
        page.counter("rtp_packets_foreign_total", "Packets of strangers, refused.", Double(media.packetsForeign))
        page.counter(
            "rtp_packets_unagreed_total",
            "Packets of payload types that were not agreed upon, dropped.",
            Double(media.packetsUnagreed)
        )
        page.counter("rtp_packets_unsent_total", "Packets the kernel did not take.", Double(media.packetsUnsent))
        page.gauge("rtp_port_pairs_in_use", "Port pairs in use.", [([], Double(media.portsInUse))])
        page.counter("recordings_failed_total", "Recordings that were given up.", Double(seen.recordings.failed))
        page.counter(
            "recording_disk_stalls_total",
            "Times the disk of the recordings took over a second.",
            Double(seen.recordings.stalls)
        )
        page.gauge(
            "recording_disk_stall_seconds",
            "How long the disk of the recordings has not answered.",
            [([], seen.recordings.stall > .seconds(1) ? seen.recordings.stall.inSeconds : 0)]
        )
        page.counter(
            "recording_frames_refused_total",
            "Frames for recordings without room on their way.",
            rings.reduce(0) { $0 + Double($1.refused) }
        )
        page.counter("invariants_broken_total", "Broken invariants that were found.", Double(seen.invariants.found))
        page.counter("invariants_mended_total", "Of these, mended.", Double(seen.invariants.mended))
        page.gauge("invariants_broken", "Of these, still broken.", [([], Double(seen.invariants.left.count))])
        page.counter("loop_stalls_total", "Times the call loop was over 20 ms late.", Double(seen.stalls))
        page.gauge("loop_longest_stall_seconds", "The worst of them.", [([], seen.longestStall.inSeconds)])
        page.gauge("cdr_lag_seconds", "How long the oldest unwritten record waits.", [([], seen.records.lag.inSeconds)])
        page.gauge("cdr_queued", "Records that wait to be written.", [([], Double(seen.records.queued))])
        page.counter("cdr_written_total", "Rows written.", Double(seen.records.written))
        page.counter("cdr_write_failures_total", "Batches the disk refused.", Double(seen.records.failures))
        let sinks = delivery.rows().map { ([("tenant", $0.tenant), ("sink", $0.sink)], $0) }
        page.gauge(
            "cdr_undelivered",
            "Records that a sink is still to get.",
            sinks.compactMap { labels, sink in sink.waiting.map { (labels, Double($0)) } }
        )
        page.counters(
            "cdr_delivery_failures_total",
            "Times a sink took no records.",
            sinks.map { ($0, Double($1.failures)) }
        )
        page.counter(
            "cdr_set_aside_total",
            "Rows that a tenant's database refused for ever, set aside in a file.",
            Double(seen.records.setAside)
        )
        page.counter("traces_dropped_total", "Traces without room.", Double(seen.records.droppedTraces))
        return page.text
    }
}

/// A page of metrics, each with its help and type.
struct MetricsPage {
    private(set) var text = ""

    mutating func counter(_ name: String, _ help: String, _ value: Double) { counters(name, help, [([], value)]) }

    mutating func counters(_ name: String, _ help: String, _ values: [([(String, String)], Double)]) {
        add(name, help, "counter", values)
    }

    mutating func gauge(_ name: String, _ help: String, _ values: [([(String, String)], Double)]) {
        add(name, help, "gauge", values)
    }

    /// Who waits where, and who is there for him.
    mutating func queues(_ queues: [Dispatcher.QueueView]) {
        func each(_ value: (Dispatcher.QueueView) -> Double?) -> [([(String, String)], Double)] {
            queues.compactMap { queue in
                value(queue).map { ([("tenant", queue.id.tenant.name), ("queue", queue.id.name)], $0) }
            }
        }
        gauge("queue_waiting", "Callers who wait in a queue.", each { Double($0.waiting) })
        gauge("queue_callbacks", "Places of callers who are to be called back.", each { Double($0.callbacks) })
        gauge("queue_longest_wait_seconds", "The longest wait of those.", each { $0.longestWait.inSeconds })
        gauge(
            "queue_expected_wait_seconds",
            "What a caller who came now would wait; absent where nobody knows.",
            each { $0.expectedWait?.inSeconds }
        )
        let counts: [(String, (Dispatcher.QueueView) -> Int)] = [
            ("available", \.available), ("busy", \.busy), ("paused", \.paused),
        ]
        gauge(
            "queue_agents",
            "Agents of a queue who are logged in.",
            counts.flatMap { state, count in
                each { Double(count($0)) }.map { ($0.0 + [("state", state)], $0.1) }
            }
        )
    }

    private mutating func add(_ name: String, _ help: String, _ type: String, _ values: [([(String, String)], Double)])
    {
        text += "# HELP gudok_\(name) \(help)\n# TYPE gudok_\(name) \(type)\n"
        for (labels, value) in values.sorted(by: { "\($0.0)" < "\($1.0)" }) {
            let list = labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
            text += "gudok_\(name)\(list.isEmpty ? "" : "{\(list)}") \(number)\n"
        }
    }

    private func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

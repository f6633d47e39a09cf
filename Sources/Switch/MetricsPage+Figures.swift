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

/// What each part of the switch counts, as the page shows it.
extension MetricsPage {
    mutating func calls(_ calls: [LiveCall], started: UInt64, perSecond: UInt64) {
        let states = Dictionary(grouping: calls, by: \.state)
        gauge(
            "calls",
            "Calls that are up, by state.",
            LiveCall.State.allCases.map { state in
                ([("state", state.rawValue)], Double(states[state]?.count ?? 0))
            }
        )
        counter("calls_started_total", "Calls that were taken or made.", Double(started))
        gauge("calls_per_second", "Calls taken in the last second.", [([], Double(perSecond))])
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

    mutating func agents(_ agents: [Dispatcher.AgentView]) {
        let staffed = Dictionary(grouping: agents, by: \.id.tenant.name)
        gauge(
            "agents",
            "Agents, by state.",
            staffed.flatMap { tenant, agents in
                AgentState.allCases.map { state in
                    let count = agents.count { $0.state == state }
                    return ([("tenant", tenant), ("state", state.rawValue)], Double(count))
                }
            }
        )
        gauge(
            "agents_over_pause_limit",
            "Agents who pause longer than they may.",
            staffed.map { ([("tenant", $0.key)], Double($0.value.count { !$0.exceeded.isEmpty })) }
        )
    }

    /// Who is registered, who watches, and what came over the wire.
    mutating func signalling(
        _ seen: EngineCounters,
        _ sockets: SignallingCounters,
        registrations: Int,
        subscriptions: [EventPackage: Int]
    ) {
        gauge("registrations", "Contacts that are registered.", [([], Double(registrations))])
        gauge(
            "subscriptions",
            "Phones that watch a user, by event package.",
            subscriptions.map { ([("package", $0.key.rawValue)], Double($0.value)) }
        )
        counter("sip_messages_received_total", "SIP messages received.", Double(seen.messagesReceived))
        counter("sip_messages_sent_total", "SIP messages sent.", Double(seen.messagesSent))
        gauge("sip_connections", "TCP connections that are open.", [([], Double(sockets.connections))])
        counter(
            "sip_connections_refused_total",
            "TCP connections beyond the limits, closed at once.",
            Double(sockets.connectionsRefused)
        )
        counter(
            "sip_connections_broken_total",
            "TCP connections closed for what came over them.",
            Double(sockets.brokenStreams)
        )
        counter(
            "authentication_failures_total",
            "Requests with wrong credentials.",
            Double(seen.authenticationFailures)
        )
        counters(
            "sip_requests_refused_total",
            "Requests refused, by status.",
            seen.refused.map {
                ([("status", "\($0.key)")], Double($0.value))
            }
        )
        counters(
            "sip_messages_dropped_total",
            "Messages dropped, by reason.",
            seen.dropped.map {
                ([("reason", $0.key)], Double($0.value))
            }
        )
    }

    mutating func trunks(_ trunks: [Engine.TrunkStatus]) {
        func rows(
            _ trunks: [Engine.TrunkStatus],
            _ value: (Engine.TrunkStatus) -> Double
        ) -> [([(String, String)], Double)] {
            trunks.map { ([("tenant", $0.id.tenant.name), ("trunk", $0.id.name)], value($0)) }
        }
        gauge("trunk_up", "Whether a trunk answers.", rows(trunks) { $0.isUp ? 1 : 0 })
        gauge(
            "trunk_registered",
            "Whether we are registered with a trunk that wants it.",
            rows(trunks.filter { $0.registration != nil }) { $0.isRegistered ? 1 : 0 }
        )
        counters(
            "trunk_calls_refused_total",
            "Calls of a trunk refused for its limits.",
            rows(trunks) { Double($0.turnedAway) }
        )
        counters(
            "trunk_calls_unrecorded_total",
            "Those of them that were too many to have a record each.",
            rows(trunks) { Double($0.unrecorded) }
        )
    }

    mutating func media(_ media: MediaCounters.Snapshot) {
        counter("rtp_packets_relayed_total", "RTP packets sent on.", Double(media.packetsRelayed))
        counter("rtp_packets_lost_total", "RTP packets that never came.", Double(media.packetsLost))
        counter("rtp_packets_malformed_total", "Datagrams that were no RTP.", Double(media.packetsMalformed))
        counter("rtp_packets_foreign_total", "Packets of strangers, refused.", Double(media.packetsForeign))
        counter(
            "rtp_packets_unagreed_total",
            "Packets of payload types that were not agreed upon, dropped.",
            Double(media.packetsUnagreed)
        )
        counter("rtp_packets_unsent_total", "Packets the kernel did not take.", Double(media.packetsUnsent))
        gauge("rtp_port_pairs", "Port pairs of media.ports, in use or not.", [([], Double(media.ports))])
        gauge("rtp_port_pairs_in_use", "Port pairs in use.", [([], Double(media.portsInUse))])
    }

    mutating func recordings(_ troubles: RecordingTroubles, refusedFrames: Double) {
        counter("recordings_failed_total", "Recordings that were given up.", Double(troubles.failed))
        counter(
            "recording_disk_stalls_total",
            "Times the disk of the recordings took over a second.",
            Double(troubles.stalls)
        )
        gauge(
            "recording_disk_stall_seconds",
            "How long the disk of the recordings has not answered.",
            [([], troubles.stall > .seconds(1) ? troubles.stall.inSeconds : 0)]
        )
        counter(
            "recording_frames_refused_total",
            "Frames for recordings without room on their way.",
            refusedFrames
        )
    }

    /// How the call loop does.
    mutating func loop(_ invariants: Invariants, stalls: UInt64, longest: Duration) {
        counter("invariants_broken_total", "Broken invariants that were found.", Double(invariants.found))
        counter("invariants_mended_total", "Of these, mended.", Double(invariants.mended))
        gauge("invariants_broken", "Of these, still broken.", [([], Double(invariants.left.count))])
        counter("loop_stalls_total", "Times the call loop was over 20 ms late.", Double(stalls))
        gauge("loop_longest_stall_seconds", "The worst of them.", [([], longest.inSeconds)])
    }

    mutating func openFiles(_ files: OpenFiles) {
        gauge("open_files", "Files and sockets that are open.", [([], Double(files.count))])
        gauge("open_files_max", "So many may be open at once.", [([], Double(files.most))])
    }

    mutating func records(_ records: RecordWriter.Status) {
        gauge("cdr_lag_seconds", "How long the oldest unwritten record waits.", [([], records.lag.inSeconds)])
        gauge("cdr_queued", "Records that wait to be written.", [([], Double(records.queued))])
        counter("cdr_written_total", "Rows written.", Double(records.written))
        counter("cdr_write_failures_total", "Batches the disk refused.", Double(records.failures))
        counter(
            "cdr_set_aside_total",
            "Rows that a tenant's database refused for ever, set aside in a file.",
            Double(records.setAside)
        )
        gauge(
            "cdr_recoveries_owed",
            "Tenants in whose files what a crash left open is not closed yet.",
            [([], Double(records.owing))]
        )
        counter("traces_dropped_total", "Traces without room.", Double(records.droppedTraces))
    }

    mutating func sinks(_ sinks: [SinkRow]) {
        let sinks = sinks.map { ([("tenant", $0.tenant), ("sink", $0.sink)], $0) }
        gauge(
            "cdr_undelivered",
            "Records that a sink is still to get.",
            sinks.compactMap { labels, sink in sink.waiting.map { (labels, Double($0)) } }
        )
        counters(
            "cdr_delivery_failures_total",
            "Times a sink took no records.",
            sinks.map { ($0, Double($1.failures)) }
        )
    }
}

import NetAddress
import SIP

/// The node's file, read again while the switch runs.
extension NodeConfiguration {
    /// What is in force then: the keys that calls go by are taken at once, the rest stays until the next start.
    public func taken(by running: NodeConfiguration) -> NodeConfiguration {
        var node = running
        (node.codecs, node.rtpTimeout) = (codecs, rtpTimeout)
        (node.maximumDuration, node.maximumHold) = (maximumDuration, maximumHold)
        (node.sessionExpires, node.minimumSessionExpires) = (sessionExpires, minimumSessionExpires)
        return node
    }

    /// What becomes different, a line each.
    func changes(from running: NodeConfiguration) -> [String] {
        let taken = taken(by: running).written
        return zip(zip(running.written, taken), written).compactMap { old, new in
            let (was, now) = old
            guard was.value != new.value else { return nil }
            let isTaken = now.value == new.value
            return "~ node \(new.key) \(was.value) → \(new.value)\(isTaken ? "" : ", from the next start on")"
        }
    }

    /// Every key but the name, as the file writes it.
    private var written: [(key: String, value: String)] {
        let list = { (values: [String]) in "[\(values.joined(separator: ", "))]" }
        let seconds = { (value: Int?) in value.map { "\($0)s" } ?? "never" }
        return [
            ("data", data), ("tenants", tenantsPath), ("dialplans", dialPlansPath),
            ("sip.listen", list(listen.map(\.description))), ("sip.connections", "\(connections)"),
            ("sip.connections_per_address", "\(connectionsPerAddress)"), ("media.address", "\(mediaAddresses)"),
            ("media.ports", "\(mediaPorts.lowerBound)-\(mediaPorts.upperBound)"), ("media.threads", "\(mediaThreads)"),
            ("media.codecs", list(codecs)), ("http.listen", httpListen.map { "\($0)" } ?? "none"),
            ("http.names", list(httpNames)), ("dns.servers", list(nameServers.map { "\($0)" })),
            ("tls.ca_file", certificates?.path ?? "none"), ("timers.t1", timers.t1.written),
            ("timers.t2", timers.t2.written), ("timers.t4", timers.t4.written),
            ("calls.rtp_timeout", rtpTimeout?.written ?? "never"), ("calls.max_duration", maximumDuration.written),
            ("calls.max_hold", maximumHold?.written ?? "never"), ("calls.session_expires", seconds(sessionExpires)),
            ("calls.min_session_expires", seconds(minimumSessionExpires)),
            ("registrations.min_expires", "\(registrations.minExpires)s"),
            ("registrations.default_expires", "\(registrations.defaultExpires)s"),
            ("registrations.max_expires", "\(registrations.maxExpires)s"),
            ("registrations.max_contacts", "\(registrations.maxContacts)"),
            ("registrations.keep_alive", registrations.keepAliveInterval?.written ?? "never"),
            ("subscriptions.min_expires", "\(subscriptions.minExpires)s"),
            ("subscriptions.default_expires", "\(subscriptions.defaultExpires)s"),
            ("subscriptions.max_expires", "\(subscriptions.maxExpires)s"),
            ("subscriptions.max_per_user", "\(subscriptions.mostPerUser)"),
            ("records.durability", durability.rawValue), ("records.trace_days", "\(traceDays)"),
            ("records.trace_mebibytes", "\(traceMebibytes)"),
        ]
    }
}

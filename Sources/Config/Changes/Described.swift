import DialPlan
import Events
import NetAddress
import SIP

/// Something that an administrator knows by a name, with its settings as the YAML writes them.
struct Described: Equatable {
    var kind: String
    var name: String
    /// A secret's value is its hash here, and is never printed.
    var settings: [(key: String, value: String)]

    static let secrets: Set<String> = ["password", "pin"]

    static func == (lhs: Described, rhs: Described) -> Bool {
        lhs.kind == rhs.kind && lhs.name == rhs.name && lhs.settings.elementsEqual(rhs.settings) { $0 == $1 }
    }
}

extension User {
    var described: Described {
        let hashes = credentials.ha1.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        return Described(
            kind: "user",
            name: number,
            settings: [
                ("name", name ?? "none"), ("role", role.rawValue), ("password", hashes.joined()),
                ("pin", pin.map { $0.ha1.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value).joined() } ?? ""),
                ("caller_id", callerID?.written ?? "none"),
            ]
        )
    }
}

extension Trunk {
    var described: Described {
        let secret = credentials.map { "\($0.username) \($0.realm) \($0.ha1.values.sorted().joined())" }
        return Described(
            kind: "trunk",
            name: name,
            settings: [
                ("host", host), ("port", port.map { "\($0)" } ?? "none"), ("transport", transport?.rawValue ?? "none"),
                ("accept_from", acceptedSources.joined(separator: ", ")),
                ("identify_port", identifyPort.map { "\($0)" } ?? "none"),
                ("max_calls", maxCalls.map { "\($0)" } ?? "none"),
                ("calls_per_second", callsPerSecond.map { "\($0)" } ?? "none"), ("dialplan", dialPlan ?? "none"),
                ("auth.username", credentials?.username ?? "none"), ("password", secret ?? "none"),
                ("register", registration?.written ?? "false"), ("send_identity", "\(takesIdentity)"),
                ("caller_id", callerID?.written ?? "none"),
                ("probe", probe.isEnabled ? "every \(probe.interval.written), \(probe.failures) failures" : "false"),
            ]
        )
    }
}

extension CDRSink {
    var described: Described {
        let (kind, place) = if case .url(let url) = target { ("url", url) } else { ("file", shown) }
        let settings = [("kind", kind), ("to", shown), ("password", place), ("timeout", timeout.written)]
        return Described(kind: "sink", name: name, settings: settings)
    }
}

extension Queue {
    var described: Described {
        Described(kind: "queue", name: name, settings: written.map { ($0.key, $0.value ?? "none") })
    }
}

extension Tenant {
    /// Its parts, in the order in which they are told.
    var described: [Described] {
        let own = Described(
            kind: "tenant",
            name: id.name,
            settings: [
                ("domains", domains.joined(separator: ", ")), ("realm", realm), ("timezone", timeZone),
                ("language", language),
                ("music", music),
                ("recordings", recordings.written),
                (
                    "lists",
                    lists.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.count))" }.joined(separator: ", ")
                ),
                ("pause_reasons", pauseReasons.map(\.written).joined(separator: ", ")),
                ("shifts", shifts.map(\.written).joined(separator: ", ")),
            ]
        )
        return [own] + cdrSinks.map(\.described) + users.values.sorted { $0.number < $1.number }.map(\.described)
            + trunks.values.sorted { $0.name < $1.name }.map(\.described)
            + queues.values.sorted { $0.name < $1.name }.map(\.described)
    }
}

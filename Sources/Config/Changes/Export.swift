import DialPlan
import Events
import NetAddress
import SIP

extension Tenant {
    /// The tenant as YAML that reads back as the same tenant. Dial plans are named by their files; passwords are their hashes.
    public func export() -> String {
        var lines = ["tenant: \(quoted(id.name))", "domains: [\(domains.map(quoted).joined(separator: ", "))]"]
        // The hashes below are over it, whatever becomes of the domains.
        if !users.isEmpty { lines.append("realm: \(quoted(realm))") }
        lines.append("timezone: \(quoted(timeZone))")
        lines.append("language: \(language)")
        lines.append("music: \(quoted(music))")
        lines.append("recordings: \(recordings.written)")
        if !users.isEmpty { lines += ["", "users:"] + users.values.sorted { $0.number < $1.number }.map(\.exported) }
        if !trunks.isEmpty {
            lines += ["", "trunks:"] + trunks.values.sorted { $0.name < $1.name }.flatMap(\.exported)
        }
        if !queues.isEmpty {
            lines += ["", "queues:"] + queues.values.sorted { $0.name < $1.name }.flatMap(\.exported)
        }
        if !lists.isEmpty {
            lines += ["", "lists:"]
            for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
                let inline = "[\(list.written.map(quoted).joined(separator: ", "))]"
                lines.append("  \(quoted(name)): \(listFiles[name].map(quoted) ?? inline)")
            }
        }
        if !pauseReasons.isEmpty {
            lines += ["", "pause_reasons: [\(pauseReasons.map(\.written).joined(separator: ", "))]"]
        }
        if !cdrSinks.isEmpty { lines += ["", "cdr_sinks:"] + cdrSinks.map { "  - \($0.written)" } }
        if !shifts.isEmpty { lines += ["", "shifts:"] + shifts.map { "  - \($0.written)" } }
        if !dialPlans.isEmpty {
            lines += ["", "dialplans:"]
            for plan in dialPlans.values.sorted(by: { $0.name < $1.name }) {
                let file = plan.file.split(separator: "/").last.map(String.init) ?? plan.file
                lines.append("  \(quoted(plan.name)): \(quoted(file))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension CDRSink {
    fileprivate var written: String {
        switch target {
        case .file(let file): "{name: \(quoted(name)), file: \(quoted(file))}"
        case .url(let url): "{name: \(quoted(name)), url: \(quoted(url)), timeout: \(timeout.written)}"
        }
    }
}

extension RecordingPolicy {
    var written: String {
        let listed = CallDirection.allCases.filter(directions.contains).map(\.rawValue).joined(separator: ", ")
        let codes = Control.allCases.compactMap { control in
            keys[control].map { "\(control.rawValue): \(quoted($0))" }
        }.joined(separator: ", ")
        let quotedAgents = agents.sorted().map(quoted).joined(separator: ", ")
        return "{format: \(format.rawValue), directions: [\(listed)]"
            + (agents.isEmpty ? "" : ", agents: [\(quotedAgents)]") + (share == 100 ? "" : ", share: \(share)")
            + (keep.map { ", keep: \($0.written)" } ?? "")
            + (quota.map { ", quota_mib: \($0 >> 20)" } ?? "") + (keys.isEmpty ? "" : ", keys: {\(codes)}") + "}"
    }
}

/// A text in double quotes (YAML 1.2 §7.3.1), whatever it holds.
func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        // Controls, and what a reader may take for a line's or the text's beginning (§5.2, §5.4).
        case _ where scalar.value < 32 || 127..<160 ~= scalar.value:
            let hex = String(scalar.value, radix: 16)
            out += "\\x" + (hex.count < 2 ? "0" : "") + hex
        case "\u{2028}", "\u{2029}", "\u{FEFF}": out += "\\u" + String(scalar.value, radix: 16)
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}

private func exportedHashes(_ hashes: [(String, String)]) -> String {
    "{" + hashes.map { "\($0): \(quoted($1))" }.joined(separator: ", ") + "}"
}

extension User {
    fileprivate var exported: String {
        let parts = [
            "extension: \(quoted(number))", name.map { "name: \(quoted($0))" }, "role: \(role.rawValue)",
            "ha1: \(exportedHashes(credentials.exportedPairs))",
            pin.map { "pin_ha1: \(exportedHashes($0.exportedPairs))" },
            callerID.map { "caller_id: \($0.written)" },
        ]
        return "  - {" + parts.compactMap { $0 }.joined(separator: ", ") + "}"
    }
}

extension Trunk {
    fileprivate var exported: [String] {
        var lines = ["  - name: \(quoted(name))", "    host: \(quoted(host))"]
        if let port { lines.append("    port: \(port)") }
        if let transport { lines.append("    transport: \(transport.rawValue)") }
        if !acceptedSources.isEmpty || IPAddress(host) == nil {
            lines.append("    accept_from: [\(acceptedSources.map(quoted).joined(separator: ", "))]")
        }
        if let identifyPort { lines.append("    identify_port: \(identifyPort)") }
        if let maxCalls { lines.append("    max_calls: \(maxCalls)") }
        if let callsPerSecond { lines.append("    calls_per_second: \(callsPerSecond)") }
        if let dialPlan { lines.append("    dialplan: \(quoted(dialPlan))") }
        if let credentials {
            let parts = "username: \(quoted(credentials.username)), realm: \(quoted(credentials.realm))"
            lines.append("    auth: {\(parts), ha1: \(exportedHashes(credentials.exportedPairs))}")
        }
        if takesIdentity { lines.append("    send_identity: true") }
        if let callerID { lines.append("    caller_id: \(callerID.written)") }
        if let registration { lines.append("    register: \(registration.written)") }
        lines.append(
            probe.isEnabled
                ? "    probe: {interval: \(probe.interval.written), failures: \(probe.failures)}" : "    probe: false"
        )
        return lines
    }
}

extension CallerID {
    fileprivate var pairs: String { "number: \(quoted(number))" + (name.map { ", name: \(quoted($0))" } ?? "") }
    var written: String { "{\(pairs)}" }
}

extension CallerIDRule {
    var written: String {
        let patterns = allowed.map { quoted($0.description) }.joined(separator: ", ")
        return "{\(standard.pairs)" + (allowed.isEmpty ? "" : ", allow: [\(patterns)]") + "}"
    }
}

extension Trunk.Registration {
    var written: String { "{user: \(quoted(user)), expires: \(Duration.seconds(expires).written)}" }
}

extension Queue {
    fileprivate var exported: [String] {
        ["  - name: \(quoted(name))"] + written.compactMap { key, value in value.map { "    \(key): \($0)" } }
    }
}

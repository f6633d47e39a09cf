import DialPlan
import Events
import NetAddress
import SIP

/// Reads one tenant's file.
struct TenantReader {
    let faults: FaultList
    /// Dial plans that were read, by file name.
    let plans: [String: DialPlan]
    /// Lists of numbers that were read, by file name.
    let lists: [String: NumberList]
    /// What is wrong with those that could not be read, by file name.
    let unreadableLists: [String: ConfigFault]

    /// A tenant, and where its references stand, so that dead ones can be told with their place.
    struct Reading {
        var tenant: Tenant
        var file: String
        var place: YAMLValue
        var references: [(reference: Reference, place: YAMLValue)] = []
        /// Where queues say whither they send callers on, by the queue's name and the key.
        var overflows: [String: [String: YAMLValue]] = [:]
    }

    /// Something of the tenant that is named elsewhere in its file.
    enum Reference: Equatable {
        case user(String)
        case dialPlan(String)
        case flow(dialPlan: String, flow: String)
    }

    func read(_ source: ConfigurationText) -> Reading? {
        guard let root = YAMLValue.parse(source.text, file: source.name, faults: faults),
            var file = root.mapping("a tenant's file"),
            let named = file.require("tenant", of: "a tenant's file"), let name = named.string("tenant")
        else { return nil }
        guard name.utf8.count <= 64, name.utf8.allSatisfy(Self.isNameOctet), !name.hasPrefix(".") else {
            named.fault(
                .badValue,
                "'\(name)' is no name for a tenant",
                mend: "use letters, digits, '-', '_' and '.', up to 64: it names a folder"
            )
            return nil
        }
        var reading = Reading(tenant: Tenant(id: TenantID(name), domains: []), file: source.name, place: root)
        if let domains = file.require("domains", of: "a tenant's file") {
            reading.tenant.domains = domains.sequence("domains").compactMap { $0.hostName("a domain") }
            if reading.tenant.domains.isEmpty {
                domains.fault(.badValue, "the tenant has no domain", mend: "add one: its users are NUMBER@DOMAIN")
            }
        }
        reading.tenant.realm = reading.tenant.domains.first ?? name
        if let realm = file.take("realm").flatMap(readRealm) { reading.tenant.realm = realm }
        if let zone = file.take("timezone")?.timeZone() { reading.tenant.timeZone = zone }
        if let value = file.take("language"), let language = readLanguage(value, into: &reading) {
            reading.tenant.language = language
        }
        if let value = file.take("music"), let music = readPrompt(value, "music", folder: "music/", into: &reading) {
            reading.tenant.music = music
        }
        if let lists = file.take("lists") { readLists(lists, into: &reading) }
        if let plans = file.take("dialplans") { readPlans(plans, into: &reading) }
        if let users = file.take("users") { readUsers(users, into: &reading) }
        if let trunks = file.take("trunks") { readTrunks(trunks, into: &reading) }
        if let queues = file.take("queues") { readQueues(queues, into: &reading) }
        let numbers = reading.tenant.queues.values.compactMap { queue in queue.number.map { ($0, queue.name) } }
        reading.tenant.dialPlans["internal"]?.queues = Dictionary(numbers) { first, _ in first }
        if let reasons = file.take("pause_reasons") { reading.tenant.pauseReasons = readPauseReasons(reasons) }
        if let shifts = file.take("shifts") { readShifts(shifts, into: &reading) }
        if let recordings = file.take("recordings") { readRecordings(recordings, into: &reading) }
        if let sinks = file.take("cdr_sinks") { reading.tenant.cdrSinks = readSinks(sinks) }
        file.finish("a tenant's file")
        return reading
    }

    /// As it is written, since hashes are over each letter of it; it stands in quotes on the wire (RFC 3261 §25.1, `realm-value`).
    private func readRealm(_ value: YAMLValue) -> String? {
        guard let realm = value.string("realm") else { return nil }
        if realm.utf8.count <= 64, realm.utf8.allSatisfy({ (32...126).contains($0) && $0 != 34 && $0 != 92 }) {
            return realm
        }
        value.fault(
            .badValue,
            "'\(realm)' is no realm",
            mend: "write up to 64 letters of ASCII without quotes and backslashes, such as example.com"
        )
        return nil
    }

    /// The name of a folder of prompts, which whoever has the recordings looks for.
    func readLanguage(_ value: YAMLValue, into reading: inout Reading) -> String? {
        guard let name = value.string("language") else { return nil }
        guard (2...16).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNameOctet), !name.hasPrefix(".") else {
            value.fault(.badValue, "'\(name)' is no language", mend: "write its code, such as ru or en")
            return nil
        }
        reading.tenant.namedLanguages.append(LanguageReference(name: name, file: value.file, position: value.position))
        return name
    }

    static func isNameOctet(_ octet: UInt8) -> Bool {
        (48...57).contains(octet) || (97...122).contains(octet | 0x20) || [45, 46, 95].contains(octet)
    }

    private func readPlans(_ value: YAMLValue, into reading: inout Reading) {
        guard var mapping = value.mapping("dialplans") else { return }
        for entry in mapping.all() {
            guard let file = entry.value.string("a dial plan's file") else { continue }
            guard var plan = plans[file] else {
                entry.value.fault(
                    .missingFile,
                    "there is no dial plan '\(file)'",
                    mend: suggestion(for: file, among: plans.keys)
                )
                continue
            }
            plan.name = entry.name
            plan.lists = reading.tenant.lists
            reading.tenant.dialPlans[entry.name] = plan
        }
    }

    private func readRecordings(_ value: YAMLValue, into reading: inout Reading) {
        guard var mapping = value.mapping("recordings") else { return }
        defer { mapping.finish("recordings") }
        var policy = RecordingPolicy()
        if let format = mapping.take("format")?.choice("format", RecordingFormat.self) { policy.format = format }
        if let directions = mapping.take("directions") {
            let read = directions.sequence("directions").compactMap { $0.choice("directions", CallDirection.self) }
            policy.directions = Set(read)
        }
        for agent in mapping.take("agents")?.sequence("agents") ?? [] {
            guard let number = agent.string("an agent") else { continue }
            policy.agents.insert(number)
            guard reading.tenant.users[number] == nil else { continue }
            agent.fault(
                .deadReference,
                "there is no user \(number)",
                mend: "write the extension, in quotes, of one of the tenant's users"
            )
        }
        if let share = mapping.take("share")?.integer("share", in: 1...100) { policy.share = share }
        if let written = mapping.take("keep"), let keep = written.duration("keep") {
            policy.keep = keep
            if keep < .seconds(1) {
                written.fault(
                    .badValue,
                    "recordings are kept for no time at all",
                    mend: "write for how long, such as 2160h, or leave `keep` out to keep them for ever"
                )
            }
        }
        if let quota = mapping.take("quota_mib")?.integer("quota_mib", in: 1...1_000_000_000) {
            policy.quota = Int64(quota) << 20
        }
        if let keys = mapping.take("keys") { policy.keys = readTalkKeys(keys) }
        reading.tenant.recordings = policy
    }

    private func readTalkKeys(_ value: YAMLValue) -> [RecordingPolicy.Control: String] {
        guard var mapping = value.mapping("recordings.keys") else { return [:] }
        defer { mapping.finish("recordings.keys") }
        var keys: [RecordingPolicy.Control: String] = [:]
        for control in RecordingPolicy.Control.allCases {
            guard let written = mapping.take(control.rawValue), let code = written.string(control.rawValue) else {
                continue
            }
            guard (2...8).contains(code.utf8.count), code.allSatisfy("0123456789*#".contains) else {
                written.fault(
                    .badValue,
                    "'\(code)' is nothing to key in during a talk",
                    mend: "write 2 to 8 of 0-9, '*' and '#', in quotes"
                )
                continue
            }
            if let other = keys.first(where: { $0.value.hasSuffix(code) || code.hasSuffix($0.value) }) {
                written.fault(.duplicate, "'\(code)' ends as '\(other.value)' does", mend: "choose another code")
                continue
            }
            keys[control] = code
        }
        return keys
    }

    /// Each a file of `lists/` beside the dial plans, or the numbers themselves.
    private func readLists(_ value: YAMLValue, into reading: inout Reading) {
        guard var mapping = value.mapping("lists") else { return }
        for entry in mapping.all() {
            if entry.value.asSequence != nil {
                let numbers = entry.value.sequence(entry.name).compactMap { $0.string("a number") }
                reading.tenant.lists[entry.name] = NumberList(numbers.map { Substring($0) })
                continue
            }
            guard let file = entry.value.string("a list's file") else { continue }
            if let fault = unreadableLists[file] {
                faults.add(fault)
                continue
            }
            guard let list = lists[file] else {
                entry.value.fault(
                    .missingFile,
                    "there is no list '\(file)' in the folder lists beside the dial plans",
                    mend: suggestion(for: file, among: lists.keys)
                )
                continue
            }
            reading.tenant.listFiles[entry.name] = file
            reading.tenant.lists[entry.name] = list
        }
    }

    // MARK: users

    private func readUsers(_ value: YAMLValue, into reading: inout Reading) {
        for item in value.sequence("users") {
            guard var user = item.mapping("a user") else { continue }
            defer { user.finish("a user") }
            let numberValue = user.require("extension", of: "a user")
            let number = numberValue?.string("extension")
            let name = user.take("name")?.string("name")
            let role = user.take("role")?.choice("role", User.Role.self) ?? .operator
            let secret = readCredentials(
                &user,
                of: "the user",
                username: number ?? "",
                realm: reading.tenant.realm,
                isRequired: true
            )
            let pin = readPIN(&user, username: number ?? "", realm: reading.tenant.realm)
            let callerID = user.take("caller_id").flatMap(readCallerID)
            guard let number, let numberValue else { continue }
            guard number.utf8.count <= 32, number.utf8.allSatisfy(Self.isExtensionOctet) else {
                numberValue.fault(.badValue, "'\(number)' is no extension", mend: "use digits, letters, '*' and '#'")
                continue
            }
            guard reading.tenant.users[number] == nil else {
                numberValue.fault(.duplicate, "extension \(number) is given twice", mend: "choose another")
                continue
            }
            // Whose password is at fault is there all the same: nobody who names him is.
            let credentials = secret ?? Credentials(username: number, realm: reading.tenant.realm, ha1: [:])
            var known = User(number: number, name: name, role: role, credentials: credentials)
            (known.pin, known.callerID) = (pin, callerID)
            reading.tenant.users[number] = known
        }
    }

    static func isExtensionOctet(_ octet: UInt8) -> Bool {
        isNameOctet(octet) || octet == UInt8(ascii: "*") || octet == UInt8(ascii: "#") || octet == UInt8(ascii: "+")
    }

    /// A password, hashed here and forgotten, or its hashes.
    func readCredentials(
        _ mapping: inout YAMLMapping,
        of what: String,
        username: String,
        realm: String,
        isRequired: Bool
    ) -> Credentials? {
        let password = mapping.take("password")
        let hashes = mapping.take("ha1")
        if password == nil, hashes == nil, isRequired {
            mapping.place.fault(.missingKey, "\(what) has no password", mend: "add `password:`, or `ha1:`")
        }
        return credentials(of: what, password, hashes, ("password", "ha1"), username: username, realm: realm)
    }

    /// What a secret is kept as, whether it or its hashes are given; `names` are their keys.
    func credentials(
        of what: String,
        _ secret: YAMLValue?,
        _ hashes: YAMLValue?,
        _ names: (secret: String, hashes: String),
        username: String,
        realm: String
    ) -> Credentials? {
        switch (secret, hashes) {
        case (let password?, nil):
            guard let text = password.string("the \(names.secret)") else { return nil }
            return Credentials(username: username, realm: realm, password: text)
        case (nil, let hashes?): return readHashes(hashes, username: username, realm: realm)
        case (nil, nil): return nil
        case (.some, let hashes?):
            hashes.fault(.duplicate, "\(what) has a \(names.secret) and \(names.hashes)", mend: "keep one of them")
            return nil
        }
    }

    private func readHashes(_ value: YAMLValue, username: String, realm: String) -> Credentials? {
        guard var mapping = value.mapping("ha1") else { return nil }
        var hashes: [DigestAlgorithm: String] = [:]
        for (key, algorithm, length) in [("md5", DigestAlgorithm.md5, 32), ("sha256", .sha256, 64)] {
            guard let entry = mapping.take(key), let text = entry.string("ha1.\(key)") else { continue }
            guard text.utf8.count == length, text.allSatisfy(\.isHexDigit) else {
                entry.fault(.badValue, "ha1.\(key) is no hash", mend: "it has \(length) hexadecimal digits")
                continue
            }
            hashes[algorithm] = text.lowercased()
        }
        mapping.finish("ha1")
        guard !hashes.isEmpty else {
            value.fault(.missingKey, "ha1 has no hash", mend: "add `md5:` or `sha256:`")
            return nil
        }
        return Credentials(username: username, realm: realm, ha1: hashes)
    }
}

public import Config
import DialPlan
public import Events
public import Foundation
import Hashes
public import Records

/// The files of a configuration, as they are on disk, and what was applied since.
public struct ConfigurationFiles: Sendable {
    public struct Trouble: Error, CustomStringConvertible, Sendable {
        /// A line each.
        public var lines: [String]
        /// What to do, where the lines do not say so.
        public var mend: String?
        public var description: String { (lines + (mend.map { [$0] } ?? [])).joined(separator: "\n") }

        init(_ faults: [ConfigFault]) { lines = faults.map(\.description) }
        init(_ line: String) { lines = [line] }
        init(_ lines: [String], mend: String? = nil) { (self.lines, self.mend) = (lines, mend) }
    }

    public let file: URL
    public let node: ConfigurationText
    public let nodeConfiguration: NodeConfiguration
    /// Files of a folder for a tenant that another file there is for.
    private var doubles: [ConfigurationText] = []
    /// The texts are those of a running switch, which has read its folders.
    private var isInForce = false
    /// By the tenant's name.
    public private(set) var tenants: [String: ConfigurationText]
    /// By file name.
    public private(set) var dialPlans: [String: ConfigurationText]
    /// The folders' own files of tenants and plans.
    private var inFolders: [Subject: ConfigurationText] = [:]
    /// Of what was applied: the mark of the folders' file that it is in the place of; nil where there was none.
    private var replacing: [Subject: String?] = [:]
    /// Lists of numbers, beside the dial plans.
    public private(set) var lists: [ConfigurationText] = []
    /// Those that cannot be read: faults of the tenants who name them, and of nobody else.
    private(set) var unreadableLists: [ConfigFault] = []

    /// Reads the node's file and the folders that it names.
    public init(file path: String) throws(Trouble) {
        file = URL(fileURLWithPath: path)
        node = try Self.read(file, named: Self.shown(path), mend: "name the node's file with --config")
        let (read, faults) = NodeConfiguration.read(node)
        guard let read else { throw Trouble(faults) }
        nodeConfiguration = read
        try Self.requireCertificates(of: read, file, node.name)
        let base = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" : ""
        let show = { (folder: String) in Self.shown(base) + Self.shown(folder) }
        dialPlans = [:]
        tenants = [:]
        let listFolder = resolve(read.dialPlansPath).appending(path: "lists")
        let listsShown = show(read.dialPlansPath) + "/lists"
        (lists, unreadableLists) = try Self.contents(of: listFolder, named: listsShown, endings: [".txt"])
        for text in try Self.readFolder(resolve(read.dialPlansPath), named: show(read.dialPlansPath)) {
            dialPlans[text.fileName] = text
        }
        for text in try Self.readFolder(resolve(read.tenantsPath), named: show(read.tenantsPath)) {
            let name = Self.tenantName(in: text.text) ?? text.fileName
            if tenants[name] == nil { tenants[name] = text } else { doubles.append(text) }
        }
        for text in Array(tenants.values) + dialPlans.values { inFolders[Subject(of: text)] = text }
    }

    /// Folders that the node's file names, and that are not there: those that nobody named may come later.
    private var missingFolders: [ConfigFault] {
        nodeConfiguration.folders.filter { !Self.isFolder(resolve($0.path)) }.map {
            ConfigFault(
                file: node.name,
                position: $0.position,
                code: .missingFile,
                problem: "there is no folder '\($0.path)'",
                mend: "make it, or name the one that is meant"
            )
        }
    }

    private static func requireCertificates(
        of read: NodeConfiguration,
        _ file: URL,
        _ name: String
    ) throws(Trouble) {
        guard let named = read.certificates else { return }
        let place = URL(fileURLWithPath: named.path, relativeTo: file.deletingLastPathComponent())
        let text = (try? Data(contentsOf: place)).map { String(decoding: $0, as: UTF8.self) }
        guard text?.contains("-----BEGIN CERTIFICATE-----") != true else { return }
        let fault = ConfigFault(
            file: name,
            position: named.position,
            code: .missingFile,
            problem: text == nil ? "'\(named.path)' cannot be read" : "'\(named.path)' holds no certificate",
            mend: "name a file of certificates in PEM"
        )
        throw Trouble([fault])
    }

    /// A path as messages have it: what lies here needs no `./`.
    public static func shown(_ path: String) -> String { path.hasPrefix("./") ? String(path.dropFirst(2)) : path }

    /// A path of the node's file, which is relative to it.
    public func resolve(_ path: String) -> URL {
        path.hasPrefix("/")
            ? URL(fileURLWithPath: path) : file.deletingLastPathComponent().appending(path: path).standardizedFileURL
    }

    /// The tenant's own prompts, beside the dial plans.
    public var promptsFolder: URL { dialPlansFolder.appending(path: "prompts") }

    var tenantsFolder: URL { resolve(nodeConfiguration.tenantsPath) }
    var listsFolder: URL { dialPlansFolder.appending(path: "lists") }
    public var dialPlansFolder: URL { resolve(nodeConfiguration.dialPlansPath) }
    public func recordingsFolder(of tenant: TenantID) -> URL { TapeRoom.folder(of: tenant, in: dataFolder) }
    public var dataFolder: URL { resolve(nodeConfiguration.data) }
    public var socketPath: String { dataFolder.appending(path: "control.sock").path }

    /// Reads and checks everything together.
    public func configuration() throws(Trouble) -> Configuration {
        let (read, faults) = Configuration.read(
            node: node,
            tenants: (tenants.values + doubles).sorted { $0.name < $1.name },
            dialPlans: dialPlans.values.sorted { $0.name < $1.name },
            lists: lists,
            unreadableLists: unreadableLists
        )
        let all = (isInForce ? [] : missingFolders) + faults
        guard let read, all.isEmpty else { throw Trouble(all.map(\.description) + waysOut(of: all)) }
        return read
    }

    /// What is read of tenants, as one process of the owner's tells another. It holds secrets where the files do.
    public struct Texts: Codable, Sendable {
        var tenants: [String: ConfigurationText]
        var dialPlans: [String: ConfigurationText]
        var lists: [ConfigurationText]
    }

    public var texts: Texts { Texts(tenants: tenants, dialPlans: dialPlans, lists: lists) }

    /// With these in the place of its own.
    public func replaced(by texts: Texts) -> ConfigurationFiles {
        var files = self
        (files.tenants, files.dialPlans, files.lists) = (texts.tenants, texts.dialPlans, texts.lists)
        (files.doubles, files.isInForce) = ([], true)
        return files
    }

    /// What a text is about, and replaces the earlier text of: a tenant, or the plan of a file name.
    private struct Subject: Hashable {
        var kind: NodeDatabase.AppliedFile.Kind
        var name: String

        init(_ kind: NodeDatabase.AppliedFile.Kind, _ name: String) { (self.kind, self.name) = (kind, name) }

        init(of text: ConfigurationText) {
            let tenant = ConfigurationFiles.tenantName(in: text.text)
            self = tenant.map { Subject(.tenant, $0) } ?? Subject(.dialPlan, text.fileName)
        }
    }

    private subscript(subject: Subject) -> ConfigurationText? {
        get { subject.kind == .tenant ? tenants[subject.name] : dialPlans[subject.name] }
        set {
            switch subject.kind {
            case .tenant: tenants[subject.name] = newValue
            case .dialPlan: dialPlans[subject.name] = newValue
            }
        }
    }

    /// By what the folders' file of a tenant or plan is known again; nil: there is none.
    private func mark(of subject: Subject) -> String? {
        inFolders[subject].map { hex(sha256(Array($0.text.utf8))) }
    }

    /// Two texts that would take each other's place.
    static func doubled(among texts: [ConfigurationText]) -> (ConfigurationText, ConfigurationText)? {
        var known: [Subject: ConfigurationText] = [:]
        for text in texts {
            if let first = known.updateValue(text, forKey: Subject(of: text)) { return (first, text) }
        }
        return nil
    }

    /// Takes a text in, in the place of the one for the same tenant or of the same name. It counts until the folders' file of that is
    /// another than now.
    public mutating func put(_ text: ConfigurationText) {
        let subject = Subject(of: text)
        self[subject] = text
        if inFolders[subject]?.text == text.text {
            replacing[subject] = nil
        } else {
            replacing.updateValue(mark(of: subject), forKey: subject)
        }
    }

    /// The folders as they are by now: lists count, what the files of tenants and plans say is not in force yet.
    mutating func learn(filesOf folders: ConfigurationFiles) {
        (inFolders, lists, unreadableLists) = (folders.inFolders, folders.lists, folders.unreadableLists)
    }

    /// Takes away what was applied of a tenant, or of a plan by its file's name. The folders' file of it counts again.
    public mutating func remove(applied name: String) throws(Trouble) {
        let subjects = replacing.keys.filter { $0.name == name }
        for subject in subjects {
            self[subject] = inFolders[subject]
            replacing[subject] = nil
        }
        guard subjects.isEmpty else { return }
        if let file = (inFolders[Subject(.tenant, name)] ?? inFolders[Subject(.dialPlan, name)])?.name {
            throw Trouble("nothing is applied over \(name)'s file, \(file): delete that, and send the switch SIGHUP")
        }
        let known = applied.map(\.name).joined(separator: ", ")
        throw Trouble("'\(name)' was not applied; \(known.isEmpty ? "nothing was" : "these were: \(known)")")
    }

    /// With what was applied. The later word counts: an application, until the folders' file of that tenant or plan is changed, comes,
    /// or is deleted.
    func joined(by applied: [NodeDatabase.AppliedFile]) -> ConfigurationFiles {
        var whole = self
        for file in applied {
            let subject = Subject(file.kind, file.name)
            guard file.replacing == mark(of: subject) else { continue }
            let ending = file.kind == .tenant ? ".yaml" : ""
            whole[subject] = ConfigurationText(name: "\(Self.appliedPrefix)\(file.name)\(ending)", text: file.text)
            whole.replacing.updateValue(file.replacing, forKey: subject)
        }
        return whole
    }

    /// What the database keeps, to be in force after a restart.
    public var applied: [NodeDatabase.AppliedFile] {
        replacing.compactMap { subject, mark in
            self[subject].map {
                NodeDatabase.AppliedFile(kind: subject.kind, name: subject.name, text: $0.text, replacing: mark)
            }
        }.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    /// The folders' file of the tenant or plan that a text is of.
    func file(for text: ConfigurationText) -> ConfigurationText? { inFolders[Subject(of: text)] }

    /// Where texts are that faults name and that are no files, and what can be done about them.
    private func waysOut(of faults: [ConfigFault]) -> [String] {
        applied.compactMap { file in
            guard let text = self[Subject(file.kind, file.name)],
                text.name.hasPrefix(Self.appliedPrefix),
                faults.contains(where: { $0.file == text.name || $0.problem.contains(text.name) })
            else { return nil }
            return "\(text.name) is no file: `gudok apply` put it into \(dataFolder.path)/gudok.sqlite; "
                + "apply another text of it, or take it away: gudok apply --remove \(file.name)"
        }
    }

    /// Of the names under which faults show what was applied before the last start.
    static let appliedPrefix = "applied/"

    /// Whose file a text is: the value of its key `tenant`; nil for a dial plan.
    static func tenantName(in text: String) -> String? {
        // Octet by octet: a file may have a list of a hundred thousand numbers.
        for line in text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }) where line.starts(with: "tenant:".utf8) {
            let value = Substring(line.dropFirst(7)).prefix { $0 != "#" }
            return value.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"'"))
        }
        return nil
    }
}

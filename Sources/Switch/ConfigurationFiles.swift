public import Config
public import Foundation
public import Records

/// The files of a configuration, as they are on disk, and what was applied since.
public struct ConfigurationFiles: Sendable {
    public struct Trouble: Error, CustomStringConvertible, Sendable {
        /// A line each.
        public var lines: [String]
        public var description: String { lines.joined(separator: "\n") }

        init(_ faults: [ConfigFault]) { lines = faults.map(\.description) }
        init(_ line: String) { lines = [line] }
        init(_ lines: [String]) { self.lines = lines }
    }

    public let file: URL
    public let node: ConfigurationText
    public let nodeConfiguration: NodeConfiguration
    /// Files of a folder for a tenant that another file there is for.
    private var doubles: [ConfigurationText] = []
    /// By the tenant's name.
    public private(set) var tenants: [String: ConfigurationText]
    /// By file name.
    public private(set) var dialPlans: [String: ConfigurationText]
    /// Names of tenants, and of plans, whose text was applied and not read from the folders.
    private var appliedTenants: Set<String> = []
    private var appliedPlans: Set<String> = []
    /// Lists of numbers, beside the dial plans.
    public private(set) var lists: [ConfigurationText] = []

    /// Reads the node's file and the folders that it names.
    public init(file path: String) throws(Trouble) {
        file = URL(fileURLWithPath: path)
        node = try Self.read(file, named: Self.shown(path))
        let (read, faults) = NodeConfiguration.read(node)
        guard let read else { throw Trouble(faults) }
        nodeConfiguration = read
        try Self.requireCertificates(of: read, file, node.name)
        let base = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" : ""
        let show = { (folder: String) in Self.shown(base) + Self.shown(folder) }
        dialPlans = [:]
        tenants = [:]
        let listFolder = resolve(read.dialPlansPath).appending(path: "lists")
        lists = try Self.readFolder(listFolder, named: show(read.dialPlansPath) + "/lists", endings: [".txt"])
        for text in try Self.readFolder(resolve(read.dialPlansPath), named: show(read.dialPlansPath)) {
            dialPlans[text.fileName] = text
        }
        for text in try Self.readFolder(resolve(read.tenantsPath), named: show(read.tenantsPath)) {
            let name = Self.tenantName(in: text.text) ?? text.fileName
            if tenants[name] == nil { tenants[name] = text } else { doubles.append(text) }
        }
    }

    /// Folders that the node's file names, and that are not there: those that nobody named may come later.
    private var missingFolders: [ConfigFault] {
        nodeConfiguration.folders.filter {
            var isFolder: ObjCBool = false
            return
                !(FileManager.default.fileExists(atPath: resolve($0.path).path, isDirectory: &isFolder)
                && isFolder.boolValue)
        }.map {
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
    public var promptsFolder: URL { resolve(nodeConfiguration.dialPlansPath).appending(path: "prompts") }
    public var dataFolder: URL { resolve(nodeConfiguration.data) }
    public var socketPath: String { dataFolder.appending(path: "control.sock").path }

    /// Reads and checks everything together.
    public func configuration() throws(Trouble) -> Configuration {
        let (read, faults) = Configuration.read(
            node: node,
            tenants: (tenants.values + doubles).sorted { $0.name < $1.name },
            dialPlans: dialPlans.values.sorted { $0.name < $1.name },
            lists: lists
        )
        let all = missingFolders + faults
        guard let read, all.isEmpty else { throw Trouble(all) }
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
        files.doubles = []
        return files
    }

    /// Takes a file in, in the place of the one for the same tenant or of the same name.
    public mutating func put(_ text: ConfigurationText) {
        if let tenant = Self.tenantName(in: text.text) {
            tenants[tenant] = text
            appliedTenants.insert(tenant)
        } else {
            dialPlans[text.fileName] = text
            appliedPlans.insert(text.fileName)
        }
    }

    /// What was applied, as the database keeps it: without a file of its own in the folders it is in force after a restart.
    public var applied: [NodeDatabase.AppliedFile] {
        tenants.filter { appliedTenants.contains($0.key) }.map {
            NodeDatabase.AppliedFile(kind: .tenant, name: $0.key, text: $0.value.text)
        }
            + dialPlans.filter { appliedPlans.contains($0.key) }.map {
                NodeDatabase.AppliedFile(kind: .dialPlan, name: $0.key, text: $0.value.text)
            }
    }

    /// Whose file a text is: the value of its key `tenant`; nil for a dial plan.
    static func tenantName(in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("tenant:") {
            let value = line.dropFirst(7).prefix { $0 != "#" }
            return value.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"'"))
        }
        return nil
    }

    public static func read(_ url: URL, named name: String) throws(Trouble) -> ConfigurationText {
        do {
            let data = try Data(contentsOf: url)
            guard let text = String(data: data, encoding: .utf8) else {
                throw Trouble("\(name):1:1: error: the file is no UTF-8 text [yaml]; save it as UTF-8")
            }
            return ConfigurationText(name: name, text: text)
        } catch let trouble as Trouble {
            throw trouble
        } catch {
            throw Trouble(
                "\(name):1:1: error: cannot be read: \(error.localizedDescription) [missing-file]; "
                    + "name the node's file with --config"
            )
        }
    }

    private static func readFolder(
        _ folder: URL,
        named name: String,
        endings: [String] = [".yaml", ".yml"]
    ) throws(Trouble) -> [ConfigurationText] {
        // A folder that is not there holds nothing: a node without tenants can be started, and given some later.
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return [] }
        var texts: [ConfigurationText] = []
        for file in files.sorted() where endings.contains(where: file.hasSuffix) {
            texts.append(try read(folder.appending(path: file), named: "\(name)/\(file)"))
        }
        return texts
    }
}

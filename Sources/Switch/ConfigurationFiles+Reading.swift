public import Config
import DialPlan
public import Foundation
import Records

/// Reading the texts from the disk.
extension ConfigurationFiles {
    /// Of one text, in octets: a configuration of a thousand tenants has some.
    private static let longest = 64 << 20

    public static let readable = "name a file that is there and yours to read"

    /// `mayBePipe`: what somebody names for once may be one; a folder's would be waited for at every reading.
    public static func read(
        _ url: URL,
        named name: String,
        mayBePipe: Bool = false,
        mend: String = readable
    ) throws(Trouble) -> ConfigurationText {
        do { return try text(of: url, named: name, mayBePipe: mayBePipe, mend: mend) } catch { throw Trouble([error]) }
    }

    private static func text(
        of url: URL,
        named name: String,
        mayBePipe: Bool,
        mend: String
    ) throws(ConfigFault) -> ConfigurationText {
        func fault(
            _ problem: String,
            _ mend: String,
            _ code: ConfigFault.Code = .missingFile,
            at position: SourcePosition = SourcePosition(line: 1, column: 1)
        ) -> ConfigFault {
            ConfigFault(file: name, position: position, code: code, problem: problem, mend: mend)
        }
        let kind = FileKind(of: url.path)
        guard mayBePipe || !kind.isSpecial else {
            throw fault("cannot be read: it is a pipe or a device", "write it to a file")
        }
        guard kind.size <= longest else { throw fault("it has more than 64 MiB", "name a text", .yaml) }
        let data: Data
        do { data = try kind.isSpecial ? piped(url) : Data(contentsOf: url) } catch {
            let why = isFolder(url) ? "it is a folder" : FileFault(reading: error).why
            throw fault("cannot be read: \(why)", mend)
        }
        guard data.count <= longest || !kind.isSpecial else {
            throw fault("more than 64 MiB come from it", "write it to a file")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw fault("what is here is no UTF-8", "save the file as UTF-8 text", .yaml, at: faultOfText(data))
        }
        guard !kind.isSpecial || tenantName(in: text) != nil else {
            throw fault("no tenant comes from it", "write a dial plan to a file, whose name it goes by")
        }
        return ConfigurationText(name: name, text: text)
    }

    /// Where the first octet is that is no UTF-8.
    private static func faultOfText(_ data: Data) -> SourcePosition {
        var (line, column) = (1, 1)
        var (decoder, octets) = (UTF8(), data.makeIterator())
        while case .scalarValue(let scalar) = decoder.decode(&octets) {
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
        return SourcePosition(line: line, column: column)
    }

    /// An octet more than it may bring, at most.
    private static func piped(_ url: URL) throws -> Data {
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        var data = Data()
        while data.count <= longest, let more = try handle.read(upToCount: longest + 1 - data.count),
            !more.isEmpty
        {
            data += more
        }
        return data
    }

    static func isFolder(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// What begins with a dot is an editor's, or a file system's, and no shell's `*` means it.
    static func isNamed(_ file: String, _ endings: [String] = [".yaml", ".yml"]) -> Bool {
        !file.hasPrefix(".") && endings.contains(where: file.hasSuffix)
    }

    static func readFolder(_ folder: URL, named name: String) throws(Trouble) -> [ConfigurationText] {
        let (texts, faults) = try contents(of: folder, named: name, endings: [".yaml", ".yml"])
        guard faults.isEmpty else { throw Trouble(faults) }
        return texts
    }

    /// The texts of a folder's files, and what is wrong with those that cannot be read.
    static func contents(
        of folder: URL,
        named name: String,
        endings: [String]
    ) throws(Trouble) -> (texts: [ConfigurationText], faults: [ConfigFault]) {
        // A folder that is not there holds nothing here; whether it may be missing is looked at elsewhere. One that cannot be listed must not
        // pass for an empty one: a reload would take every tenant away.
        guard isFolder(folder) else { return ([], []) }
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        } catch {
            let fault = "the folder cannot be listed: \(FileFault(reading: error).why)"
            throw Trouble("\(name):1:1: error: \(fault) [missing-file]; make it yours to read")
        }
        var (texts, faults): ([ConfigurationText], [ConfigFault]) = ([], [])
        for file in files.sorted() where Self.isNamed(file, endings) {
            do throws(ConfigFault) {
                let place = folder.appending(path: file)
                texts.append(try text(of: place, named: "\(name)/\(file)", mayBePipe: false, mend: Self.readable))
            } catch {
                faults.append(error)
            }
        }
        return (texts, faults)
    }
}

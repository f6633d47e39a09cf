import Accounting
import Events
import Foundation
import Records

/// A file of records, a line of JSON each. It is opened for each handing over, so whoever moves it away gets a new one.
struct RecordFile {
    private let place: URL

    /// `folder` is the switch's folder of data.
    init(tenant: TenantID, name: String, in folder: URL) {
        place = folder.appending(path: "tenants").appending(path: tenant.name).appending(path: name)
    }

    /// Adds the records that are not among the last ones already, and returns when they are on disk.
    func append(_ records: [CallRecord]) throws {
        let descriptor = place.path.withCString { Glibc.open($0, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw FileFault(writing: POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let tail = try self.tail(of: file)
        // What a crash cut off is a line of its own, which is no JSON: the record follows whole.
        var text = tail.isEmpty || tail.last == UInt8(ascii: "\n") ? Data() : Data("\n".utf8)
        let known = Set(tail.split(separator: UInt8(ascii: "\n")).compactMap(Self.callID))
        for record in records where !known.contains(record.callID) {
            text += try RecordDelivery.encoder.encode(record) + Data("\n".utf8)
        }
        do {
            // What an attempt before wrote, and did not get to the disk, is written and not yet safe.
            if !text.isEmpty { try file.write(contentsOf: text) }
            try file.synchronize()
        } catch { throw FileFault(writing: error) }
    }

    /// The last lines: what one handing over can have written before a crash.
    private func tail(of file: FileHandle) throws -> Data {
        let length = try file.seekToEnd()
        try file.seek(toOffset: length - min(length, 4 << 20))
        return try file.readToEnd() ?? Data()
    }

    private static func callID(_ line: Data) -> String? {
        struct Line: Decodable { var call_id: String }
        return try? JSONDecoder().decode(Line.self, from: line).call_id
    }
}

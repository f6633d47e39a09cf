public import Events
public import Foundation
import GRDB
import Timebase

/// Rows that a tenant's database will never take, kept beside it in `tenants/NAME/set-aside.jsonl`: nothing that was to be on record is
/// lost, and what comes after is not held up.
///
/// A row is a line of JSON: `at` (RFC 3339), `why` (the database's words), `kind` and `row`.
struct SetAside {
    static let file = "set-aside.jsonl"

    let place: URL

    init(in folder: URL, of tenant: TenantID) {
        place = folder.appending(path: "tenants").appending(path: tenant.name).appending(path: Self.file)
    }

    /// How many there are; throws when the file is there and cannot be read.
    var count: Int {
        get throws {
            guard try OpeningFault.isThere(place) else { return 0 }
            let octets = try Data(contentsOf: place, options: .mappedIfSafe)
            return octets.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        }
    }

    /// The lines are on disk when this returns, or none of them is.
    func add(_ refused: [Refused], at moment: WallTime) throws {
        guard !refused.isEmpty else { return }
        if !FileManager.default.fileExists(atPath: place.path) {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
            // That it failed is told by the handle below, with the cause.
            _ = FileManager.default.createFile(atPath: place.path, contents: nil, attributes: attributes)
        }
        let handle = try FileHandle(forWritingTo: place)
        let end = try handle.seekToEnd()
        do {
            try handle.write(contentsOf: refused.reduce(into: Data()) { $0 += $1.line(at: moment) })
            try handle.synchronize()
        } catch {
            // Half a line would spoil the next one.
            try? handle.truncate(atOffset: end)
            throw error
        }
        try handle.close()
    }

    /// A row, and why it was refused.
    struct Refused {
        var row: HistoryRow
        var why: String

        fileprivate func line(at moment: WallTime) -> Data {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // What no JSON has may be the very thing that was refused.
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf",
                negativeInfinity: "-inf",
                nan: "nan"
            )
            let (kind, value) = row.written
            let line = Line(at: "\(moment)", why: why, kind: kind, row: value)
            let text = Line(at: "\(moment)", why: why, kind: kind, row: "\(row)")
            return ((try? encoder.encode(line)) ?? (try? encoder.encode(text)) ?? Data("\(row)".utf8)) + Data("\n".utf8)
        }
    }

    private struct Line: Encodable {
        var at: String
        var why: String
        var kind: String
        var row: any Encodable

        enum CodingKeys: CodingKey { case at, why, kind, row }

        func encode(to encoder: any Encoder) throws {
            var keys = encoder.container(keyedBy: CodingKeys.self)
            try keys.encode(at, forKey: .at)
            try keys.encode(why, forKey: .why)
            try keys.encode(kind, forKey: .kind)
            try row.encode(to: keys.superEncoder(forKey: .row))
        }
    }
}

extension HistoryRow {
    /// What a person who writes it in by hand needs.
    fileprivate var written: (kind: String, row: any Encodable) {
        switch self {
        case .call(let record): ("call", record)
        case .stay(let stay): ("queue-stay", stay)
        case .missed(let offer): ("missed-offer", offer)
        case .ownTalk(let talk): ("own-talk", talk)
        case .agent(let interval): ("agent-state", interval)
        case .recordingStarted(let recording): ("recording", recording)
        case .recordingPaused(let id, let at): ("recording-paused", ["id": id, "at_ms": "\(at)"])
        case .recordingResumed(let id, let at): ("recording-resumed", ["id": id, "at_ms": "\(at)"])
        case .recordingJoined(let id, let agent): ("recording-joined", ["id": id, "agent": agent])
        case .recordingEnded(let end): ("recording-ended", end)
        case .callback(let callback): ("callback", callback.callback)
        case .event(let draft): ("event", draft.event)
        }
    }
}

extension RecordFolder {
    /// Rows that were set aside because the tenant's database will never take them, and the file they are in; throws when that cannot be read.
    public func setAside(of tenant: TenantID) throws -> (count: Int, place: URL) {
        let setAside = SetAside(in: folder, of: tenant)
        return (try setAside.count, setAside.place)
    }
}

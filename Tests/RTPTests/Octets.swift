import Foundation
import RTP

/// The octets that a line of hexadecimal digits writes; empty when it is none.
func octets(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap { $0.hexDigitValue.map { UInt8($0) } }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func header(_ packet: [UInt8]) -> RTPHeader? { packet.withUnsafeBytes { RTPHeader($0) } }
func control(_ packet: [UInt8]) -> RTCPPacket? { packet.withUnsafeBytes { RTCPPacket($0) } }

extension RTPHeader {
    /// A packet of 20 ms G.711, as its receiver sees it.
    init(_ sequence: UInt16, timestamp: UInt32, ssrc: UInt32 = 1, marker: Bool = false) {
        let fixed: [UInt8] = [UInt8(0x80), 0] + [UInt8](repeating: 0, count: 170)
        guard let parsed = header(fixed) else { preconditionFailure("a header that cannot fail") }
        self = parsed
        (self.sequence, self.timestamp, self.ssrc, self.marker) = (sequence, timestamp, ssrc, marker)
    }
}

/// The third-party test material beside the repository; nil where it is absent, and the tests that read it are skipped.
enum ThirdParty {
    static let folder: URL? = {
        let here = URL(filePath: #filePath).resolvingSymlinksInPath()
        let folder = here.appending(path: "../../../../shared/conformance").standardizedFileURL
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static var isPresent: Bool { folder != nil }

    static func json(_ path: String) throws -> [String: Any] {
        guard let folder else { return [:] }
        let data = try Data(contentsOf: folder.appending(path: path))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    static func files(under path: String) -> [[UInt8]] {
        guard let folder,
            let found = FileManager.default.enumerator(
                at: folder.appending(path: path),
                includingPropertiesForKeys: nil
            )
        else { return [] }
        return found.compactMap { $0 as? URL }.compactMap { try? Data(contentsOf: $0) }.map { Array($0) }
    }
}

import Foundation
import Simulation
import Testing

/// The torture messages of RFC 4475 and RFC 5118, as datagrams of a stranger at the whole engine's door.
@Suite struct TortureTests {
    private struct Case: Decodable {
        var name: String
        var file: String
        var expect: String
        var codes: [Int]
    }

    private struct Table: Decodable { var cases: [Case] }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/conformance")

    /// The final status of an answer; nil for a provisional one.
    private static func status(_ bytes: [UInt8]) -> Int? {
        let words = String(decoding: bytes.prefix(16), as: UTF8.self).split(separator: " ")
        guard words.count > 1, words[0] == "SIP/2.0", let status = Int(words[1]), status >= 200 else { return nil }
        return status
    }

    private static let options = Array(
        ("OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.200;branch=z9hG4bK%@\r\nMax-Forwards: 70\r\n"
            + "From: <sip:a@b>;tag=1\r\nTo: <sip:10.0.0.1>\r\nCall-ID: %@\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
            .utf8
    )

    @Test(arguments: ["rfc4475.json", "rfc5118.json"])
    func `B001: each torture message gets the answer that its RFC asks for, and OPTIONS is answered after it`(
        table name: String
    ) throws {
        let file = Self.folder.appending(path: name)
        guard let data = try? Data(contentsOf: file) else {
            print("skipped: \(name) is not there (../shared/conformance)")
            return
        }
        let centre = try #require(SimulatedCentre(seed: 1, conditions: .perfect))
        for message in try JSONDecoder().decode(Table.self, from: data).cases {
            let bytes = Array(try Data(contentsOf: Self.folder.appending(path: message.file)))
            let answers = centre.exchange(bytes).compactMap(Self.status)
            switch message.expect {
            case "accept":
                let isAccepted = answers.first.map {
                    $0 < 400 || message.codes.contains($0)
                        || [401, 403, 404, 405, 407, 480, 481, 489, 501].contains($0)
                }
                #expect(isAccepted == true, "\(message.name): \(answers)")
            case "reject":
                #expect(
                    answers.first.map(message.codes.contains) == true,
                    "\(message.name): \(answers), not \(message.codes)"
                )
            case "drop": #expect(answers.isEmpty, "\(message.name): \(answers)")
            default: #expect(answers.count <= 1, "\(message.name): \(answers)")
            }
            let probe = String(decoding: Self.options, as: UTF8.self).replacingOccurrences(of: "%@", with: message.name)
            #expect(centre.exchange(Array(probe.utf8)).compactMap(Self.status) == [200], "after \(message.name)")
        }
    }

    /// Everything under `fuzz` and `sdp`: whatever comes, the engine answers the next OPTIONS.
    @Test func `no file of the fuzzers' corpora stops the engine`() throws {
        let centre = try #require(SimulatedCentre(seed: 2, conditions: .perfect))
        guard
            let files = FileManager.default.enumerator(at: Self.folder, includingPropertiesForKeys: [.isRegularFileKey])
        else {
            print("skipped: ../shared/conformance is not there")
            return
        }
        var count = 0
        for case let url as URL in files
        where (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true {
            let bytes = Array(try Data(contentsOf: url).prefix(65_507))
            _ = centre.exchange(bytes)
            count += 1
            // The same octets as the body of an INVITE: whatever an SDP reader could stumble over.
            let head =
                "INVITE sip:600@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.99;branch=z9hG4bKf\(count)\r\nMax-Forwards: 70\r\n"
                + "From: <sip:a@b>;tag=1\r\nTo: <sip:600@10.0.0.1>\r\nCall-ID: f\(count)\r\nCSeq: 1 INVITE\r\n"
                + "Contact: <sip:a@10.0.0.99>\r\nContent-Type: application/sdp\r\nContent-Length: \(min(bytes.count, 60_000))\r\n\r\n"
            _ = centre.exchange(Array(head.utf8) + bytes.prefix(60_000))
        }
        let probe = String(decoding: Self.options, as: UTF8.self).replacingOccurrences(of: "%@", with: "last")
        #expect(centre.exchange(Array(probe.utf8)).compactMap(Self.status) == [200])
        if count == 0 { print("skipped: ../shared/conformance is empty") }
    }
}

import Foundation
import SIPMessage

/// What the parser made of a message, in a form to compare.
enum Verdict: Hashable, CustomStringConvertible {
    case request, response, keepAlive, dropped
    case refused(Int?)

    init(_ outcome: ParseOutcome) {
        switch outcome {
        case .message(.request): self = .request
        case .message(.response): self = .response
        case .faulty(_, let fault): self = .refused(fault.status)
        case .unusable: self = .dropped
        case .keepAlive: self = .keepAlive
        }
    }

    var description: String {
        switch self {
        case .request: "request"
        case .response: "response"
        case .keepAlive: "keep-alive"
        case .dropped: "dropped"
        case .refused(let status): "refused with \(status.map { "\($0)" } ?? "nothing")"
        }
    }
}

extension ParseOutcome {
    var verdict: Verdict { Verdict(self) }

    var request: SIPRequest? {
        switch self {
        case .message(.request(let request)), .faulty(let request, _): request
        case .message(.response), .unusable, .keepAlive: nil
        }
    }

    var fault: SIPFault? {
        switch self {
        case .faulty(_, let fault), .unusable(let fault): fault
        case .message, .keepAlive: nil
        }
    }
}

/// A well-formed request whose lines a test replaces, adds or takes away.
struct Sample {
    var start = "INVITE sip:1002@example.com SIP/2.0"
    var lines = [
        "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9;rport",
        "Max-Forwards: 70",
        "From: \"Alice\" <sip:1001@example.com>;tag=9fxced76sl",
        "To: <sip:1002@example.com>",
        "Call-ID: 3848276298220188511@client.example.com",
        "CSeq: 1 INVITE",
    ]
    var body = ""

    /// Replaces the line of that header, or adds it; nil takes it away.
    func with(_ name: String, _ value: String?) -> Sample {
        var copy = self
        let index = copy.lines.firstIndex { $0.hasPrefix(name + ":") }
        switch (index, value) {
        case (let index?, let value?): copy.lines[index] = "\(name): \(value)"
        case (let index?, nil): copy.lines.remove(at: index)
        case (nil, let value?): copy.lines.append("\(name): \(value)")
        case (nil, nil): break
        }
        return copy
    }

    func adding(_ line: String) -> Sample {
        var copy = self
        copy.lines.append(line)
        return copy
    }

    func starting(_ line: String) -> Sample {
        var copy = self
        copy.start = line
        return copy
    }

    func with(body: String, type: String = "application/sdp") -> Sample {
        var copy = adding("Content-Type: \(type)").adding("Content-Length: \(body.utf8.count)")
        copy.body = body
        return copy
    }

    var bytes: [UInt8] { Array(([start] + lines).joined(separator: "\r\n").utf8) + Array(("\r\n\r\n" + body).utf8) }
    var outcome: ParseOutcome { parseDatagram(bytes) }
    var verdict: Verdict { outcome.verdict }

    static let response = Sample(start: "SIP/2.0 200 OK")
}

/// The third-party material beside the repository; nil where it is not there.
enum Conformance {
    static let folder: String? = {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let candidates = [here, FileManager.default.currentDirectoryPath].map { "\($0)/../shared/conformance" }
        let found = candidates.first { FileManager.default.fileExists(atPath: $0) }
        if found == nil { print("skipped: ../shared/conformance is absent") }
        return found
    }()

    static var isPresent: Bool { folder != nil }

    static func bytes(_ path: String) -> [UInt8] {
        guard let folder, let data = FileManager.default.contents(atPath: "\(folder)/\(path)") else { return [] }
        return Array(data)
    }

    /// Every file below `fuzz`, with its octets.
    static func fuzzFiles() -> [(path: String, bytes: [UInt8])] {
        guard let folder, let all = FileManager.default.enumerator(atPath: "\(folder)/fuzz") else { return [] }
        return all.compactMap { $0 as? String }.sorted().compactMap { path in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(folder)/fuzz/\(path)", isDirectory: &isFolder),
                !isFolder.boolValue
            else { return nil }
            return (path, bytes("fuzz/\(path)"))
        }
    }
}

/// SplitMix64: the same seed gives the same run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

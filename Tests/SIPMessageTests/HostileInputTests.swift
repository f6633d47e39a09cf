import SIPMessage
import Testing

/// Reads everything that can be asked of a message; only a trap would be a failure.
func readAll(_ outcome: ParseOutcome) -> Int {
    func read(_ message: some SIPMessageContent) -> Int {
        var sum = message.headers.map { $0.name.name.utf8.count + $0.value.utf8.count }.reduce(0, +)
        sum += (try? message.vias().count) ?? 0
        sum += (try? message.topVia().description.utf8.count) ?? 0
        sum += (try? message.from().description.utf8.count) ?? 0
        sum += (try? message.to().description.utf8.count) ?? 0
        sum += (try? message.contacts().map { $0.description.utf8.count }.reduce(0, +)) ?? 0
        sum += (try? message.routes().count) ?? 0
        sum += (try? message.recordRoutes().count) ?? 0
        sum += Int((try? message.expires()) ?? 0) & 1
        sum += (try? message.maxForwards()) ?? 0
        sum += (try? message.callID().utf8.count) ?? 0
        sum += (try? message.cSeq()).map { Int($0.number & 1) } ?? 0
        sum += message.fromTag?.utf8.count ?? 0
        sum += message.sdpBody()?.count ?? 0
        sum += message.contentType()?.utf8.count ?? 0
        for name in Set(message.headers.map(\.name)) { sum += message.headers.list(name).count }
        return sum
    }
    switch outcome {
    case .message(.request(let request)), .faulty(let request, _):
        return read(request) + SIPResponse(status: 400, to: request, toTag: "t").write().count + request.write().count
    case .message(.response(let response)): return read(response) + response.write().count
    case .unusable(let fault): return fault.description.utf8.count
    case .keepAlive: return 0
    }
}

@Suite("Hostile input: any octets parse or throw, and what was parsed can be written and parsed again")
struct HostileInputTests {
    /// Octets of one write are the same as of the next: nothing is lost or gained on the way.
    private func checkIdentity(_ bytes: [UInt8], _ label: String) {
        guard case .message(let message) = parseDatagram(bytes) else { return }
        let written = message.write()
        guard case .message(let again) = parseDatagram(written) else {
            // What arrived in one datagram may be over a limit once its compact names are written out.
            if written.count <= bytes.count { Issue.record("what was written does not parse: \(label)") }
            return
        }
        #expect(again.write() == written, "\(label)")
        #expect(again.headers.count >= message.headers.count, "\(label)")
        #expect(again.body == message.body, "\(label)")
    }

    @Test(.enabled(if: Conformance.isPresent))
    func `every file of the fuzz folder`() {
        let files = Conformance.fuzzFiles()
        #expect(!files.isEmpty)
        var sum = 0
        for file in files {
            sum &+= readAll(parseDatagram(file.bytes))
            checkIdentity(file.bytes, file.path)
            var framer = StreamFramer()
            framer.append(file.bytes)
            while let framed = framer.next() {
                if case .message(let outcome) = framed { sum &+= readAll(outcome) }
            }
            let text = String(decoding: file.bytes.prefix(2000), as: UTF8.self)
            sum &+= (try? SIPURI(text))?.host.utf8.count ?? 0
            sum &+= (try? NameAddress(text))?.uri.host.utf8.count ?? 0
            sum &+= (try? Via(text))?.host.utf8.count ?? 0
        }
        #expect(sum > 0)
    }

    @Test(.enabled(if: Conformance.isPresent))
    func `captured traffic parses`() {
        for file in Conformance.fuzzFiles() where file.path.hasPrefix("pcap-sip/") {
            let outcome = parseDatagram(file.bytes)
            if case .message = outcome { continue }
            #expect(knownBroken[file.path] != nil, "\(file.path): \(outcome.fault.map { "\($0)" } ?? "")")
        }
    }

    /// Seeds: a valid message of several kinds, damaged.
    private static let seeds: [[UInt8]] = [
        Sample().with(body: "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n").bytes,
        Sample.response.with("Contact", "\"x, y\" <sip:a@[2001:db8::1]:5060;transport=tcp>;q=0.5;expires=60, *").bytes,
        Sample().starting("REGISTER sip:[::1] SIP/2.0").with("CSeq", "7 REGISTER").with("Contact", "*").bytes,
        Sample().with(
            body: "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--",
            type: "multipart/mixed;boundary=b"
        ).bytes,
        Sample().adding("Subject: a\r\n b").adding("Route: <sip:a;lr>, <sip:b%20c@d;lr?x=y>").adding("Require: 100rel")
            .bytes,
    ]

    private static let interesting: [UInt8] = Array("\r\n\t \"\\<>;,:=@%?&[]()0-".utf8) + [0, 0x7F, 0x80, 0xFF]

    private func damage(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let octet = Self.interesting.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[at] = octet
            case 1: bytes.insert(octet, at: at)
            case 2: bytes.remove(at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &random)))
            case 4:
                let piece = bytes[at..<min(bytes.count, at + Int.random(in: 1...60, using: &random))]
                bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
            case 5:
                bytes.insert(
                    contentsOf: [UInt8](repeating: octet, count: Int.random(in: 2...300, using: &random)),
                    at: at
                )
            default: bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    @Test("500 seeds of damaged messages", arguments: 0..<500)
    func damaged(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for (index, original) in Self.seeds.enumerated() {
            for _ in 0..<8 {
                let bytes = damage(original, &random)
                _ = readAll(parseDatagram(bytes))
                checkIdentity(bytes, "seed \(seed), message \(index): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }

    @Test("200 seeds of noise", arguments: 0..<200)
    func noise(seed: Int) {
        var random = SplitMix(seed: UInt64(seed) &+ 1_000_000)
        let octets = (0..<Int.random(in: 0...600, using: &random)).map { _ in
            Bool.random(using: &random)
                ? Self.interesting.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
        }
        _ = readAll(parseDatagram(octets))
        _ = readAll(parseDatagram(Array("INVITE sip:a SIP/2.0\r\n".utf8) + octets))
        let text = String(decoding: octets, as: UTF8.self)
        _ = (try? SIPURI("sip:" + text))?.description
        _ = (try? NameAddress("<sip:a>" + text))?.description
    }

    @Test("200 seeds of streams: cuts do not change what is read", arguments: 0..<200)
    func streams(seed: Int) {
        var random = SplitMix(seed: UInt64(seed) &+ 2_000_000)
        var stream: [UInt8] = []
        for _ in 0..<4 {
            let original = Self.seeds.randomElement(using: &random) ?? []
            stream += Bool.random(using: &random) ? original : damage(original, &random)
        }
        func verdicts(_ chunk: () -> Int) -> [String] {
            var framer = StreamFramer()
            var found: [String] = []
            var at = 0
            while at < stream.count {
                let end = min(stream.count, at + chunk())
                framer.append(stream[at..<end])
                at = end
                while let framed = framer.next() {
                    switch framed {
                    case .message(let outcome): found.append("\(outcome.verdict) \(readAll(outcome))")
                    case .ping: found.append("ping")
                    case .failed: found.append("failed")
                    }
                }
            }
            return found
        }
        let whole = verdicts { stream.count }
        #expect(verdicts { Int.random(in: 1...50, using: &random) } == whole, "seed \(seed)")
        #expect(verdicts { 1 } == whole, "seed \(seed)")
    }
}

/// Captures that are not sound SIP, and why.
private let knownBroken: [String: String] = [
    "pcap-sip/nDPI-http_on_sip_port-002.sip": "HTTP",
    "pcap-sip/zeek-invalid-content-length-002.sip": "Content-Length: xyz",
    "pcap-sip/zeek-sip-junk-before-request-001.sip": "no Via, no From, no To",
]

import NetAddress
import RTP
import SDP
import SIPMessage

/// One input for every parser that reads the wire: the first octet says which. What is read is written, and what was written must
/// read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    switch data[0] % 5 {
    case 0: fuzzDatagram(bytes)
    case 1: fuzzStream(bytes, cut: Int(data[0]))
    case 2: fuzzDescription(bytes)
    case 3:
        bytes.withUnsafeBytes { octets in
            guard let header = RTPHeader(octets) else { return }
            let end = header.payloadOffset + header.payloadLength
            precondition(end <= octets.count, "the payload ends behind the packet")
            _ = TelephoneEvent(UnsafeRawBufferPointer(rebasing: octets[header.payloadOffset..<end]))
            var statistics = StreamStatistics()
            statistics.receive(header, clockRate: 8_000, at: 1)
            _ = statistics.report
        }
    default: bytes.withUnsafeBytes { _ = RTCPPacket($0) }
    }
    return 0
}

private func fuzzDatagram(_ bytes: [UInt8]) {
    guard case .message(let message) = parseDatagram(bytes) else { return }
    touch(message)
    let written = message.write()
    guard case .message = parseDatagram(written) else {
        preconditionFailure("what we wrote cannot be read: \(String(decoding: written, as: UTF8.self))")
    }
}

private func touch(_ message: SIPMessage) {
    _ = try? message.topVia()
    _ = try? message.from()
    _ = try? message.to()
    _ = try? message.contacts()
    _ = try? message.routes()
    _ = try? message.recordRoutes()
    _ = try? message.maxForwards()
    _ = try? message.expires()
    _ = message.sdpBody()
}

private func fuzzStream(_ bytes: [UInt8], cut: Int) {
    var framer = StreamFramer()
    for start in stride(from: 0, to: bytes.count, by: max(1, cut)) {
        framer.append(bytes[start..<min(bytes.count, start + max(1, cut))])
        while let next = framer.next() { if case .failed = next { return } }
    }
}

private func fuzzDescription(_ bytes: [UInt8]) {
    guard let description = try? SessionDescription(parsing: bytes) else { return }
    _ = AudioStream(of: description)
    let local = LocalMedia(address: .v4(0x7F00_0001), rtpPort: 4_000, sessionID: 1)
    if let offer = try? relayOffer(description, as: local, preferring: ["PCMA"]) {
        precondition((try? SessionDescription(parsing: offer.write())) != nil, "our own offer cannot be read")
        _ = try? relayAnswer(description, to: offer, as: local)
    }
    _ = try? ownAnswer(to: description, codecs: ["PCMA"], as: local, direction: .sendrecv)
}

/// The package manager renames an executable's entry; this is it, and hands over to libFuzzer.
@_cdecl("ParserFuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments, fuzzOne)
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

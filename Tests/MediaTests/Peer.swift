import NetAddress
import RTP

@testable import Media

/// What stands behind a port in a test: it makes the packets that come in.
struct Peer {
    var address: WireAddress
    var ssrc: UInt32 = 0xCAFE
    var sequence: UInt16 = 100
    var timestamp: UInt32 = 16_000

    init(_ text: String) { address = wire(text) }

    /// The next packet of 20 ms.
    mutating func speak(_ payloadType: UInt8 = 8, marker: Bool = false, payload: [UInt8]? = nil) -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: 12) + (payload ?? [UInt8](repeating: 0xD5, count: 160))
        packet.withUnsafeMutableBytes {
            writeRTPHeader(
                into: $0,
                marker: marker,
                payloadType: payloadType,
                sequence: sequence,
                timestamp: timestamp,
                ssrc: ssrc
            )
        }
        sequence &+= 1
        timestamp &+= 160
        return packet
    }
}

func wire(_ text: String) -> WireAddress { WireAddress(socket(text)) }

func socket(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(text) else { preconditionFailure("no address: \(text)") }
    return address
}

let second: Int64 = 1_000_000_000
let pcma = MediaFormat(number: 8, encoding: "PCMA", clockRate: 8_000)
let pcmu = MediaFormat(number: 0, encoding: "PCMU", clockRate: 8_000)
func keys(_ number: UInt8, _ clockRate: Int = 8_000) -> MediaFormat {
    MediaFormat(number: number, encoding: "TELEPHONE-EVENT", clockRate: clockRate)
}

func parameters(
    _ remote: String?,
    receive: [MediaFormat] = [pcma, keys(101)],
    send: [MediaFormat] = [pcma, keys(101)],
    timeout: Duration? = nil
) -> MediaParameters {
    MediaParameters(
        remoteRTP: remote.map { socket($0) },
        remoteRTCP: remote.map { socket($0) }.map { SocketAddress($0.ip, $0.port + 1) },
        receiveFormats: receive,
        sendFormats: send,
        inactivityTimeout: timeout
    )
}

extension RelayPort {
    /// A packet comes in; what went on is in `packet` afterwards.
    mutating func take(_ packet: inout [UInt8], from source: WireAddress, now: Int64) -> Verdict {
        packet.withUnsafeMutableBytes { receive($0, from: source, now: now) }
    }

    mutating func hear(_ peer: inout Peer, now: Int64) -> Verdict {
        var packet = peer.speak()
        return take(&packet, from: peer.address, now: now)
    }

    mutating func hear(control: [UInt8], from source: WireAddress, now: Int64) -> RTCPPacket? {
        control.withUnsafeBytes { receiveControl($0, from: source, now: now) }
    }
}

/// A port of a public switch.
func port(_ parameters: MediaParameters? = nil, isUnreachable: Bool = false) -> RelayPort {
    var port = RelayPort(id: MediaID(rawValue: 1), randomness: 7)
    if let parameters { port.configure(parameters, isUnreachable: isUnreachable, now: 0) }
    return port
}

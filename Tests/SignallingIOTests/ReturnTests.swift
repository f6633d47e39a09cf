import CLinuxIO
import NIOCore
import NetAddress
import SIPMessage
import Testing

@testable import SignallingIO

/// What ICMP says of datagrams that arrive nowhere (RFC 3261 §18.4).
@Suite("Datagrams that come back")
struct ReturnTests {
    private static func octets(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    /// A UDP header from port 5060 to 5062, and what follows it.
    private static func datagram(_ text: String, length: Int? = nil) -> [UInt8] {
        octets(5_060) + octets(5_062) + octets(UInt16(length ?? text.utf8.count + 8)) + [0, 0] + Array(text.utf8)
    }

    /// An IPv4 header to 192.0.2.9.
    private static func header(protocol number: UInt8, fragment: UInt16 = 0) -> [UInt8] {
        [0x45, 0, 0, 0, 0, 0] + octets(fragment) + [64, number, 0, 0, 192, 0, 2, 1, 192, 0, 2, 9]
    }

    private static func message(
        type: UInt8 = 3,
        code: UInt8 = 3,
        words: UInt8 = 0,
        protocol number: UInt8 = 17,
        fragment: UInt16 = 0,
        _ datagram: [UInt8]
    ) -> [UInt8] {
        header(protocol: 1) + [type, code, 0, 0, 0, words, 0, 0] + header(protocol: number, fragment: fragment)
            + datagram
    }

    @Test func `RFC 792: a port that nobody has, and what was for it`() throws {
        let returned = try #require(ReturnedDatagram(icmp: Self.message(Self.datagram("INVITE sip:x"))))
        #expect(returned.localPort == 5_060)
        #expect(returned.destination == NetAddress.SocketAddress("192.0.2.9:5062"))
        #expect(String(decoding: returned.quote, as: UTF8.self) == "INVITE sip:x")
        #expect(returned.why == "port unreachable")
    }

    @Test func `RFC 4884: padding and extensions are not of the datagram`() throws {
        let text = Self.datagram("INVITE")
        let padded = text + [UInt8](repeating: 0, count: 128 - 20 - text.count)
        let extended = Self.message(words: 32, padded + [0x20, 0, 0, 0])
        #expect(ReturnedDatagram(icmp: extended)?.quote == Array("INVITE".utf8))
        // A quote that is cut off is all that there is.
        let cut = Self.message(words: 32, Self.datagram(String(repeating: "a", count: 100), length: 400) + [9, 9, 9])
        #expect(ReturnedDatagram(icmp: cut)?.quote == [UInt8](repeating: UInt8(ascii: "a"), count: 100))
    }

    @Test(arguments: [
        ("time exceeded", Self.message(type: 11, code: 0, Self.datagram("x"))),
        ("a packet too long for the path", Self.message(code: 4, Self.datagram("x"))),
        ("a packet of TCP", Self.message(protocol: 6, Self.datagram("x"))),
        ("a later fragment", Self.message(fragment: 185, Self.datagram("x"))),
        ("half a UDP header", Self.message([0x13, 0xC4, 0x13])),
        ("nothing", []),
    ])
    func `RFC 3261 18.4: no failure, or of no datagram`(what: String, bytes: [UInt8]) {
        #expect(ReturnedDatagram(icmp: bytes) == nil, "\(what)")
    }

    @Test func `RFC 4443: the same of IPv6`() throws {
        let address: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
        let header = [0x60, 0, 0, 0, 0, 0, 17, 64] + [UInt8](repeating: 0, count: 16) + address
        let returned = try #require(
            ReturnedDatagram(icmp6: [1, 4, 0, 0, 0, 0, 0, 0] + header + Self.datagram("OPTIONS"))
        )
        #expect(returned.destination == NetAddress.SocketAddress("[2001:db8::9]:5062"))
        #expect(returned.quote == Array("OPTIONS".utf8) && returned.why == "port unreachable")
        // Packet too big.
        #expect(ReturnedDatagram(icmp6: [2, 0, 0, 0, 0, 0, 5, 0] + header + Self.datagram("OPTIONS")) == nil)
    }

    @Test func `no octets and no beginning of a message trap`() {
        let message = Self.message(words: 255, Self.datagram("INVITE"))
        for count in 0...message.count {
            _ = ReturnedDatagram(icmp: Array(message.prefix(count)))
            _ = ReturnedDatagram(icmp6: Array(message.prefix(count)))
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let noise = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255) }
            _ = ReturnedDatagram(icmp: [0x4F] + noise)
            _ = ReturnedDatagram(icmp6: [1, 4] + noise)
        }
    }

    /// Whether this process may hear ICMP.
    private static let hearsReturns: Bool = {
        let descriptor = linux_io_icmp_open(0)
        if descriptor >= 0 { linux_io_close(descriptor) }
        return descriptor >= 0
    }()

    @Test(.enabled(if: ReturnTests.hearsReturns, "needs CAP_NET_RAW"), arguments: ["127.0.0.1", "::1", "::"])
    func `what nobody takes is told with what is quoted of it`(host: String) async throws {
        let target = try #require(IPAddress(host == "::" ? "::1" : host))
        // Nobody listens at a port that was free a moment ago.
        let free = try await Desk.listening(.udp, at: "\(target)") { desk, local, _ in
            desk.send([1], over: Flow(transport: .udp, local: local, remote: local))
        } until: {
            !$0.isEmpty
        }
        let dead = try #require(free.flows.first?.remote)
        let story = try await Desk.listening(.udp, at: host) { desk, local, _ in
            desk.send(Array("INVITE".utf8), over: Flow(transport: .udp, local: local, remote: dead))
        } until: {
            !$0.isEmpty
        }
        #expect(story.news == ["INVITE to \(dead) came back: port unreachable"])
        #expect(story.interruptions == 0)
    }
}

import NetAddress
import Testing

@Suite("Addresses")
struct IPAddressTests {
    @Test(arguments: [
        ("224.0.0.1", true), ("239.255.255.255", true), ("255.255.255.255", true), ("ff02::1", true),
        ("::ffff:224.1.2.3", true), ("223.255.255.255", false), ("240.0.0.1", false), ("127.0.0.1", false),
        ("fe80::1", false),
    ])
    func `no stream is sent to many at once`(text: String, isForMany: Bool) throws {
        #expect(try #require(IPAddress(text)).isForMany == isForMany)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("2001:db8::10:5070", "2001:db8::10:5070"),
        ("[2001:db8::9:1]", "2001:db8::9:1"), ("::", "::"), ("::1", "::1"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("::ffff:192.0.2.10", "::ffff:c000:20a"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("fe80::", "fe80::"),
    ])
    func `RFC 4291 and 5952 texts parse and print`(text: String, printed: String) {
        #expect(IPAddress(text)?.description == printed)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.", "a.b.c.d", "1::2::3", ":1", "1:", "12345::", "[::1", "::1]",
        "1:2:3:4:5:6:7:8:9", "2001:db8:::1", "1:2:3:4:5:6:7::8:9", "1.2.3.4:5", "::1.2.3", "example.com",
    ])
    func `what is no address is nil`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("172.16.0.1", true), ("172.32.0.1", false), ("192.168.9.9", true), ("100.64.0.1", true),
        ("100.128.0.1", false), ("169.254.1.1", true), ("127.0.0.1", false), ("8.8.8.8", false), ("fd00::1", true),
        ("fe80::1", true), ("2001:db8::1", false),
    ])
    func `private addresses are those that a NAT hides`(text: String, isPrivate: Bool) {
        #expect(IPAddress(text)?.isPrivate == isPrivate)
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.200", true), ("192.0.2.0/24", "192.0.3.1", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("127.0.0.1", "127.0.0.1", true), ("2001:db8::/32", "2001:db8:ffff::1", true), ("::/0", "fe80::1", true),
        ("2001:db8::/65", "2001:db8:0:0:8000::1", false), ("127.0.0.0/8", "::ffff:127.0.0.1", true),
    ])
    func `subnets contain what their prefix says`(subnet: String, address: String, contained: Bool) throws {
        let network = try #require(Subnet(subnet))
        #expect(network.contains(try #require(IPAddress(address))) == contained)
    }

    @Test(arguments: ["192.0.2.0/33", "2001:db8::/129", "x/8", "1.2.3.4/", "1.2.3.4/-1"])
    func `what is no network is nil`(text: String) {
        #expect(Subnet(text) == nil)
    }

    @Test func `socket addresses print as URIs write them`() {
        #expect(SocketAddress("[::1]:5060")?.description == "[::1]:5060")
        #expect(SocketAddress("127.0.0.1:65536") == nil)
    }
}

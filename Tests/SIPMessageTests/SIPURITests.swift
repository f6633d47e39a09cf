import NetAddress
import SIPMessage
import Testing

@Suite("RFC 3261 §19.1 SIP and SIPS URIs, RFC 3966 tel URIs")
struct SIPURITests {
    @Test(
        "§19.1.3 read and written again, as they were",
        arguments: [
            "sip:alice@atlanta.com", "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone", "sips:1212@gateway.com", "sip:alice@192.0.2.4",
            "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", "sip:alice;day=tuesday@atlanta.com",
            "sip:[2001:db8::9:1]:5070;lr", "sip:user@[::1]", "sip:%2B7@h", "sip:a%20b@example.com;x=%22y%22",
            "tel:+1-201-555-0123", "tel:7042;phone-context=example.com", "sip:h;x-a=sr==;b",
            "urn:service:sos", "http://www.example.com/a?b=c",
        ]
    )
    func roundTrip(text: String) throws {
        #expect("\(try SIPURI(text))" == text)
    }

    @Test func `§19.1.1 the parts`() throws {
        let uri = try SIPURI("SIPS:Bob%20B:p%3Aw@EXAMPLE.com:5061;Transport=TCP;lr?Subject=a%20b&x=")
        #expect(uri.scheme == .sips)
        #expect(uri.user == "Bob B" && uri.password == "p:w")
        #expect(uri.host == "example.com" && uri.port == 5061)
        #expect(uri.transport == .tcp && uri.isLooseRouting)
        #expect(uri.headers.map(\.0) == ["Subject", "x"] && uri.headers.map(\.1) == ["a b", ""])
        #expect(uri.parameters.map(\.name) == ["Transport", "lr"])
    }

    @Test func `§19.1.1 a port behind the host is not a password`() throws {
        let uri = try SIPURI("sip:example.com:5070;transport=udp")
        #expect(uri.user == nil && uri.host == "example.com" && uri.port == 5070 && uri.transport == .udp)
    }

    @Test func `RFC 3966 §3 a tel URI keeps its number and its context`() throws {
        let uri = try SIPURI("tel:(812)555*11#;phone-context=+7;isub=1")
        #expect(uri.scheme == .tel && uri.user == "(812)555*11#" && uri.host.isEmpty)
        #expect(uri.parameters["PHONE-CONTEXT"] == "+7")
    }

    @Test func `an unescaped hash in a dialled code is let in and written escaped`() throws {
        let uri = try SIPURI("sip:*98#@example.com")
        #expect(uri.user == "*98#")
        #expect("\(uri)" == "sip:*98%23@example.com")
    }

    @Test func `a host is an address or a name`() throws {
        #expect(try SIPURI("sip:[2001:DB8::1]").hostAddress == IPAddress("2001:db8::1"))
        #expect(try SIPURI("sip:192.0.2.1").hostAddress == IPAddress("192.0.2.1"))
        #expect(try SIPURI("sip:a_b.example").hostAddress == nil)
        #expect(try SIPURI("sip:x@[2001:db8:::192.0.2.1]").host == "2001:db8::c000:201")
    }

    @Test(
        "§25.1 what is no URI",
        arguments: [
            "", "sip", "sip:", ":a@b", "sip:@example.com", "sip:a@", "sip:a@b:", "sip:a@b:65536", "sip:a@b:99999999999",
            "sip:a@b:-1", "sip:a b@c", "sip:a@b c", "sip:a@b@c", "sip:%zz@b", "sip:%4", "sip:a@[::1", "sip:a@[1.2.3.4]",
            "sip:a@[g::]", "sip:a@::1", "sip:a@b;x=\"y\"", "sip:a@b;=x", "sip:a@b?=c", "sip:a@b>", "<sip:a@b>", "tel:",
            "sip:a@b\r\nVia: x", "sip:a\u{0}@b", "sip:a@b;x=<", "sip:a@b%20c", "1002",
        ]
    )
    func refused(text: String) {
        #expect(throws: SIPFault.self) { try SIPURI(text) }
    }

    @Test func `a fault says where`() throws {
        let fault = try #require(throws: SIPFault.self) { try SIPURI("sip:a%zz@b") }
        #expect(fault.kind == .malformedURI && fault.where == "URI, octet 5" && fault.status == 400)
    }

    @Test(
        "§19.1.4 equal",
        arguments: [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            ("sip:biloxi.com;transport=tcp;method=REGISTER", "sip:biloxi.com;method=REGISTER;transport=tcp"),
            ("sip:alice@atlanta.com?subject=x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=x"),
            ("tel:+1-201-555-0123", "tel:+12015550123"), ("sip:a@[2001:db8:0::1]", "sip:a@[2001:DB8::1]"),
        ]
    )
    func equal(a: String, b: String) throws {
        #expect(try SIPURI(a).isEquivalent(to: SIPURI(b)))
        #expect(try SIPURI(b).isEquivalent(to: SIPURI(a)))
    }

    @Test(
        "§19.1.4 not equal",
        arguments: [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"), ("sip:a@b", "sips:a@b"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("tel:+1", "tel:1"), ("tel:1;phone-context=a", "tel:1"), ("urn:a", "urn:b"),
        ]
    )
    func notEqual(a: String, b: String) throws {
        #expect(try !SIPURI(a).isEquivalent(to: SIPURI(b)))
        #expect(try !SIPURI(b).isEquivalent(to: SIPURI(a)))
    }

    @Test func `== compares parts, not spelling`() throws {
        let a = try SIPURI("sip:%61@EXAMPLE.com;X=%41")
        let b = try SIPURI("sip:a@example.com;x=A")
        #expect(a == b && a.hashValue == b.hashValue)
        #expect(try a != SIPURI("sip:a@example.com"))
        #expect(try SIPURI("sip:a@b?x=1") != SIPURI("sip:a@b?x=2"))
    }

    @Test func `what we set cannot leave its place`() throws {
        var uri = SIPURI(user: "a@b>\r\nX: y", host: "h>\r\nX", port: 5060)
        uri.password = "p@\r\n"
        uri.parameters.set("x\r\n;", "1;lr\r\nVia: >")
        uri.headers = [("a&b", "c=\r\n")]
        let text = "\(uri)"
        #expect(!text.utf8.contains(13) && !text.utf8.contains(10) && !text.contains(">") && !text.contains(" "))
        let again = try SIPURI(text)
        #expect(again.user == "a@b>\r\nX: y" && again.parameters["x\r\n;"] == "1;lr\r\nVia: >")
        #expect(!again.isLooseRouting && again.host == "hx")
        var other = try SIPURI("urn:x")
        other.opaque = "a>\r\nb c"
        #expect("\(other)" == "urn:abc")
    }

    @Test func `a changed user is written anew`() throws {
        var uri = try SIPURI("sip:%61lice@h")
        #expect("\(uri)" == "sip:%61lice@h")
        uri.user = "bob x"
        #expect("\(uri)" == "sip:bob%20x@h")
        uri.user = nil
        #expect("\(uri)" == "sip:h")
    }

    @Test func `a URI of a thousand parameters is refused`() {
        let text = "sip:a@b" + String(repeating: ";p", count: 1000)
        #expect(throws: SIPFault.self) { try SIPURI(text) }
    }

    @Test(arguments: [
        ("sip:1001@a", "1001"), ("sip:+7-495@a", "+7495"), ("tel:8(495).12", "849512"), ("sip:1-2@a", "1-2"),
        ("sip:1-2@a;user=phone", "12"), ("sip:1002;phone-context=x@a", "1002"), ("sip:*45@a", "*45"),
        ("sip:anna;x=y@a", "anna;x=y"), ("sip:a.b@a;user=phone", "a.b"), ("sip:+@a", "+"), ("tel:--", "--"),
    ])
    func `RFC 3966 §5.1.1: a number is without its separators and parameters, another user as it is`(
        uri: String,
        number: String
    ) throws {
        #expect(try SIPURI(uri).number == number)
        #expect(try SIPURI("sip:host").number == nil)
        for hidden in ["%00", "%1f", "%7F", "%C2%9F"] {
            let uri = try SIPURI("sip:+7495\(hidden)999@host")
            #expect(uri.number == nil && uri.dialled == "+7495\(hidden)999", "\(hidden)")
        }
    }
}

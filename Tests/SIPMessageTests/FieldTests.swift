import NetAddress
import SIPMessage
import Testing

@Suite("RFC 3261 §20 header values")
struct FieldTests {
    // MARK: name-addr

    @Test(
        "§20.10 display name, URI and parameters",
        arguments: [
            (#""A. G. Bell" <sip:agb@bell-telephone.com> ;tag=a48s"#, "A. G. Bell", "agb", "a48s"),
            ("Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", "Anonymous", "c8oqz84zk7z", "hyh8"),
            ("sip:+12125551212@server.phone2net.com;tag=887s", nil, "+12125551212", "887s"),
            (#""" <sip:a@b>;tag=x"#, nil, "a", "x"), ("<sip:a@b>", nil, "a", nil), ("  <sip:a@b>  ", nil, "a", nil),
            (#""a\"b\\c" <sip:a@b>"#, #"a"b\c"#, "a", nil), ("Ирина <sip:a@b>", "Ирина", "a", nil),
            (#""Ирина, 2" <sip:a@b>"#, "Ирина, 2", "a", nil), ("a  b\t<sip:a@b>", "a  b", "a", nil),
            ("J (x) : y@z <sip:a@b>;TAG=q", "J (x) : y@z", "a", "q"), ("<tel:112>;tag=1", nil, "112", "1"),
            ("sip:a@b ; tag = 1 ; x", nil, "a", "1"), ("<sip:a@b>;tag=", nil, "a", ""),
            ("<sip:a@b>;;tag=1;", nil, "a", "1"),
        ]
    )
    func nameAddress(text: String, name: String?, user: String, tag: String?) throws {
        let value = try NameAddress(text)
        #expect(value.displayName == name)
        #expect(value.uri.user == user)
        #expect(value.tag == tag)
        let again = try NameAddress("\(value)")
        #expect(again == value)
    }

    @Test(
        "§25.1 what is no name-addr",
        arguments: [
            "", "<sip:a@b", "sip:a@b>", #""a <sip:a@b>"#, #""a" sip:a@b"#, "a, b <sip:a@b>", "<sip:a@b> x", "<>", "<a>",
            "< sip:a@b >", "<sip:a@b>;tag=1;=2", "a;b <sip:a@b>", "<sip:a@b>,<sip:c@d>", #"<sip:a@b>;x="y"#,
            "sip:a@b,sip:c@d", "sip:a@b?Route=x", #""a" "b" <sip:a@b>"#, "<sip:a@b\u{0}>",
        ]
    )
    func notNameAddress(text: String) {
        #expect(throws: SIPFault.self) { try NameAddress(text) }
    }

    @Test func `§20 without brackets the parameters are the header's`() throws {
        let bare = try NameAddress("sip:a@b;transport=tcp")
        #expect(bare.uri.parameters.isEmpty && bare.parameters["transport"] == "tcp")
        let bracketed = try NameAddress("<sip:a@b;transport=tcp>;q=0.5")
        #expect(bracketed.uri.transport == .tcp && bracketed.parameters["q"] == "0.5")
        #expect("\(bare)" == "<sip:a@b>;transport=tcp")
    }

    @Test func `a display name or a tag of ours cannot leave its place`() throws {
        var value = NameAddress(uri: SIPURI(user: "a", host: "b"), displayName: "x\"\r\nVia: y\\\u{7}")
        value.tag = "1;lr\r\nX: y"
        let text = "\(value)"
        #expect(!text.utf8.contains(13) && !text.utf8.contains(10))
        let again = try NameAddress(text)
        #expect(again.displayName == "x\"  Via: y\\\u{7}")
        #expect(again.parameters.count == 1)
    }

    // MARK: Via

    @Test func `§20.42 Via with everything`() throws {
        let via = try Via("SIP / 2.0 / UDP first.EXAMPLE.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1")
        #expect(via.transport == .udp && via.host == "first.example.com" && via.port == 4000)
        #expect(via.ttl == 16 && via.maddr == "224.2.0.1" && via.hasUniqueBranch)
        #expect("\(via)" == "SIP/2.0/UDP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c6a8dlze.1")
    }

    @Test func `RFC 3581 §4 received and rport are filled in their places`() throws {
        var via = try Via("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff")
        #expect(via.hasRport && via.rport == nil)
        via.received = "192.0.2.1"
        via.rport = 9988
        #expect("\(via)" == "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1")
        via.received = "2001:db8::1"
        #expect(try Via("\(via)").received == "2001:db8::1")
        #expect(try Via("SIP/2.0/UDP h;rport=99999").rport == nil)
    }

    @Test(
        "§17.2.3 and RFC 4475 §3.2.1 which branches identify a transaction",
        arguments: [
            ("SIP/2.0/UDP h;branch=z9hG4bKx", true), ("SIP/2.0/UDP h;branch=Z9HG4BKx", true),
            ("SIP/2.0/UDP h;branch=z9hG4bK", false), ("SIP/2.0/UDP h;branch=390skdjuw", false),
            ("SIP/2.0/UDP h", false), ("SIP/2.0/UDP h;branch", false), ("SIP/2.0/UDP h;branch=é9hG4bKx", false),
        ]
    )
    func branches(text: String, isUnique: Bool) throws {
        #expect(try Via(text).hasUniqueBranch == isUnique)
    }

    @Test(
        "§25.1 what is no Via",
        arguments: [
            "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h", "HTTP/2.0/UDP h", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:70000",
            "SIP/2.0/UDP h x", "SIP/2.0/UDP [::1", "SIP/2.0/UDP ::1", "SIP/2.0/UDP h;=x", "SIP/2.0/ h", "SIP//UDP h",
            "SIP/2.0/UDP h, SIP/2.0/UDP g", "SIP/2.0/UDP h;branch=\"x", "SIP/2.0/UDPh",
        ]
    )
    func notVia(text: String) {
        #expect(throws: SIPFault.self) { try Via(text) }
    }

    @Test func `an unknown transport is kept and has the default port`() throws {
        let via = try Via("SIP/2.0/SCTP [2001:db8::1]:5062")
        #expect(via.transport == nil && via.transportName == "SCTP" && via.sentByPort == 5062)
        #expect("\(via)" == "SIP/2.0/SCTP [2001:db8::1]:5062")
        #expect(try Via("SIP/2.0/TLS h").sentByPort == 5061)
        #expect(
            "\(Via(transport: .tcp, host: "::1", port: 5060, branch: "z9hG4bK1"))"
                == "SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1"
        )
    }

    // MARK: CSeq

    @Test(
        "§20.16 CSeq",
        arguments: [
            ("4711 INVITE", CSeq(number: 4711, method: .invite)), ("0009 \t INVITE ", CSeq(number: 9, method: .invite)),
            ("4294967295 ACK", CSeq(number: .max, method: .ack)), ("0 x", CSeq(number: 0, method: Method("x"))),
        ]
    )
    func cSeq(text: String, expected: CSeq) throws {
        #expect(try CSeq(text) == expected)
    }

    @Test(
        "§20.16 and AST-2017-002: what is no CSeq",
        arguments: [
            "", "1", "1 ", "INVITE", "4294967296 INVITE", "36893488147419103232 REGISTER", "-1 INVITE", "1INVITE",
            "1 INVITE x", "1 IN/VITE", "0x1 INVITE", "1 \"INVITE\"", "1 " + String(repeating: "A", count: 4096),
        ]
    )
    func notCSeq(text: String) {
        #expect(throws: SIPFault.self) { try CSeq(text) }
    }

    // MARK: Method and parameters

    @Test func `§7.1 a method's case counts, and it is a token`() {
        #expect(Method("invite") != .invite)
        #expect(Method("INV\r\nITE \u{0}") == .invite)
    }

    @Test func `§7.3.1 parameters keep their order, names ignore case, values are plain`() throws {
        var parameters = try NameAddress(#"<sip:a@b>;A="x\"y;z";b;c=1;+sip.instance="<urn:uuid:0>""#).parameters
        #expect(parameters.map(\.name) == ["A", "b", "c", "+sip.instance"])
        #expect(parameters["a"] == #"x"y;z"# && parameters["B"] == "" && parameters["d"] == nil)
        #expect(parameters["+SIP.instance"] == "<urn:uuid:0>")
        parameters.set("C", "2")
        parameters["b"] = nil
        parameters["e"] = ""
        let value = NameAddress(uri: SIPURI(user: nil, host: "h"), parameters: parameters)
        #expect("\(value)" == #"<sip:h>;A="x\"y;z";c=2;+sip.instance="<urn:uuid:0>";e"#)
        parameters.remove("a")
        #expect(parameters.count == 3 && !parameters.isEmpty && parameters.contains("E"))
    }

    @Test func `a value of ours is quoted when it must be`() {
        var value = NameAddress(uri: SIPURI(user: nil, host: "h"))
        value.parameters.set("text", "Call completed elsewhere")
        value.parameters.set("plain", "a.b-c")
        value.parameters.set("odd\r\n name", "é")
        #expect("\(value)" == #"<sip:h>;text="Call completed elsewhere";plain=a.b-c;oddname="é""#)
    }

    @Test func `equality and hash ignore the case of names only`() throws {
        let a = try NameAddress("<sip:h>;Tag=x;q=1").parameters
        let b = try NameAddress("<sip:h>;tag=\"x\";Q=1").parameters
        #expect(a == b && a.hashValue == b.hashValue)
        #expect(try a != NameAddress("<sip:h>;tag=X;q=1").parameters)
    }
}

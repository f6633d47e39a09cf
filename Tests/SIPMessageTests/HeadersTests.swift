import SIPMessage
import Testing

@Suite("RFC 3261 §7.3 header fields")
struct HeadersTests {
    @Test(
        "§7.3.3 compact forms are the long ones",
        arguments: [
            ("v", "Via"), ("F", "From"), ("t", "To"), ("i", "Call-ID"), ("m", "Contact"), ("l", "Content-Length"),
            ("c", "Content-Type"), ("e", "Content-Encoding"), ("k", "Supported"), ("s", "Subject"),
            ("x", "Session-Expires"), ("r", "Refer-To"), ("b", "Referred-By"), ("o", "Event"), ("u", "Allow-Events"),
            ("y", "Identity"), ("a", "Accept-Contact"), ("j", "Reject-Contact"), ("d", "Request-Disposition"),
        ]
    )
    func compact(short: String, long: String) {
        #expect(HeaderName(short) == HeaderName(long))
        #expect(HeaderName(short).name == long)
    }

    @Test func `names ignore case and are written as their RFC does`() {
        #expect(HeaderName("call-id") == .callID && HeaderName("CALL-ID").name == "Call-ID")
        #expect(HeaderName("www-authenticate").name == "WWW-Authenticate" && HeaderName("rack") == .rack)
        #expect(HeaderName("X-Foo") == HeaderName("x-fOO") && HeaderName("X-Foo").name == "X-Foo")
        #expect(HeaderName("X-Foo").hashValue == HeaderName("x-foo").hashValue)
        #expect(HeaderName("X-Foo") != HeaderName("X-Bar") && HeaderName("z") != HeaderName("q"))
    }

    @Test func `reading, setting and removing`() {
        var headers = Headers()
        headers.append(.route, "<sip:a;lr>")
        headers.append(HeaderName("X-Note"), "one")
        headers.append(.route, "<sip:b;lr>, <sip:c;lr>")
        headers.prepend(.via, "SIP/2.0/UDP h")
        #expect(headers.count == 4 && headers[.route] == "<sip:a;lr>")
        #expect(headers.all(.route) == ["<sip:a;lr>", "<sip:b;lr>, <sip:c;lr>"])
        #expect(headers.list(.route) == ["<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>"])
        headers[.route] = "  <sip:d;lr>\t"
        #expect(headers.map(\.name.name) == ["Via", "Route", "X-Note"] && headers[.route] == "<sip:d;lr>")
        headers[HeaderName("x-note")] = nil
        headers[.subject] = "new"
        #expect(headers.map(\.value) == ["SIP/2.0/UDP h", "<sip:d;lr>", "new"])
        headers.remove(.via)
        #expect(!headers.contains(.via) && headers[.via] == nil && headers.all(.via).isEmpty && !headers.isEmpty)
    }

    @Test(
        "§7.3.1 lists part at commas outside quotes and brackets",
        arguments: [
            ("a,b , c", ["a", "b", "c"]),
            (#""x, y" <sip:a,b@h>;p="1,2", <sip:c>"#, [#""x, y" <sip:a,b@h>;p="1,2""#, "<sip:c>"]),
            ("", []), (",,a,,", ["a"]), (#""a\",b",c"#, [#""a\",b""#, "c"]), (#""open, a"#, [#""open, a"#]),
            ("<open, a", ["<open, a"]), (#""\"#, [#""\"#]),
        ]
    )
    func lists(text: String, expected: [String]) {
        var headers = Headers()
        headers.append(.contact, text)
        #expect(headers.list(.contact) == expected)
    }

    @Test func `§7.3.1 a fold is one space`() throws {
        let request = try #require(
            Sample().adding("Subject: I know you're there,\r\n  \tpick up \r\n\tthe phone").outcome.request
        )
        #expect(request.headers[.subject] == "I know you're there, pick up the phone")
        let list = try #require(Sample().adding("Supported:\r\n a,\r\n b").outcome.request)
        #expect(list.headers.list(.supported) == ["a", "b"])
        #expect(
            String(decoding: request.write(), as: UTF8.self).contains(
                "Subject: I know you're there, pick up the phone\r\n"
            )
        )
    }

    @Test func `a value of ours cannot start a line`() throws {
        var request = try #require(Sample().outcome.request)
        request.headers.append(.subject, "x\r\nVia: SIP/2.0/UDP evil\r\n\r\nbody")
        request.headers.append(HeaderName("X\r\nEvil: y"), "1\u{0}2\n")
        request.headers.append(HeaderName("\r\n"), "nameless")
        request.headers[.userAgent] = "\r\n\r\n"
        let again = try #require(parseDatagram(request.write()).request)
        #expect(try again.vias().count == 1)
        #expect(again.headers[.subject] == "x  Via: SIP/2.0/UDP evil    body")
        #expect(again.headers[HeaderName("XEvily")] == "1 2")
        #expect(again.body.isEmpty && !String(decoding: again.write(), as: UTF8.self).contains("nameless"))
    }

    @Test func `copies are independent`() {
        var a = Headers()
        a.append(.subject, "one")
        var b = a
        b[.subject] = "two"
        b.append(.server, "x")
        #expect(a[.subject] == "one" && a.count == 1 && b[.subject] == "two" && b.count == 2)
    }
}

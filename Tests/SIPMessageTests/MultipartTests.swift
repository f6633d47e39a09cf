import SIPMessage
import Testing

@Suite("RFC 5621 and RFC 2046 §5.1: bodies of several parts")
struct MultipartTests {
    private func sdp(_ lines: [String], type: String = "multipart/mixed;boundary=b1") -> String? {
        let request = Sample().with(body: lines.joined(separator: "\r\n"), type: type).outcome.request
        return request?.sdpBody().map { String(decoding: $0, as: UTF8.self) }
    }

    private let part = ["--b1", "Content-Type: application/sdp", "", "v=0", "s=-"]

    @Test func `the session description is found among other parts`() {
        let other = ["--b1", "Content-Type: application/isup;version=x", "Content-ID: <1@h>", "", "\u{1}\u{0}"]
        #expect(sdp(["preamble"] + other + part + ["--b1--", "epilogue"]) == "v=0\r\ns=-")
        #expect(sdp(part + other + ["--b1--"]) == "v=0\r\ns=-")
        #expect(sdp(part, type: "Multipart/Mixed; Boundary=\"b1\"") == "v=0\r\ns=-")
    }

    @Test(
        "AST-2017-003 empty parts and missing ends are no trap",
        arguments: [
            ["--b1", "--b1--"], ["--b1", "", "--b1--"], ["--b1--"], ["--b1"], [""], ["--b1", "--b1", "--b1--"],
            ["--b1", "Content-Type: application/sdp", "--b1--"],
            ["--b1", "Content-Type: application/sdp", "", "--b1--"],
            ["--b1", "Content-Type:", "", "x", "--b1--"], ["--b1", "Content-Type", "", "--b1--"], ["--b2", "", "x"],
            ["--b1x", "Content-Type: application/sdp", "", "v=0"],
        ]
    )
    func empty(lines: [String]) {
        #expect(sdp(lines) == nil)
    }

    @Test func `parts within parts are looked through, three deep`() {
        func within(_ outer: String, _ inner: String, _ lines: [String]) -> [String] {
            ["--\(outer)", "Content-Type: multipart/alternative;boundary=\(inner)", ""] + lines + [
                "--\(inner)--", "--\(outer)--",
            ]
        }
        func part(_ boundary: String) -> [String] { ["--\(boundary)"] + self.part.dropFirst() }
        let image = ["--b2", "Content-Type: image/png", "", "x"]
        #expect(sdp(within("b1", "b2", image + part("b2"))) == "v=0\r\ns=-")
        #expect(sdp(within("b1", "b2", within("b2", "b3", part("b3")))) == "v=0\r\ns=-")
        #expect(sdp(within("b1", "b2", within("b2", "b3", within("b3", "b4", part("b4"))))) == nil)
        #expect(sdp(within("b1", "b1", part("b1"))) == "v=0\r\ns=-")
    }

    @Test func `an empty part before the description`() {
        #expect(sdp(["--b1", "", ""] + part + ["--b1--"]) == "v=0\r\ns=-")
    }

    @Test(
        "no boundary, no parts",
        arguments: [
            "multipart/mixed", "multipart/mixed;boundary=", "multipart/mixed;boundary=\"\"", "text/plain", "garbage",
            "",
            "multipart/mixed;boundary=" + String(repeating: "b", count: 71),
        ]
    )
    func noBoundary(type: String) {
        #expect(sdp(part + ["--b1--"], type: type) == nil)
    }

    @Test(arguments: [
        ("application/foo", "session;handling=required", true), ("application/foo", "signal; Handling=optional", false),
        ("application/sdp", "session;handling=required", false), ("application/foo", "render", false),
    ])
    func `RFC 5621 §4: a part that must be understood`(type: String, disposition: String, isUnknown: Bool) throws {
        let lines =
            ["--b1", "Content-Type: \(type)", "Content-Disposition: \(disposition)", "", "x"] + part + ["--b1--"]
        let message = Sample().with(body: lines.joined(separator: "\r\n"), type: "multipart/mixed;boundary=b1")
        #expect(try #require(message.outcome.request).requiresUnknownPart() == isUnknown)
    }

    @Test func `a thousand parts are not all read`() {
        let many = (0..<1000).flatMap { _ in ["--b1", "", "x"] }
        #expect(sdp(many + part + ["--b1--"]) == nil)
    }

    @Test func `§20.15 a plain body has its own type`() throws {
        let request = try #require(Sample().with(body: "v=0", type: "Application/SDP ; x=y").outcome.request)
        #expect(request.contentType() == "application/sdp" && request.sdpBody() == Array("v=0".utf8))
        let compact = try #require(Sample().adding("c: application/sdp").adding("l: 0").outcome.request)
        #expect(compact.sdpBody() == nil)
        #expect(Sample().outcome.request?.contentType() == nil)
    }
}

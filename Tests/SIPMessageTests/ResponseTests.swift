import SIPMessage
import Testing

@Suite("RFC 3261 §8.2.6 responses, and what is written")
struct ResponseTests {
    @Test func `§8.2.6.2 a response copies Via, From, To, Call-ID and CSeq`() throws {
        let sample = Sample().adding("Via: SIP/2.0/TCP a, SIP/2.0/TCP b").adding("Timestamp: 54")
        let request = try #require(sample.outcome.request)
        let response = SIPResponse(status: 486, to: request, toTag: "314159")
        let expected = """
            SIP/2.0 486 Busy Here\r
            Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9;rport\r
            Via: SIP/2.0/TCP a, SIP/2.0/TCP b\r
            From: "Alice" <sip:1001@example.com>;tag=9fxced76sl\r
            To: <sip:1002@example.com>;tag=314159\r
            Call-ID: 3848276298220188511@client.example.com\r
            CSeq: 1 INVITE\r
            Content-Length: 0\r
            \r

            """
        #expect(String(decoding: response.write(), as: UTF8.self) == expected)
    }

    @Test func `§8.2.6.1 a 100 has the Timestamp and no tag of ours`() throws {
        let request = try #require(Sample().adding("Timestamp: 54").outcome.request)
        let response = SIPResponse(status: 100, to: request, toTag: "x")
        #expect(response.headers[.timestamp] == "54" && response.toTag == nil)
        #expect(SIPResponse(status: 180, to: request, toTag: "x").headers[.timestamp] == nil)
    }

    @Test func `§8.2.6.2 a tag in the request stays the tag`() throws {
        let request = try #require(Sample().with("To", "<sip:1002@example.com>;x=1;TAG=theirs").outcome.request)
        #expect(SIPResponse(status: 200, to: request, toTag: "ours").toTag == "theirs")
        let bare = try #require(Sample().with("To", "sip:1002@example.com").outcome.request)
        #expect(SIPResponse(status: 200, to: bare, toTag: "ours").toTag == "ours")
        #expect(SIPResponse(status: 200, to: bare, toTag: nil).toTag == nil)
    }

    @Test func `octets of the request that are no UTF-8 are copied as they are`() throws {
        var bytes = Sample().bytes
        let index = try #require(bytes.firstIndex(of: UInt8(ascii: "\"")))
        bytes.insert(0xFF, at: index + 1)
        let request = try #require(parseDatagram(bytes).request)
        #expect(SIPResponse(status: 200, to: request, toTag: "x").write().contains(0xFF))
    }

    @Test func `a faulty request's answer can be parsed by its sender`() throws {
        for line in ["To: \"open <sip:a@b>", "From: x\ry", "CSeq: 2 INVITE", "Call-ID: second"] {
            let outcome = Sample().with("To", nil).adding(line).outcome
            guard case .faulty(let request, let fault) = outcome, let status = fault.status else {
                Issue.record("not answerable: \(line)")
                continue
            }
            let text = String(decoding: SIPResponse(status: status, to: request, toTag: "t").write(), as: UTF8.self)
            #expect(text.hasPrefix("SIP/2.0 400 Bad Request\r\nVia: "))
            #expect(text.components(separatedByLine: "Call-ID").count <= 2)
            #expect(!text.replacing("\r\n", with: "").utf8.contains(13))
        }
    }

    @Test func `a reason of ours cannot start a line`() {
        var response = SIPResponse(status: 200, reason: "OK\r\nX: y")
        response.headers.append(.server, "s")
        #expect(
            String(decoding: response.write(), as: UTF8.self)
                == "SIP/2.0 200 OK  X: y\r\nServer: s\r\nContent-Length: 0\r\n\r\n"
        )
    }

    @Test func `Via is written first and Content-Length is right, whatever was set`() {
        var request = SIPRequest(method: .options, uri: SIPURI(user: nil, host: "h"))
        request.headers.append(.contentLength, "999")
        request.headers.append(.to, "<sip:h>")
        request.headers.append(.via, "SIP/2.0/UDP a")
        request.headers.append(.via, "SIP/2.0/UDP b")
        request.body = Array("hi".utf8)
        #expect(
            String(decoding: request.write(), as: UTF8.self)
                == "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\nTo: <sip:h>\r\nContent-Length: 2\r\n\r\nhi"
        )
    }

    @Test func `the top Via is replaced or taken away alone`() throws {
        var request = try #require(
            Sample().with("Via", "SIP / 2.0 / UDP A.Example:05060 ;rport, SIP/2.0/TCP b").adding("v: SIP/2.0/TLS c")
                .outcome.request
        )
        var via = try request.topVia()
        via.received = "192.0.2.9"
        via.rport = 1024
        request.setTopVia(parameters: via.parameters)
        #expect(
            request.headers.all(.via) == [
                "SIP / 2.0 / UDP A.Example:05060;rport=1024;received=192.0.2.9, SIP/2.0/TCP b", "SIP/2.0/TLS c",
            ]
        )
    }

    @Test func `§21 every code has a phrase`() {
        #expect(
            ReasonPhrase.standard(486) == "Busy Here" && ReasonPhrase.standard(481) == "Call/Transaction Does Not Exist"
        )
        for status in 100...699 { #expect(!ReasonPhrase.standard(status).isEmpty) }
        #expect(ReasonPhrase.standard(-1) == "Unknown" && SIPResponse(status: 499).reason == "Request Failure")
    }

    @Test func `either kind of message through one value`() throws {
        var message = SIPMessage.response(SIPResponse(status: 200))
        message.headers.append(.subject, "x")
        message.body = [1]
        #expect(message.headers[.subject] == "x" && message.write().last == 1)
        message = .request(SIPRequest(method: .bye, uri: SIPURI(user: nil, host: "h")))
        message.headers.append(.subject, "y")
        message.body = [2, 3]
        var out: [UInt8] = [9]
        message.write(into: &out)
        #expect(
            out.first == 9 && out.suffix(2) == [2, 3] && message.body == [2, 3] && message.headers[.subject] == "y"
        )
    }
}

extension String {
    fileprivate func components(separatedByLine name: String) -> [Substring] { split(separator: "\r\n\(name):") }
}

import Foundation
import SIPMessage
import Testing

/// What the parser is to say of a torture message, and what is left to those above it.
struct Expectation {
    var verdict: Verdict
    /// The codes of the table that the transaction layer, the registrar or the call core gives.
    var above: Set<Int> = []

    static let request = Expectation(verdict: .request)
    static func request(above: Int...) -> Expectation { Expectation(verdict: .request, above: Set(above)) }
    static let bad = Expectation(verdict: .refused(400))
    static let response = Expectation(verdict: .response)
    static let dropped = Expectation(verdict: .dropped)
}

private struct Table: Decodable {
    struct Case: Decodable {
        var name: String
        var file: String
        var section: String
        var expect: String
        var codes: [Int]
        var why: String
        var wire_file: String?
    }

    var cases: [Case]

    static func read(_ name: String) throws -> Table {
        try JSONDecoder().decode(Table.self, from: Data(Conformance.bytes(name)))
    }
}

private let expectations: [String: Expectation] = [
    // RFC 4475 §3.1.1: valid, whatever they look like
    "wsinv": .request, "intmeth": .request(above: 405, 501), "esc01": .request, "esc02": .request(above: 405, 501),
    "lwsdisp": .request, "longreq": .request, "semiuri": .request, "transports": .request, "unreason": .response,
    // §3.1.2: invalid
    "ncl": .bad, "scalar02": .bad, "quotbal": .bad, "lwsstart": .bad, "trws": .bad, "escruri": .bad,
    "badaspec": .bad, "baddn": .bad, "mismatch01": .bad, "bigcode": .dropped,
    // §3.2: matched as RFC 2543 does, by the transaction layer
    "badbranch": .request,
    // §3.3: sound syntax that something above refuses, and what is refused here already
    "insuf": .bad, "multi01": .bad, "unkscm": .request(above: 416), "unksm2": .request(above: 400),
    "bext01": .request(above: 420), "regaut01": .request(above: 401), "bcast": .response, "cparam02": .request,
    "sdp01": .request(above: 406, 400),
    // RFC 5118
    "ipv6-good": .request, "port-ambiguous": .request, "port-unambiguous": .request,
    "via-received-param-with-delim": .request, "mult-ip-in-header": .request, "mult-ip-in-sdp": .request,
    "ipv6-bug-abnf-3-colons": .request,
]

@Suite("RFC 4475 and RFC 5118 torture messages", .enabled(if: Conformance.isPresent))
struct TortureTests {
    @Test(arguments: ["rfc4475.json", "rfc5118.json"])
    func `every message gets the outcome that its RFC asks for`(file: String) throws {
        for item in try Table.read(file).cases {
            let label = "§\(item.section) \(item.name): \(item.why)"
            guard let expected = expectations[item.name] else {
                Issue.record("no expectation for \(label)")
                continue
            }
            let verdict = parseDatagram(Conformance.bytes(item.wire_file ?? item.file)).verdict
            #expect(verdict == expected.verdict, "\(label)")
            #expect(agrees(expected, with: item), "our expectation contradicts the table: \(label)")
        }
    }

    /// The expectations above against the table's own words.
    private func agrees(_ expected: Expectation, with item: Table.Case) -> Bool {
        switch (item.expect, expected.verdict) {
        case ("accept", .request): true
        case ("either", .request): true
        case ("either", .refused(let status)): status.map(item.codes.contains) ?? false
        case ("reject", .refused(let status)): status.map(item.codes.contains) ?? false
        case ("reject", .request): !expected.above.isEmpty && expected.above.isSubset(of: item.codes)
        // A response without a transaction of ours is dropped by the layer that looks for one.
        case ("drop", .dropped), ("drop", .response): true
        default: false
        }
    }

    @Test func `a stream delivers each message as a datagram does`() throws {
        for file in ["rfc4475.json", "rfc5118.json"] {
            for item in try Table.read(file).cases where expectations[item.name]?.verdict == .request {
                let bytes = Conformance.bytes(item.wire_file ?? item.file)
                var framer = StreamFramer()
                framer.append(bytes)
                guard case .message(let outcome)? = framer.next() else {
                    Issue.record("\(item.name): nothing framed")
                    continue
                }
                #expect(outcome.verdict == .request, "\(item.name)")
            }
        }
    }

    @Test func `RFC 4475 §3.1.1.1 wsinv: folds, spaces and compact names read as values`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/wsinv.dat")).request)
        #expect(request.uri.parameters.contains("unknownparam"))
        #expect(try request.to().tag == "1918181833n")
        #expect(try request.from().displayName == #"J Rosenberg \""#)
        #expect(try request.from().tag == "98asjd8")
        #expect(try request.maxForwards() == 68)
        #expect(try request.cSeq() == CSeq(number: 9, method: .invite))
        #expect(request.headers[.subject] == "")
        #expect(request.headers[HeaderName("newfangledheader")] == "newfangled value continued newfangled value")
        #expect(request.headers[HeaderName("UnknownHeaderWithUnusualValue")] == ";;,,;;,;")
        let route = try #require(try request.routes().first)
        #expect(route.uri.isLooseRouting && route.uri.parameters["unknownwith"] == "value")
        #expect(try request.vias().map(\.host) == ["192.0.2.2", "spindle.example.com", "192.168.255.111"])
        #expect(try request.vias().map(\.branch) == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"])
        #expect(try request.topVia().hasUniqueBranch == false)
        let contact = try #require(try request.contacts().first)
        #expect(contact.displayName == #"Quoted string """#)
        #expect(contact.parameters["q"] == "0.33" && contact.parameters["secondparam"] == "")
        #expect(request.body.count == 150)
    }

    @Test func `RFC 4475 §3.1.1.3 esc01: escapes are taken off once`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/esc01.dat")).request)
        #expect(request.uri.user == "sips:user@example.com")
        #expect(request.uri.host == "example.net")
        #expect(try request.to().uri.user == "user")
        #expect(try request.from().uri.user == "I have spaces")
        let contact = try #require(try request.contacts().first)
        #expect(contact.uri.user == "caller")
        #expect(contact.uri.isLooseRouting)
        #expect(contact.uri.parameters["name"] == "value%41")
        #expect("\(contact.uri)".contains("=v%61lue%25%34%31"))
    }

    @Test func `RFC 4475 §3.1.1.2 intmeth: every legal octet`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/intmeth.dat")).request)
        #expect(request.method.name == "!interesting-Method0123456789_*+`.%indeed'~")
        #expect(request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
        #expect(request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
        #expect(try request.to().displayName == "BEL:\u{07} NUL:\u{00} DEL:\u{7F}")
        #expect(try request.from().displayName == "token1~` token2'+_ token3*%!.-")
        #expect(try request.from().parameters["fromParam''~+*_!.-%"] == "работающий")
        #expect(try request.callID() == #"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#)
    }

    @Test func `RFC 4475 §3.1.1.8 longreq: nothing is cut`() throws {
        let bytes = Conformance.bytes("rfc4475/longreq.dat")
        let request = try #require(parseDatagram(bytes).request)
        #expect(try request.vias().count == 34)
        #expect(try request.topVia().host == "sip33.example.com")
        #expect(try request.from().tag?.utf8.count == 155)
        #expect(request.headers[HeaderName("Unknown-" + String(repeating: "Long", count: 20) + "-Name")] != nil)
    }

    @Test func `RFC 4475 §3.1.1.12 semiuri: the semicolon belongs to the user`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/semiuri.dat")).request)
        #expect(request.uri.user == "user;par=u@example.net")
        #expect(request.uri.host == "example.com")
        #expect(request.uri.parameters.isEmpty)
        #expect(request.headers.list(.accept).count == 6)
        #expect("\(request.uri)" == "sip:user;par=u%40example.net@example.com")
    }

    @Test func `RFC 4475 §3.3.1 insuf: the answer copies what there is`() throws {
        guard case .faulty(let request, let fault) = parseDatagram(Conformance.bytes("rfc4475/insuf.dat")) else {
            Issue.record("not answerable")
            return
        }
        #expect(fault.kind == .missingHeader)
        let answer = SIPResponse(status: 400, to: request, toTag: "t")
        #expect(answer.headers.map(\.name.name) == ["Via", "CSeq"])
    }

    @Test func `RFC 4475 §3.3.13 cparam02: inside the brackets it is the URI's`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/cparam02.dat")).request)
        let contact = try #require(try request.contacts().first)
        #expect(contact.uri.parameters.contains("unknownparam"))
        #expect(contact.parameters.isEmpty)
    }

    @Test func `RFC 4475 §3.3.3 unksm2: other schemes are kept whole`() throws {
        let request = try #require(parseDatagram(Conformance.bytes("rfc4475/unksm2.dat")).request)
        #expect(try request.to().uri.scheme == .other("isbn"))
        #expect(try request.to().uri.opaque == "2983792873")
        #expect(try request.from().uri.opaque == "//www.example.com")
        #expect(try request.contacts().first?.uri.scheme == .other("name"))
    }

    @Test func `RFC 5118 §4.3 and §4.4: where an address ends`() throws {
        let ambiguous = try #require(parseDatagram(Conformance.bytes("rfc5118/port-ambiguous.dat")).request)
        #expect(ambiguous.uri.host == "2001:db8::10:5070" && ambiguous.uri.port == nil)
        let clear = try #require(parseDatagram(Conformance.bytes("rfc5118/port-unambiguous.dat")).request)
        #expect(clear.uri.host == "2001:db8::10" && clear.uri.port == 5070)
        #expect("\(clear.uri)" == "sip:[2001:db8::10]:5070")
    }

    @Test func `RFC 5118 §4.5: received with brackets is the same address`() throws {
        let path = "rfc5118/via-received-param-with-delim.dat"
        let request = try #require(parseDatagram(Conformance.bytes(path)).request)
        #expect(try request.topVia().received == "2001:db8::9:255")
    }
}

import SIPMessage
import Testing

@testable import SIP

/// RFC 7044 and RFC 5806: what an INVITE tells of the way that its call came.
@Suite struct DiversionHistoryTests {
    private func uri(_ number: String) -> SIPURI { SIPURI(user: number, host: "demo.test") }

    private func lines(_ history: DiversionHistory) -> [String] {
        history.headers.map { "\($0.0.name): \($0.1)" }
    }

    private func history(_ extra: [String]) throws -> DiversionHistory {
        var request = SIPRequest(method: .invite, uri: uri("1001"))
        for line in extra {
            let parts = line.split(separator: ":", maxSplits: 1)
            request.headers.append(
                HeaderName(String(parts[0])),
                parts[1].trimmingPrefix(while: { $0 == " " }).description
            )
        }
        return DiversionHistory(of: request)
    }

    @Test func `nothing is told of a call that nobody has sent on`() {
        var history = DiversionHistory()
        history.goOn(to: uri("1001"))
        #expect(lines(history).isEmpty)
    }

    @Test
    func `§5, §10.2: each who sent it on stands with the reason, his target below him, and the last author first`() {
        var history = DiversionHistory()
        history.sendOn(by: uri("1001"), status: 302)
        history.goOn(to: uri("1002"), branch: 2)
        history.sendOn(by: uri("1002"), status: 302)
        history.goOn(to: uri("1003"))
        #expect(
            lines(history) == [
                "History-Info: <sip:1001@demo.test?Reason=SIP%3Bcause%3D302>;index=1",
                "History-Info: <sip:1002@demo.test?Reason=SIP%3Bcause%3D302>;mp=1;index=1.2",
                "History-Info: <sip:1003@demo.test>;mp=1.2;index=1.2.1",
                "Diversion: <sip:1002@demo.test>;reason=unconditional",
                "Diversion: <sip:1001@demo.test>;reason=unconditional",
            ]
        )
        #expect(history.wasSentOn(by: "1001") && history.wasSentOn(by: "1002") && !history.wasSentOn(by: "1003"))
    }

    @Test func `what a call brings along goes before what we add`() throws {
        var history = try history([
            "History-Info: <sip:100@far.test>;index=1, <sip:1001@demo.test>;index=1.1;mp=1",
            "Diversion: \"Far, away\" <sip:100@far.test>;reason=user-busy;counter=2",
        ])
        history.goOn(to: uri("1001"))
        history.sendOn(by: uri("1001"), status: 302)
        history.goOn(to: uri("1002"))
        #expect(
            lines(history) == [
                "History-Info: <sip:100@far.test>;index=1", "History-Info: <sip:1001@demo.test>;index=1.1;mp=1",
                "History-Info: <sip:1001@demo.test?Reason=SIP%3Bcause%3D302>;mp=1.1;index=1.1.1",
                "History-Info: <sip:1002@demo.test>;mp=1.1.1;index=1.1.1.1",
                "Diversion: <sip:1001@demo.test>;reason=unconditional",
                "Diversion: \"Far, away\" <sip:100@far.test>;reason=user-busy;counter=2",
            ]
        )
    }

    @Test func `§10.1, RFC 5806 §4: who wants privacy is not told of, by neither header`() throws {
        let all = "History-Info: <sip:100@far.test?Privacy=history>;index=1, <sip:1001@demo.test>;index=1.1"
        #expect(lines(try history(["Privacy: id; history", all])).isEmpty)
        #expect(lines(try history(["Privacy: id", all])) == ["History-Info: <sip:1001@demo.test>;index=1.1"])
        let diversions = ["full", "\"uri\"", "name", "off"].map {
            "Diversion: \"Far\" <sip:\($0.filter(\.isLetter))@far.test>;reason=user-busy;privacy=\($0)"
        }
        #expect(
            lines(try history(diversions)) == [
                "Diversion: <sip:name@far.test>;reason=user-busy;privacy=name",
                "Diversion: \"Far\" <sip:off@far.test>;reason=user-busy;privacy=off",
            ]
        )
    }

    @Test func `entries that are too many, too long or no entries are left out`() throws {
        let many = (1...50).map { "History-Info: <sip:\($0)@far.test>;index=\($0)" }
        let few = lines(try history(many))
        #expect(few.count == 10 && few.last?.contains("<sip:50@far.test>") == true)
        #expect(
            lines(try history((1...50).map { "Diversion: <sip:\($0)@far.test>" })).first?.contains("sip:1@") == true
        )
        let long = String(repeating: "9", count: 600)
        for bad in [
            "<sip:\(long)@far.test>;index=1", "<sip:1@far.test>", "<sip:1@far.test>;index=1..2",
            "<sip:1@far.test>;index=x",
            "<sip:", "",
        ] { #expect(lines(try history(["History-Info: \(bad)"])).isEmpty, "\(bad)") }
        var history = DiversionHistory()
        for number in 0..<100 {
            history.sendOn(by: uri("\(number)"), status: 302)
            history.goOn(to: uri("\(number + 1)"))
        }
        #expect(lines(history).count == 20)
    }
}

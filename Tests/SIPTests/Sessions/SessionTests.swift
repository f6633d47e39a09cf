import SDP
import SIPMessage
import Testing
import Timebase

@testable import SIP

@Suite("RFC 3261 §13–15 sessions")
struct SessionTests {
    private func connected(settings: SessionSettings = SessionSettings()) -> SessionPair {
        var pair = SessionPair(settings: settings)
        pair.start()
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.ladder = []
        pair.notices = [:]
        return pair
    }

    @Test func `§13 a call: offer, ringing, answer, ACK, BYE`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(180, now: $1) }
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.onCaller { $0.hangUp(now: $1) }
        #expect(
            pair.text == """
                     0 -> INVITE
                     0 <- 180
                     0 <- 200
                     0 -> ACK
                     0 -> BYE
                     0 <- 200 BYE
                """
        )
        #expect(pair.caller.isEnded)
        #expect(pair.callee?.isEnded == true)
    }

    @Test func `a party is reached by its way until the call is over`() {
        var pair = connected()
        var other = SessionPair.flow
        other.remote.port = 5071
        #expect(pair.caller.isReached(over: SessionPair.flow) && pair.callee?.isReached(over: SessionPair.flow) == true)
        #expect(!pair.caller.isReached(over: other))
        pair.onCaller { $0.hangUp(now: $1) }
        #expect(!pair.caller.isReached(over: SessionPair.flow))
    }

    @Test func `§13.3.1.4 the 2xx is repeated from T1 doubling to T2, then BYE after 64·T1`() {
        var pair = SessionPair()
        pair.start()
        pair.lost = ["200", "200", "200", "200", "200", "200", "200", "200", "200", "200", "200", "200", "200"]
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.run(for: .seconds(40))
        let times = pair.ladder.filter { $0.contains("200 (lost)") }.compactMap { Int($0.split(separator: " ")[0]) }
        #expect(times.prefix(6) == [0, 500, 1500, 3500, 7500, 11500])
        #expect(pair.ladder.contains { $0.contains("32000 <- BYE") })
        #expect(pair.notices[.callee]?.contains(.failed(.acknowledgementMissing)) == true)
    }

    @Test func `§13.2.2.4 a lost ACK is repeated for each repeated 2xx`() {
        var pair = SessionPair()
        pair.start()
        pair.lost = ["ACK"]
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.run(for: .seconds(1))
        #expect(
            pair.text == """
                     0 -> INVITE
                     0 <- 200
                     0 -> ACK (lost)
                   500 <- 200
                   500 -> ACK
                """
        )
        #expect(pair.callee?.isConfirmed == true)
    }

    @Test func `§9 CANCEL before the answer: 487`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(180, now: $1) }
        pair.onCaller { $0.hangUp(now: $1) }
        #expect(pair.ladder.last == "     0 <- 487")
        #expect(pair.caller.isEnded && pair.callee?.isEnded == true)
        #expect(pair.notices[.callee] == [.cancelled(reason: nil), .ended])
    }

    @Test func `§9.1 an answer that crosses our CANCEL gets ACK and BYE`() {
        var pair = SessionPair()
        pair.start()
        pair.lost = ["CANCEL"]
        pair.onCaller { $0.hangUp(now: $1) }
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        #expect(pair.ladder.suffix(4) == ["     0 <- 200", "     0 -> ACK", "     0 -> BYE", "     0 <- 200 BYE"])
        #expect(pair.caller.isEnded && pair.callee?.isEnded == true)
    }

    @Test func `§13.2.1 late offer: the offer in the 200, the answer in the ACK`() {
        var pair = SessionPair(offer: nil)
        pair.start()
        pair.onCallee { $0.accept(sdp: SessionPair.offer, now: $1) }
        #expect(pair.ladder.last == "     0 <- 200")
        pair.onCaller { $0.acknowledge(answer: SessionPair.answer, now: $1) }
        #expect(pair.ladder.last == "     0 -> ACK")
        guard case .acknowledged(let answer)? = pair.notices[.callee]?.last else {
            Issue.record("no ACK was told")
            return
        }
        #expect(answer != nil)
    }

    @Test func `§14.1 glare: both re-INVITE, both get 491, the owner of the Call-ID waits longer, both come through`() {
        var pair = connected()
        pair.lost = ["INVITE"]
        // The caller's re-INVITE is under way (not delivered) when the callee's comes.
        pair.onCaller { $0.reoffer(SessionPair.offer, now: $1) }
        pair.onCallee { $0.reoffer(SessionPair.answer, now: $1) }
        #expect(pair.ladder.last == "     0 -> 491")
        pair.ladder = []
        pair.run(for: .seconds(3))
        let retry = pair.ladder.first { $0.contains("<- INVITE") }
        let time = retry.flatMap { Int($0.split(separator: " ")[0]) } ?? 9999
        #expect(time <= 2000)
    }

    @Test func `a re-INVITE that the peer ponders too long is taken back, and the next one goes out`() {
        var pair = connected()
        let offer = Array(SessionPair.offer.map { $0 == 0x31 ? 0x33 : $0 })
        pair.lost = ["INVITE"]
        pair.onCaller { $0.reoffer(offer, now: $1) }
        pair.run(for: .seconds(59))
        #expect(pair.ladder == ["     0 -> INVITE (lost)"])
        pair.run(for: .seconds(2))
        #expect(pair.ladder.last == " 60000 -> CANCEL")
        pair.onCaller {
            $0.receive(
                SIPResponse(status: 487, reason: "Request Terminated"),
                to: .reinvite,
                over: SessionPair.flow,
                now: $1
            )
        }
        #expect(pair.notices[.caller]?.last == .reofferRefused(status: 487))
        pair.onCaller { $0.reoffer(offer, now: $1) }
        pair.onCallee { $0.answerOffer(SessionPair.answer, now: $1) }
        pair.ladder = []
        pair.run(for: .seconds(100))
        #expect(pair.ladder.isEmpty, "\(pair.text)")
    }

    @Test func `§13.2.2.4 a repeated 2xx of an earlier re-INVITE earns its ACK, and answers no later one`()
        throws
    {
        var pair = connected()
        let hold = SessionPair.offer + Array("a=sendonly\r\n".utf8)
        pair.onCaller { $0.reoffer(hold, now: $1) }
        // Its ACK is lost, and the 200 repeated after the next re-INVITE has gone out.
        pair.lost = ["ACK", "INVITE"]
        pair.onCallee { $0.answerOffer(SessionPair.answer, now: $1) }
        pair.onCaller { $0.reoffer(SessionPair.offer, now: $1) }
        let told = pair.notices[.caller]?.count
        pair.ladder = []
        pair.run(for: .milliseconds(600))
        #expect(pair.ladder == ["   500 <- 200", "   500 -> ACK"], "\(pair.text)")
        #expect(pair.notices[.caller]?.count == told)
        pair.deliverOverdue()
        pair.onCallee { $0.answerOffer(SessionPair.answer, now: $1) }
        #expect(pair.notices[.caller]?.count == (told ?? 0) + 1)
    }

    @Test(arguments: [nil, "100rel"])
    func `§13.3.1.1 who waits long for an answer hears each minute that it is still on its way`(require: String?) {
        var pair = SessionPair(require: require)
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, now: $1) }
        pair.ladder = []
        pair.run(for: .seconds(130))
        let told = pair.ladder.filter { $0.hasSuffix("<- 183") }
        #expect(told == [" 60000 <- 183", "120000 <- 183"], "\(pair.text)")
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.ladder = []
        pair.run(for: .seconds(130))
        #expect(!pair.text.contains("183"), "\(pair.text)")
    }

    @Test func `what the peer allows is its last word, of which so much is kept`() throws {
        var pair = SessionPair()
        pair.start()
        func allow(_ methods: String, _ status: Int) {
            pair.onCaller {
                var response = SIPResponse(status: status, reason: "Session Progress")
                response.headers.append(.to, "<sip:b@example.com>;tag=b")
                response.headers.append(.contact, "<sip:b@127.0.0.1:5070>")
                response.headers.append(.cSeq, "1 INVITE")
                response.headers.append(.allow, methods)
                return $0.receive(response, to: .invite, over: SessionPair.flow, now: $1)
            }
        }
        for turn in 0..<100 { allow((0..<50).map { "M\(turn)X\($0)" }.joined(separator: ", "), 183) }
        #expect(pair.caller.peerAllows.count <= 32)
        allow("INVITE, UPDATE", 183)
        #expect(pair.caller.peerAllows(.update) && pair.caller.peerAllows.count == 2)
    }

    @Test func `§14.2 a second re-INVITE before the first is answered gets 500 with Retry-After`() {
        var pair = connected()
        pair.onCaller { $0.reoffer(Array(SessionPair.offer.map { $0 == 0x31 ? 0x33 : $0 }), now: $1) }
        guard case .offered? = pair.notices[.callee]?.first else {
            Issue.record("the offer was not told")
            return
        }
        pair.onCallee { $0.answerOffer(SessionPair.answer, now: $1) }
        #expect(pair.ladder == ["     0 -> INVITE", "     0 <- 200", "     0 -> ACK"])
    }

    @Test func `RFC 4028 §7.4 the same description again is a refresh that the call does not hear of`() {
        var pair = connected()
        pair.onCaller { $0.reoffer(SessionPair.offer, now: $1) }
        #expect(pair.ladder == ["     0 -> INVITE", "     0 <- 200", "     0 -> ACK"])
        #expect(pair.notices[.callee]?.contains { if case .offered = $0 { true } else { false } } != true)
    }

    @Test func `RFC 4028 the side that refreshes does so at half the interval; without it the other hangs up`() {
        var settings = SessionSettings()
        settings.sessionExpires = 90
        var pair = connected(settings: settings)
        pair.run(for: .seconds(46))
        #expect(pair.ladder.contains { $0.hasPrefix(" 45000 ->") })
        pair.ladder = []
        pair.lost = [String](repeating: "UPDATE", count: 1)
        pair.run(for: .seconds(120))
        #expect(pair.ladder.contains { $0.contains("<- BYE") })
    }

    /// The refresh, its refusal, and when by what method it is tried again, in milliseconds.
    @Test(arguments: [
        (491, nil, "UPDATE", 2_100...4_000), (500, nil, "UPDATE", 5_000...5_000), (500, "2", "UPDATE", 2_000...2_000),
        (503, "3600", "UPDATE", 10_000...10_000), (405, nil, "INVITE", 0...0), (501, nil, "INVITE", 0...0),
    ])
    func `RFC 4028 §10 a refused refresh is tried again as its refusal lets us, and the session lives`(
        status: Int,
        retryAfter: String?,
        method: String,
        wait: ClosedRange<Int>
    ) throws {
        var settings = SessionSettings()
        settings.sessionExpires = 90
        var pair = connected(settings: settings)
        pair.refusal = (.update, status, retryAfter, 1)
        pair.run(for: .milliseconds(45_000))
        #expect(pair.ladder.contains(" 45000 <- \(status) UPDATE"), "\(pair.text)")
        pair.ladder.removeAll { $0.hasPrefix(" 45000") && $0.contains("UPDATE") }
        pair.run(for: .milliseconds(11_000))
        let again = try #require(pair.ladder.first { $0.hasSuffix("-> \(method)") }, "\(pair.text)")
        let moment = try #require(Int(again.prefix(6).filter { $0 != " " }))
        #expect(wait.contains(moment - 45_000), "\(again)")
        pair.run(for: .seconds(60))
        #expect(!pair.text.contains("BYE"))
    }

    @Test func `RFC 4028 §10 a session whose refresh is always refused ends`() {
        var settings = SessionSettings()
        settings.sessionExpires = 90
        var pair = connected(settings: settings)
        pair.refusal = (.update, 500, nil, .max)
        pair.run(for: .seconds(89))
        #expect(pair.ladder.count { $0.contains("-> UPDATE") } >= 3, "\(pair.text)")
        pair.run(for: .seconds(2))
        #expect(pair.ladder.contains { $0.contains("BYE") }, "\(pair.text)")
    }

    @Test func `§12.2.1.2 a request that finds no way to the peer ends no dialog`() {
        var settings = SessionSettings()
        settings.sessionExpires = 90
        var pair = connected(settings: settings)
        pair.lost = ["INVITE"]
        pair.onCaller { $0.reoffer(SessionPair.answer, now: $1) }
        pair.onCaller { $0.requestFailed(.reinvite, status: 503, now: $1) }
        #expect(pair.notices[.caller] == [.reofferRefused(status: 503)])
        pair.lost = ["UPDATE"]
        pair.run(for: .seconds(45))
        pair.onCaller { $0.requestFailed(.update, status: 503, now: $1) }
        pair.run(for: .seconds(60))
        #expect(pair.caller.isConfirmed && !pair.text.contains("BYE"), "\(pair.text)")
    }

    @Test func `RFC 3262 §3 a PRACK that our 2xx overtook is answered`() {
        var pair = SessionPair(require: "100rel")
        pair.start()
        pair.lost = ["PRACK"]
        pair.onCallee { $0.ring(180, now: $1) }
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        #expect(pair.callee?.isConfirmed == true)
        pair.deliverOverdue()
        #expect(pair.ladder.last?.hasSuffix("<- 200 PRACK") == true, "\(pair.text)")
    }

    @Test func `RFC 3262 a caller that requires 100rel gets RSeq, and a repeated provisional until its PRACK`() {
        var pair = SessionPair(require: "100rel")
        pair.start()
        pair.lost = ["180"]
        pair.onCallee { $0.ring(180, now: $1) }
        pair.run(for: .seconds(1))
        #expect(
            pair.text == """
                     0 -> INVITE
                     0 <- 180 (lost)
                   500 <- 180
                   500 -> PRACK
                   500 <- 200 PRACK
                """
        )
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        #expect(pair.callee?.isConfirmed == true)
    }

    @Test func `RFC 3262 §3 a callee may make a provisional reliable that the caller only supports`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        #expect(
            pair.text == """
                     0 -> INVITE
                     0 <- 183
                     0 -> PRACK
                     0 <- 200 PRACK
                """
        )
    }

    @Test(arguments: [false, true])
    func `RFC 3311 §5.2 a 2xx without a description leaves in force what an UPDATE agreed upon`(byCaller: Bool) throws {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        // In another codec than the INVITE offered, which it is to be held against no more.
        let next = SessionPair.answer.map { $0 == UInt8(ascii: "8") ? UInt8(ascii: "0") : $0 }
        pair.caller.peerAllows = [Method.update.name]
        if byCaller {
            pair.onCaller { $0.reoffer(next, now: $1) }
            pair.onCallee { $0.answerOffer(next, now: $1) }
        } else {
            pair.onCallee { $0.reoffer(next, now: $1) }
            pair.onCaller { $0.answerOffer(next, now: $1) }
        }
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        let agreed = try SessionDescription(parsing: next)
        #expect(pair.notices[.caller]?.last == .answered(agreed, isOffer: false), "\(pair.text)")
        #expect(pair.caller.remoteDescription == next && pair.caller.localDescription == next)
    }

    @Test(arguments: [false, true])
    func `RFC 3261 §13.2.2.4 an UPDATE in one early dialog comes to nothing where another is answered`(
        byCaller: Bool
    ) throws {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        pair.caller.peerAllows = [Method.update.name]
        if byCaller {
            pair.lost = ["UPDATE"]
            pair.onCaller { $0.reoffer(SessionPair.offer, now: $1) }
        } else {
            pair.onCallee { $0.reoffer(SessionPair.offer, now: $1) }
        }
        let invite = if case .calling(let attempt) = pair.caller.phase { attempt.request } else { SIPRequest?.none }
        var answer = SIPResponse(status: 200, to: try #require(invite), toTag: "other")
        answer.headers.append(.contact, "<sip:b@127.0.0.1:5070>")
        answer.headers.append(.contentType, "application/sdp")
        answer.body = SessionPair.answer
        pair.onCaller { $0.receive(answer, to: .invite, over: SessionPair.flow, now: $1) }
        let description = try SessionDescription(parsing: SessionPair.answer)
        let notices = Array(pair.notices[.caller]?.suffix(2) ?? [])
        let told: Session.Notice = byCaller ? .reofferRefused(status: 488) : .offerWithdrawn
        #expect(notices == [told, .answered(description, isOffer: false)])
        if !byCaller { #expect(pair.notices[.callee]?.last == .reofferRefused(status: 487)) }
        // How it ends in its own dialog is nothing to the one that is confirmed.
        let gone = SIPResponse(status: 481, reason: "Call/Transaction Does Not Exist")
        pair.onCaller { $0.receive(gone, to: .update, over: SessionPair.flow, now: $1) }
        #expect(pair.caller.isConfirmed)
    }

    @Test func `§13.2.2.4 a 2xx to a re-INVITE that crosses our BYE gets its ACK`() {
        var pair = connected()
        pair.onCaller { $0.reoffer(SessionPair.offer + Array("a=sendonly\r\n".utf8), now: $1) }
        pair.lost = ["BYE"]
        pair.onCaller { $0.hangUp(now: $1) }
        pair.ladder = []
        pair.onCallee { $0.answerOffer(SessionPair.answer, now: $1) }
        pair.deliverOverdue()
        #expect(
            pair.text == """
                     0 <- 200
                     0 -> ACK
                     0 -> BYE
                     0 <- 200 BYE
                """
        )
    }

    @Test func `RFC 4320 §4.2 an UPDATE that nobody decides upon is 504 before its sender gives up`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        pair.onCallee { $0.reoffer(SessionPair.offer, now: $1) }
        pair.ladder = []
        pair.run(for: .seconds(31))
        #expect(pair.ladder == [" 28000 -> 504 UPDATE"])
        #expect(pair.notices[.caller]?.last == .offerWithdrawn)
        #expect(pair.notices[.callee]?.last == .reofferRefused(status: 504))
        // What the other party says in the end is too late.
        pair.onCaller { $0.refuseOffer(408, now: $1) }
        #expect(pair.ladder.count == 1)
    }

    @Test func `RFC 4320 §4.2 an UPDATE is never answered 408`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        pair.onCallee { $0.reoffer(SessionPair.offer, now: $1) }
        pair.onCaller { $0.refuseOffer(408, now: $1) }
        #expect(pair.ladder.last == "     0 -> 504 UPDATE")
        pair.ladder = []
        pair.run(for: .seconds(60))
        #expect(!pair.text.contains("UPDATE"))
    }

    @Test func `an offer for a caller whose 200 waits for a PRACK is to be made again in a moment`() {
        var pair = SessionPair()
        pair.start()
        pair.lost = ["PRACK"]
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        pair.onCallee { $0.accept(sdp: SessionPair.answer, now: $1) }
        pair.onCallee { $0.reoffer(SessionPair.offer, now: $1) }
        #expect(pair.notices[.callee]?.last == .reofferRefused(status: 491))
    }

    @Test func `RFC 3261 §15.1.2 an UPDATE that waits is answered before a cancelled INVITE is over`() {
        var pair = SessionPair()
        pair.start()
        pair.onCallee { $0.ring(183, sdp: SessionPair.answer, isReliable: true, now: $1) }
        // Another description than before: the same again would be a refresh, which is answered at once.
        pair.onCallee { $0.reoffer(SessionPair.offer, now: $1) }
        pair.ladder = []
        pair.onCaller { $0.hangUp(reason: nil, now: $1) }
        #expect(
            pair.text == """
                     0 -> CANCEL
                     0 <- 487
                     0 -> 487 UPDATE
                """
        )
        #expect(pair.caller.isEnded)
    }

    @Test func `RFC 3262 §3 a provisional that is never acknowledged fails the INVITE at 64·T1`() {
        var pair = SessionPair(require: "100rel")
        pair.start()
        pair.lost = [String](repeating: "180", count: 20)
        pair.onCallee { $0.ring(180, now: $1) }
        pair.run(for: .seconds(33))
        #expect(pair.ladder.last?.contains("<- 504") == true)
    }

    @Test func `§15 both hang up at once: both get their answers, both end once`() {
        var pair = connected()
        pair.lost = ["BYE"]
        pair.onCaller { $0.hangUp(now: $1) }
        pair.onCallee { $0.hangUp(now: $1) }
        #expect(pair.callee?.isEnded == true)
        #expect(pair.caller.isEnded)
        #expect(pair.notices[.caller]?.filter { $0 == .ended }.count == 1)
    }

    @Test func `§12.2.2 a request with an old CSeq gets 500, of a foreign dialog 481`() throws {
        var pair = connected()
        var old = SIPRequest(method: .bye, uri: SIPURI(host: "127.0.0.1"))
        old.headers.append(.via, "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx")
        old.headers.append(.from, "<sip:a@example.com>;tag=\(pair.caller.tag)")
        old.headers.append(.to, "<sip:b@example.com>;tag=\(pair.callee?.tag ?? "")")
        old.headers.append(.callID, "call")
        old.headers.append(.cSeq, "1 BYE")
        pair.onCallee { $0.receive(old, transaction: ServerTransactionID(99), over: SessionPair.flow, now: $1) }
        #expect(pair.callee?.isConfirmed == true)
        old.headers[.from] = "<sip:a@example.com>;tag=stranger"
        old.headers[.cSeq] = "9 BYE"
        pair.onCallee { $0.receive(old, transaction: ServerTransactionID(98), over: SessionPair.flow, now: $1) }
        #expect(pair.callee?.isConfirmed == true)
    }
}

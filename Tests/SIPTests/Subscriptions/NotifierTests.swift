import Events
import NetAddress
import SIPMessage
import Testing
import Timebase

@testable import SIP

/// A phone of 1003 that watches 1001, and what it gets.
private struct Watch {
    static let start = Instant(nanoseconds: 1_000_000_000)
    static let anna = WatchedUser(id: UserID(tenant: "demo", number: "1001"), domain: "demo.test")
    static let boris = UserID(tenant: "demo", number: "1002")
    static let vera = UserID(tenant: "demo", number: "1003")
    static let flow = Flow(
        transport: .udp,
        local: SocketAddress(.v4(0x7F00_0001), 5060),
        remote: SocketAddress(.v4(0x7F00_0001), 5062)
    )
    static let idle = WatchedState(isReachable: true, dialogs: [])

    var notifier: Notifier
    var now = start
    var package = EventPackage.dialog
    private(set) var sent: [SIPRequest] = []
    private(set) var ids: [Notifier.SubscriptionID] = []

    init(_ package: EventPackage = .dialog, mostPerUser: Int = 10) {
        let limits = SubscriptionLimits(minExpires: 60, defaultExpires: 600, maxExpires: 3600, mostPerUser: mostPerUser)
        notifier = Notifier(limits: limits, settings: SessionSettings(), seed: 7)
        self.package = package
    }

    static func request(
        cSeq: Int = 1,
        callID: String = "w1",
        toTag: String? = nil,
        event: String = "dialog",
        expires: String? = nil,
        accept: [String] = []
    ) -> SIPRequest {
        var request = SIPRequest(method: .subscribe, uri: SIPURI(user: "1001", host: "demo.test"))
        request.headers.append(.via, "SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKs\(cSeq)")
        request.headers.append(.from, "<sip:1003@demo.test>;tag=watcher")
        request.headers.append(.to, "<sip:1001@demo.test>" + (toTag.map { ";tag=\($0)" } ?? ""))
        request.headers.append(.callID, callID)
        request.headers.append(.cSeq, "\(cSeq) SUBSCRIBE")
        request.headers.append(.contact, "<sip:1003@127.0.0.1:5062>")
        request.headers.append(.event, event)
        for type in accept { request.headers.append(.accept, type) }
        if let expires { request.headers.append(.expires, expires) }
        return request
    }

    private mutating func keep(_ actions: [Notifier.Action]) {
        sent += actions.map(\.request)
        ids += actions.map(\.subscription)
    }

    mutating func subscribe(
        _ request: SIPRequest,
        seesOutside: Bool = true,
        state: WatchedState = idle
    ) -> SIPResponse {
        let (response, actions) = notifier.subscribe(
            request,
            package: package,
            to: Self.anna,
            by: Watcher(id: Self.vera, seesOutside: seesOutside),
            over: Self.flow,
            state: state,
            now: now
        )
        keep(actions)
        return response
    }

    mutating func refresh(_ request: SIPRequest, state: WatchedState = idle) -> SIPResponse {
        let (response, actions) = notifier.refresh(request, over: Self.flow, state: state, now: now)
        keep(actions)
        return response
    }

    mutating func becomes(_ dialogs: [WatchedDialog], isReachable: Bool = true) {
        let state = WatchedState(isReachable: isReachable, dialogs: dialogs)
        keep(notifier.changed(Self.anna.id, to: state, now: now))
    }

    /// The last NOTIFY is answered.
    mutating func answer(_ status: Int? = 200, retryAfter: String? = nil) {
        guard let id = ids.last else { return }
        var response = status.map { SIPResponse(status: $0) }
        if let retryAfter { response?.headers.append(.retryAfter, retryAfter) }
        keep(notifier.answered(id, response, now: now))
    }

    mutating func wait(_ seconds: Int64) {
        now = now + .seconds(seconds)
        keep(notifier.fire(now: now) { _ in Self.idle })
    }

    var last: String { sent.last.map { String(decoding: $0.body, as: UTF8.self) } ?? "" }
    var lastState: String { sent.last?.headers[.subscriptionState] ?? "" }

    static func dialog(
        _ phase: WatchedDialog.Phase,
        id: String = "call-1",
        direction: WatchedDialog.Direction = .recipient,
        remote: WatchedDialog.Party? = WatchedDialog.Party(number: "1002", name: "Boris", isInside: true),
        reference: DialogReference? = nil
    ) -> WatchedDialog {
        WatchedDialog(id: id, direction: direction, phase: phase, remote: remote, dialog: reference)
    }
}

@Suite("Notifier: RFC 6665, 4235 and 3856")
struct NotifierTests {
    @Test func `B140: 200 and at once a NOTIFY; renewed, and ended by Expires 0 with the reason`() throws {
        var watch = Watch()
        let accepted = watch.subscribe(Watch.request(event: "dialog;id=9", expires: "120"))
        #expect(accepted.status == 200 && accepted.headers[.expires] == "120")
        let first = try #require(watch.sent.first)
        #expect(first.headers[.event] == "dialog;id=9" && watch.lastState == "active;expires=120")
        #expect(first.headers[.contentType] == "application/dialog-info+xml")
        #expect(first.toTag == "watcher" && first.fromTag == accepted.toTag)
        #expect("\(first.uri)" == "sip:1003@127.0.0.1:5062")
        #expect(watch.last.contains(#"version="0" state="full" entity="sip:1001@demo.test""#))
        watch.answer()
        watch.now = watch.now + .seconds(100)
        let renewed = watch.refresh(
            Watch.request(cSeq: 2, toTag: accepted.toTag, event: "dialog;id=9", expires: "90")
        )
        #expect(renewed.status == 200 && renewed.headers[.expires] == "90")
        #expect(watch.sent.count == 2 && watch.lastState == "active;expires=90")
        #expect(watch.last.contains(#"version="1""#))
        watch.answer()
        let ended = watch.refresh(Watch.request(cSeq: 3, toTag: accepted.toTag, event: "dialog;id=9", expires: "0"))
        #expect(ended.status == 200 && ended.headers[.expires] == "0")
        #expect(watch.lastState == "terminated;reason=timeout" && watch.sent.count == 3)
        #expect(watch.notifier.isEmpty && watch.notifier.nextDeadline == nil)
        let late = watch.refresh(Watch.request(cSeq: 4, toTag: accepted.toTag, event: "dialog;id=9"))
        #expect(late.status == 481)
    }

    @Test func `B140: nobody renews it: it ends with a last NOTIFY, and nothing of it is left`() {
        var watch = Watch()
        #expect(watch.subscribe(Watch.request(expires: "60")).status == 200)
        watch.answer()
        watch.wait(59)
        #expect(watch.sent.count == 1)
        watch.wait(1)
        #expect(watch.lastState == "terminated;reason=timeout" && watch.notifier.isEmpty)
        watch.becomes([Watch.dialog(.early)])
        #expect(watch.sent.count == 2 && !watch.notifier.isWatched(Watch.anna.id))
    }

    @Test func `RFC 6665 §4.4.3: Expires 0 outside of a dialog fetches the state once`() {
        var watch = Watch()
        #expect(watch.subscribe(Watch.request(expires: "0")).status == 200)
        #expect(watch.sent.count == 1 && watch.lastState == "terminated;reason=timeout" && watch.notifier.isEmpty)
    }

    @Test func `too short, of another type, of another package, out of order, without Contact, too many`() {
        var watch = Watch(mostPerUser: 2)
        let brief = watch.subscribe(Watch.request(expires: "30"))
        #expect(brief.status == 423 && brief.headers[.minExpires] == "60")
        let foreign = watch.subscribe(Watch.request(accept: ["application/pidf+xml"]))
        #expect(foreign.status == 406 && foreign.headers[.accept] == "application/dialog-info+xml")
        #expect(watch.subscribe(Watch.request(expires: "soon")).status == 400)
        var nameless = Watch.request()
        nameless.headers[.contact] = nil
        #expect(watch.subscribe(nameless).status == 400)
        #expect(watch.notifier.isEmpty && watch.sent.isEmpty)
        let first = watch.subscribe(Watch.request(cSeq: 5, accept: ["application/*"]))
        #expect(first.status == 200 && first.headers[.expires] == "600")
        #expect(watch.refresh(Watch.request(cSeq: 5, toTag: first.toTag)).status == 500)
        #expect(watch.refresh(Watch.request(cSeq: 6, toTag: first.toTag, event: "presence")).status == 481)
        #expect(watch.refresh(Watch.request(cSeq: 7, toTag: first.toTag, expires: "30")).status == 423)
        #expect(watch.refresh(Watch.request(cSeq: 8, toTag: "other")).status == 481)
        #expect(watch.subscribe(Watch.request(callID: "w2", expires: "999999")).headers[.expires] == "3600")
        #expect(watch.subscribe(Watch.request(callID: "w3")).status == 403)
        #expect(watch.notifier.counts == [.dialog: 2, .presence: 0])
    }

    @Test(arguments: [
        ("call-id=c1;to-tag=phone;from-tag=ours", true), ("call-id=\"c1\";to-tag=phone", true),
        ("call-id=c1; to-tag=phone; include-session-description", true),
        ("call-id=c2;to-tag=phone;from-tag=ours", false),
        ("call-id=c1;to-tag=other", false), ("call-id=c1;to-tag=phone;from-tag=other", false),
    ])
    func `RFC 4235 §3.2: a subscription to one dialog tells of no other`(parameters: String, isTold: Bool) {
        var watch = Watch()
        #expect(watch.subscribe(Watch.request(event: "dialog;id=7;\(parameters)")).status == 200)
        #expect(watch.sent.first?.headers[.event] == "dialog;id=7")
        watch.answer()
        let reference = DialogReference(callID: "c1", localTag: "ours", remoteTag: "phone")
        watch.becomes([Watch.dialog(.early, reference: reference), Watch.dialog(.early, id: "call-2")])
        #expect(watch.last.contains("call-1") == isTold && !watch.last.contains("call-2"))
        #expect(watch.sent.count == (isTold ? 2 : 1))
    }

    @Test func `what a peer wrote cannot end the quoted text of a Warning`() {
        var watch = Watch()
        let id = watch.subscribe(Watch.request(event: "dialog;id=\"a\\\"")).toTag
        let refused = watch.refresh(Watch.request(cSeq: 2, toTag: id, event: "dialog;id=b"))
        #expect(refused.status == 481)
        #expect(refused.headers[.warning]?.filter { $0 == "\"" || $0 == "\\" } == "\"\"")
    }

    @Test func `B142: dialogs are followed to their end, each state once, whatever is told again`() {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.answer()
        watch.becomes([])
        #expect(watch.sent.count == 1)
        let reference = DialogReference(callID: "c&1", localTag: "ours", remoteTag: "theirs")
        watch.becomes([Watch.dialog(.early, reference: reference)])
        #expect(watch.sent.count == 2)
        for part in [
            #"version="1" state="full""#,
            #"<dialog id="call-1" call-id="c&amp;1" local-tag="theirs" remote-tag="ours""#,
            #"direction="recipient"><state>early</state>"#,
            #"<remote><identity display="Boris">sip:1002@demo.test</identity><target uri="sip:1002@demo.test"/></remote>"#,
        ] {
            #expect(watch.last.contains(part), "\(part) in \(watch.last)")
        }
        watch.answer()
        watch.becomes([Watch.dialog(.early, reference: reference)])
        #expect(watch.sent.count == 2)
        watch.becomes([Watch.dialog(.confirmed)])
        #expect(watch.last.contains("<state>confirmed</state>") && !watch.last.contains("call-id"))
        watch.answer()
        watch.becomes([Watch.dialog(.trying, id: "call-2", direction: .initiator)])
        #expect(watch.last.contains(#"<dialog id="call-2" direction="initiator"><state>trying</state>"#))
        #expect(watch.last.contains(#"<dialog id="call-1" direction="recipient"><state>terminated</state>"#))
        watch.answer()
        watch.becomes([])
        #expect(watch.last.contains(#"<dialog id="call-2" direction="initiator"><state>terminated</state>"#))
        #expect(!watch.last.contains("call-1") && watch.last.contains(#"version="4""#))
        watch.answer()
        watch.becomes([])
        #expect(watch.sent.count == 5)
    }

    @Test func `news wait for the answer to the last NOTIFY, and only the last of them is told`() {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.becomes([Watch.dialog(.early)])
        watch.becomes([Watch.dialog(.confirmed)])
        #expect(watch.sent.count == 1)
        watch.answer()
        #expect(watch.sent.count == 2 && watch.last.contains("confirmed"))
        // And what is as it was told is no news.
        watch.becomes([])
        watch.becomes([Watch.dialog(.confirmed)])
        watch.answer()
        #expect(watch.sent.count == 2)
    }

    @Test(arguments: [481, 408, 500, 404, nil]) func `a NOTIFY that fails ends the subscription`(status: Int?) {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.answer(status)
        #expect(watch.notifier.isEmpty && watch.notifier.nextDeadline == nil && watch.sent.count == 1)
    }

    @Test func `a phone that is busy with itself is told later (RFC 6665 §4.2.2)`() {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.answer(503, retryAfter: "2")
        watch.becomes([Watch.dialog(.early)])
        #expect(watch.sent.count == 2)
    }

    @Test func `an operator is not told the numbers of customers, a supervisor is`() {
        let customer = WatchedDialog.Party(number: "+74951112233", name: "<Ivan>", isInside: false)
        for seesOutside in [false, true] {
            var watch = Watch()
            _ = watch.subscribe(Watch.request(), seesOutside: seesOutside)
            watch.answer()
            watch.becomes([Watch.dialog(.confirmed, remote: customer)])
            #expect(watch.last.contains("confirmed"))
            #expect(watch.last.contains("+74951112233") == seesOutside && !watch.last.contains("<Ivan>"))
        }
    }

    @Test func `RFC 3863: presence is open with a phone, and on the phone in a talk; that it rings is no news`() {
        var watch = Watch(.presence)
        _ = watch.subscribe(Watch.request(event: "presence"))
        watch.answer()
        #expect(watch.sent[0].headers[.contentType] == "application/pidf+xml")
        #expect(watch.last.contains("<basic>open</basic>") && !watch.last.contains("note"))
        watch.becomes([Watch.dialog(.early)])
        #expect(watch.sent.count == 1)
        watch.becomes([Watch.dialog(.confirmed)])
        #expect(watch.last.contains("<note>On the phone</note>") && watch.last.contains("<rpid:on-the-phone/>"))
        watch.answer()
        watch.becomes([], isReachable: false)
        #expect(watch.last.contains("<basic>closed</basic>") && watch.sent.count == 3)
    }

    @Test func `users who are no more neither watch nor are watched`() {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.answer()
        var copy = watch.notifier
        let state = { (_: UserID) in Watch.idle }
        let gone = copy.keep(
            { user in Watcher(id: user, seesOutside: true) },
            isUser: { _ in false },
            state: state,
            now: watch.now
        )
        #expect(gone.map { $0.request.headers[.subscriptionState] } == ["terminated;reason=noresource"])
        #expect(copy.isEmpty)
        copy = watch.notifier
        let rejected = copy.keep({ _ in nil }, isUser: { _ in true }, state: state, now: watch.now)
        #expect(rejected.map { $0.request.headers[.subscriptionState] } == ["terminated;reason=rejected"])
        #expect(copy.isEmpty)
        copy = watch.notifier
        #expect(
            copy.keep(
                { user in Watcher(id: user, seesOutside: true) },
                isUser: { _ in true },
                state: state,
                now: watch.now
            ).isEmpty
        )
        #expect(!copy.isEmpty)
    }

    @Test func `RFC 6665 §4.1.3: a stop ends all of them, each to be asked for again at a moment of its own`() throws {
        var watch = Watch()
        for number in 0..<10 { _ = watch.subscribe(Watch.request(callID: "w\(number)")) }
        let last = watch.notifier.endAll { _ in Watch.idle }
        #expect(last.count == 10 && watch.notifier.isEmpty)
        let waits = try last.map { action in
            let state = try #require(action.request.headers[.subscriptionState])
            let parts = state.split(separator: ";retry-after=")
            #expect(parts.first == "terminated;reason=probation")
            return try #require(parts.last.flatMap { Int($0) })
        }
        #expect(waits.allSatisfy { (5...15).contains($0) } && Set(waits).count > 1)
    }

    @Test func `RFC 4235 §4.1.6: an identity is a URI whatever the number holds`() {
        var watch = Watch()
        _ = watch.subscribe(Watch.request())
        watch.answer()
        let odd = WatchedDialog.Party(number: "<a b>#1", name: nil, isInside: true)
        watch.becomes([Watch.dialog(.early, remote: odd)])
        #expect(watch.last.contains("<identity>sip:%3Ca%20b%3E%231@demo.test</identity>"), "\(watch.last)")
    }
}

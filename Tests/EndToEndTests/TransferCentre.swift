import Codecs
import Foundation
import Testing

/// A phone that answers by itself what no test need think about, and keeps all that comes.
final class Handset {
    let phone: Phone
    let media: WirePeer
    private(set) var seen: [String] = []

    init(_ phone: Phone, media: WirePeer) { (self.phone, self.media) = (phone, media) }

    /// Answers requests inside of dialogs until something has come that satisfies `condition`, which is taken out of what is kept.
    func await(within seconds: Double = 5, _ condition: (String) -> Bool) -> String? {
        if let index = seen.firstIndex(where: condition) { return seen.remove(at: index) }
        let deadline = Date(timeIntervalSinceNow: seconds)
        while deadline.timeIntervalSinceNow > 0 {
            guard let next = phone.peer.receive(within: deadline.timeIntervalSinceNow) else { return nil }
            let text = String(decoding: next.bytes, as: UTF8.self)
            answer(text)
            if condition(text) { return text }
            seen.append(text)
        }
        return nil
    }

    func await(_ word: String, method: String? = nil, within seconds: Double = 5) -> String? {
        self.await(within: seconds) { text in
            text.startWord == word && (method == nil || (text.header("CSeq") ?? "").hasSuffix(method ?? ""))
        }
    }

    /// A NOTIFY that tells of this status.
    func notified(_ status: Int, within seconds: Double = 5) -> String? {
        self.await(within: seconds) { $0.startWord == "NOTIFY" && $0.sipBody.hasPrefix("SIP/2.0 \(status) ") }
    }

    private func answer(_ request: String) {
        guard request.header("To")?.contains(";tag=") == true else { return }
        switch request.startWord {
        case "NOTIFY", "BYE": phone.respond("200 OK", to: request)
        case "INVITE":
            let isHeld = request.contains("a=sendonly") || request.contains("a=inactive")
            let direction = isHeld ? "recvonly" : "sendrecv"
            let sdp = Phone.sdp(port: media.port, direction: direction, version: Int.random(in: 10...10_000))
            phone.respond("200 OK", to: request, sdp: request.sipBody.isEmpty ? nil : sdp)
        default: break
        }
    }
}

/// A carrier's caller (440 Hz) who speaks with Anna (1,000 Hz), an agent of a queue that records; Boris (1,700 Hz) may take him.
final class TransferCentre {
    let running: RunningSwitch
    let carrier: Phone
    let caller: Handset
    let anna: Handset
    let boris: Handset
    /// Anna's next request in the dialog of the caller's call.
    private var sequence = 0
    private(set) var tag = ""
    private(set) var toCaller: UInt16 = 0
    private(set) var toAnna: UInt16 = 0
    private(set) var toBoris: UInt16 = 0
    private(set) var invite = ""
    private(set) var call = ""

    static let internalPlan = """
        routes:
          - {match: "1xxx", do: [{dial: {user: "{called}", timeout: 20s}}]}
          - {match: "700", do: [{queue: {name: sales, priority: 5}}]}
          - {match: "777", do: [{dial: {group: ["1002", "1003"], timeout: 20s}}]}
          - {match: "600", do: [answer, echo]}
          - {match: "*81xxx", do: [{pickup: {user: "{called:2}"}}]}
          - {match: "*8", do: [{pickup: {group: ["1001", "1002"]}}]}
          - {match: "*70x", do: [{park: {slot: "{called:3}"}}]}
          - {match: "*71x", do: [{park: {slot: "1{called:3}", timeout: 1s}}]}
        """

    init(node: String = "", wrapUp: Int = 30, users: String = "") throws {
        running = try RunningSwitch(
            node: node,
            users: users,
            tenant: "queues: [{name: sales, wrap_up: \(wrapUp)s, record: true, agents: [{user: \"1001\"}]}]",
            incoming: "routes: [{match: \".\", do: [{queue: {name: sales, priority: 5}}, {hangup: normal}]}]",
            internalPlan: Self.internalPlan
        )
        carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        caller = Handset(carrier, media: try WirePeer())
        anna = Handset(try Phone("1001", password: "anna-demo-1", server: running.sipPort), media: try WirePeer())
        boris = Handset(try Phone("1002", password: "boris-demo-2", server: running.sipPort), media: try WirePeer())
        _ = try (anna.phone.register(), boris.phone.register())
        _ = try running.gudok("agent", "login", "1001")
    }

    func talk() throws {
        (tag, toCaller) = try carrier.arrive(media: caller.media)
        (invite, toAnna) = try anna.phone.pickUp(media: anna.media)
        call = try #require(try running.rows("calls").first?["call_id"] as? String)
    }

    /// Of the caller's call, as Anna knows it.
    var callID: String? { invite.header("Call-ID") }

    /// Anna's next request in the caller's call.
    func ask(_ method: String, _ extra: [String] = [], sdp: String? = nil) {
        sequence += 1
        anna.phone.send(anna.phone.request(method, in: invite, sequence: sequence, extra: extra, sdp: sdp))
    }

    func refer(to target: String, _ extra: [String] = []) { ask("REFER", ["Refer-To: <\(target)>"] + extra) }

    /// Boris rings, and answers.
    func borisTakes(_ invite: String) throws {
        boris.phone.respond("200 OK", to: invite, toTag: "boris", sdp: Phone.sdp(port: boris.media.port))
        _ = try #require(boris.await("ACK"))
        toBoris = try #require(invite.audioPort)
    }

    /// The first request of Boris in the dialog of what he took.
    func borisSends(_ method: String, _ extra: [String] = [], in invite: String) {
        let request = boris.phone.request(method, in: invite, sequence: 1, extra: extra)
        boris.phone.send(request.replacing(";tag=\(boris.phone.user)", with: ";tag=boris"))
    }

    /// The caller's call, as Anna would name it outside of its dialog.
    var targetDialog: String {
        let ours = String(invite.header("From")?.components(separatedBy: ";tag=").last ?? "")
        return "Target-Dialog: \(invite.header("Call-ID") ?? "");local-tag=1001;remote-tag=\(ours)"
    }

    /// A call of Anna's own beside the caller's, or somebody else's; his phone in it.
    private func dial(_ target: String, by author: Handset) throws -> Phone {
        let (user, password) = (author.phone.user, author.phone.password)
        let phone = try Phone(user, password: password, server: running.sipPort, peer: author.phone.peer)
        let uri = "sip:\(target)@127.0.0.1:\(running.sipPort)"
        let sdp = Phone.sdp(port: author.media.port)
        phone.send(phone.request("INVITE", to: target, sdp: sdp))
        let challenge = try #require(author.await("401"))
        let tag = String(challenge.header("To")?.components(separatedBy: ";tag=").last ?? "")
        phone.send(phone.request("ACK", to: target, toTag: tag, sequence: phone.sequence))
        let authorization = try phone.authorization(for: challenge, method: "INVITE", uri: uri)
        phone.send(phone.request("INVITE", to: target, extra: [authorization], sdp: sdp))
        return phone
    }

    /// As `Refer-To` names a call that somebody made.
    private func replaces(_ phone: Phone, _ answer: String) -> String {
        let ours = String(answer.header("To")?.components(separatedBy: ";tag=").last ?? "")
        return "\(phone.callID)%3Bto-tag%3D\(ours)%3Bfrom-tag%3D\(phone.tag)"
    }

    /// Anna calls a number where the switch itself answers.
    func annaWaits(at target: String) throws -> (phone: Phone, replaces: String) {
        let phone = try dial(target, by: anna)
        let answer = try #require(anna.await("200", method: "INVITE"))
        phone.acknowledge(answer, to: target)
        return (phone, replaces(phone, answer))
    }

    /// Anna's own call to Boris beside the caller's, or somebody else's; his phone in it.
    func consult(
        by author: Handset? = nil,
        answered isAnswered: Bool
    ) throws -> (phone: Phone, replaces: String, invite: String) {
        let author = author ?? anna
        let phone = try dial("1002", by: author)
        let invite = try #require(boris.await("INVITE"))
        boris.phone.respond("180 Ringing", to: invite, toTag: "boris")
        var answer = try #require(author.await("180"))
        if isAnswered {
            try borisTakes(invite)
            answer = try #require(author.await("200", method: "INVITE"))
            phone.acknowledge(answer, to: "1002")
        }
        return (phone, replaces(phone, answer), invite)
    }

    /// The audio port that somebody was told last, in a re-INVITE.
    func moved(_ handset: Handset, within seconds: Double = 5) throws -> UInt16 {
        let reinvite = try #require(handset.await(within: seconds) { $0.startWord == "INVITE" && $0.toTagged })
        let port = try #require(reinvite.audioPort)
        if handset === boris { toBoris = port }
        return port
    }

    func follow(_ port: UInt16) { toBoris = port }

    /// Everybody who is named speaks for two seconds and a half; who hears whom.
    func heard(_ speaking: String...) -> [String: Set<String>] {
        let voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)] = [
            ("caller", caller.media, toCaller, 440), ("anna", anna.media, toAnna, 1_000),
            ("boris", boris.media, toBoris, 1_700),
        ]
        return Speaker.heard(among: voices, speaking: Set(speaking), share: 0.5)
    }

    /// For two seconds.
    func callerHearsMusic(seconds: Int = 2) -> Bool {
        _ = caller.media.samples()
        var music: [Double] = []
        let isThere = eventually(within: Double(seconds) + 5) {
            music += caller.media.samples()
            return music.count > seconds * 8_000
        }
        return isThere && music.contains { abs($0) > 500 }
    }

    func hangUp() { carrier.send(carrier.request("BYE", to: "+74950000700", toTag: tag)) }

    /// The records of the calls that are over, when there are so many.
    func records(_ count: Int) throws -> [[String: Any]] {
        var records: [[String: Any]] = []
        let areThere = try eventually {
            records = try running.rows("cdr")
            return records.count == count && records.allSatisfy { $0["ended_at"] is String }
        }
        #expect(areThere, "\(records)")
        return records
    }

    /// Nothing is left of calls, and no port is in use.
    func isClean() throws -> Bool {
        try eventually {
            try running.rows("calls").isEmpty && running.metric("gudok_rtp_port_pairs_in_use") == 0
        }
    }
}

extension Phone {
    /// Sends a request outside of a dialog, and answers the challenge; the final answer.
    func authorized(_ method: String, to target: String, extra: [String] = [], sdp: String? = nil) throws -> String {
        send(request(method, to: target, extra: extra, sdp: sdp))
        let challenge = try #require(final(method))
        guard challenge.startWord == "401" else { return challenge }
        if method == "INVITE" {
            let tag = String(challenge.header("To")?.components(separatedBy: ";tag=").last ?? "")
            send(request("ACK", to: target, toTag: tag, sequence: sequence))
        }
        let uri = "sip:\(target)@127.0.0.1:\(server)"
        let answer = try authorization(for: challenge, method: method, uri: uri)
        send(request(method, to: target, extra: extra + [answer], sdp: sdp))
        return try #require(final(method))
    }
}

extension String {
    /// A request inside of a dialog.
    var toTagged: Bool { header("To")?.contains(";tag=") == true }
}

extension [String: Any] {
    var legs: [[String: Any]] { self["legs"] as? [[String: Any]] ?? [] }
}

import Hashes
import Foundation
import Testing

/// A scripted phone or carrier on one UDP socket: it writes what a test says, and finds what the test waits for.
final class Phone {
    let peer: WirePeer
    let user: String
    let password: String
    let server: UInt16
    var callID = UUID().uuidString
    var tag = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    var sequence = 0

    init(_ user: String, password: String = "", server: UInt16, peer: WirePeer? = nil) throws {
        (self.user, self.password, self.server) = (user, password, server)
        self.peer = try peer ?? WirePeer()
    }

    /// Its own address and the switch's, as a URI has it.
    var host: String { peer.family.host }

    var contact: String { "<sip:\(user)@\(host):\(peer.port)>" }

    /// A request outside or inside a dialog; header lines of `extra` are added as they are.
    func request(
        _ method: String,
        to target: String,
        toTag: String? = nil,
        branch: String? = nil,
        sequence number: Int? = nil,
        extra: [String] = [],
        sdp: String? = nil,
        uri: String? = nil
    ) -> String {
        if number == nil, method != "ACK", method != "CANCEL" { sequence += 1 }
        let branch = branch ?? "z9hG4bK\(UInt64.random(in: 0...UInt64.max))"
        var lines = [
            "\(method) \(uri ?? "sip:\(target)@\(host):\(server)") SIP/2.0",
            "Via: SIP/2.0/UDP \(host):\(peer.port);branch=\(branch);rport",
            "Max-Forwards: 70",
            "From: <sip:\(user)@demo.test>;tag=\(tag)",
            "To: <sip:\(target)@demo.test>" + (toTag.map { ";tag=\($0)" } ?? ""),
            "Call-ID: \(callID)",
            "CSeq: \(number ?? sequence) \(method)",
            "Contact: \(contact)",
        ]
        lines += extra
        if sdp != nil { lines.append("Content-Type: application/sdp") }
        lines.append("Content-Length: \(sdp?.utf8.count ?? 0)")
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (sdp ?? "")
    }

    func send(_ text: String) { peer.send(text, to: server) }

    func expect(_ word: String, method: String? = nil, within seconds: Double = 5) -> String? {
        peer.expect(within: seconds) { text in
            text.startWord == word && (method == nil || (text.header("CSeq") ?? "").hasSuffix(method ?? ""))
        }
    }

    /// The final response to `method`.
    func final(_ method: String, within seconds: Double = 5) -> String? {
        peer.expect(within: seconds) { text in
            (Int(text.startWord) ?? 0) >= 200 && (text.header("CSeq") ?? "").hasSuffix(method)
        }
    }

    /// The final response to its last request; what is repeated of earlier ones is passed over.
    func answer(to method: String, within seconds: Double = 8) -> String? {
        peer.expect(within: seconds) { text in
            (Int(text.startWord) ?? 0) >= 200 && text.header("Call-ID") == callID
                && text.header("CSeq") == "\(sequence) \(method)"
        }
    }

    /// A response to a request that came.
    func respond(
        _ status: String,
        to request: String,
        toTag: String? = nil,
        extra: [String] = [],
        sdp: String? = nil,
        withContact: Bool = true
    ) {
        send(response(status, to: request, toTag: toTag, extra: extra, sdp: sdp, withContact: withContact))
    }

    /// Its text, for whoever answers by another way.
    func response(
        _ status: String,
        to request: String,
        toTag: String? = nil,
        extra: [String] = [],
        sdp: String? = nil,
        withContact: Bool = true
    ) -> String {
        var lines = ["SIP/2.0 \(status)"]
        lines += request.headers("Via").map { "Via: \($0)" }
        lines += request.headers("Record-Route").map { "Record-Route: \($0)" }
        lines.append("From: \(request.header("From") ?? "")")
        var to = request.header("To") ?? ""
        if let toTag, !to.contains(";tag=") { to += ";tag=\(toTag)" }
        lines.append("To: \(to)")
        lines.append("Call-ID: \(request.header("Call-ID") ?? "")")
        lines.append("CSeq: \(request.header("CSeq") ?? "")")
        if withContact { lines.append("Contact: \(contact)") }
        lines += extra
        if sdp != nil { lines.append("Content-Type: application/sdp") }
        lines.append("Content-Length: \(sdp?.utf8.count ?? 0)")
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (sdp ?? "")
    }

    static func sdp(port: UInt16, direction: String? = nil, formats: String = "8 0 101", version: Int = 1) -> String {
        var lines = [
            "v=0", "o=phone 4711 \(version) IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
            "m=audio \(port) RTP/AVP \(formats)",
        ]
        if formats.contains("101") { lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"] }
        if let direction { lines.append("a=\(direction)") }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// The Authorization that answers the given 401 with MD5.
    func authorization(for challenge: String, method: String, uri: String) throws -> String {
        let header = try #require(
            challenge.headers("WWW-Authenticate").first { !$0.uppercased().contains("SHA-256") }
        )
        let nonce = Self.field("nonce", in: header)
        let realm = Self.field("realm", in: header)
        let opaque = Self.field("opaque", in: header)
        let ha1 = Self.md5("\(user):\(realm):\(password)")
        let ha2 = Self.md5("\(method):\(uri)")
        let response = Self.md5("\(ha1):\(nonce):00000001:abcdef:auth:\(ha2)")
        var text =
            "Authorization: Digest username=\"\(user)\", realm=\"\(realm)\", nonce=\"\(nonce)\", uri=\"\(uri)\", "
        text += "response=\"\(response)\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"abcdef\""
        if !opaque.isEmpty { text += ", opaque=\"\(opaque)\"" }
        return text
    }

    static func field(_ name: String, in header: String) -> String {
        guard let range = header.range(of: "\(name)=\"") else { return "" }
        return String(header[range.upperBound...].prefix { $0 != "\"" })
    }

    static func md5(_ text: String) -> String {
        hex(Hashes.md5(Array(text.utf8)))
    }

    /// Registers; the final answer.
    @discardableResult
    func register(expires: Int = 300, extra: [String] = [], contacts: [String]? = nil) throws -> String {
        let lines = ["Expires: \(expires)"] + extra
        let saved = callID
        callID = "reg-\(user)-\(peer.port)"
        defer { callID = saved }
        let uri = "sip:\(host):\(server)"
        func make(_ more: [String]) -> String {
            var text = request("REGISTER", to: user, extra: lines + more, uri: uri)
            if let contacts {
                text = text.replacingOccurrences(
                    of: "Contact: \(contact)\r\n",
                    with: contacts.map { "Contact: \($0)\r\n" }.joined()
                )
            }
            return text
        }
        send(make([]))
        let challenge = try #require(final("REGISTER"))
        guard challenge.startWord == "401" else { return challenge }
        send(make([try authorization(for: challenge, method: "REGISTER", uri: uri)]))
        return try #require(final("REGISTER"))
    }

    /// Calls as a user, answering the challenge; the final answer.
    func call(_ target: String, port: UInt16 = 4_000, sdp offer: String? = nil) throws -> String {
        callID = UUID().uuidString
        if let refusal = try dial(target, sdp: offer ?? Self.sdp(port: port)) { return refusal }
        // On a slow machine the challenge may come again first.
        return try #require(
            peer.expect { (Int($0.startWord) ?? 0) >= 200 && $0.header("CSeq") == "\(sequence) INVITE" }
        )
    }

    /// Sends an INVITE as a user, answering its challenge; what it got in the place of one.
    func dial(_ target: String, sdp offer: String, extra: [String] = []) throws -> String? {
        send(request("INVITE", to: target, extra: extra, sdp: offer))
        // A challenge of an earlier call may be repeated on a slow machine, and its nonce is used.
        let challenge = try #require(self.answer(to: "INVITE"))
        guard challenge.startWord == "401" else { return challenge }
        let tag = String(challenge.header("To")?.components(separatedBy: ";tag=").last ?? "")
        send(request("ACK", to: target, toTag: tag, sequence: sequence))
        let uri = "sip:\(target)@\(host):\(server)"
        let answer = try authorization(for: challenge, method: "INVITE", uri: uri)
        send(request("INVITE", to: target, extra: extra + [answer], sdp: offer))
        return nil
    }
}

import Foundation
import Testing

/// What callers and callees offer, and what becomes of what the switch does not do (RFC 3264, RFC 4566).
@Suite("Offers over the wire")
struct OfferTests {
    @Test(arguments: ["RTP/SAVP", "UDP/TLS/RTP/SAVPF"])
    func `B049: an offer that cannot be relayed is 488, takes no place of the trunk, and hurts nobody`(
        profile: String
    ) throws {
        let running = try RunningSwitch(trunk: "max_calls: 1")
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        let offer = Phone.sdp(port: 4_000).replacingOccurrences(of: "RTP/AVP", with: profile)
        for _ in 0..<2 { #expect(try anna.call("+74950000700", sdp: offer).startWord == "488") }
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        carrier.send(carrier.request("INVITE", to: "600", sdp: Phone.sdp(port: 4_000)))
        #expect(carrier.final("INVITE")?.startWord == "200")
    }

    @Test(arguments: ["1001", "600"])
    func `a name in c= is 488 with the reason: nobody would hear a word`(called: String) throws {
        let pair = try CallPair()
        let offer = Phone.sdp(port: 4_000).replacing("c=IN IP4 127.0.0.1", with: "c=IN IP4 media.example.net")
        pair.carrier.send(pair.carrier.request("INVITE", to: called, sdp: offer))
        let answer = try #require(pair.carrier.final("INVITE"))
        #expect(answer.startWord == "488")
        #expect(answer.header("Warning")?.contains("c= names a host (media.example.net)") == true, "\(answer)")
    }

    @Test func `RFC 4867 §8.1: of one codec in two packings the callee takes one, and packets keep theirs both ways`()
        throws
    {
        let pair = try CallPair()
        let (caller, callee) = try (WirePeer(), WirePeer())
        let maps = "a=rtpmap:98 AMR-WB/16000\r\na=rtpmap:99 AMR-WB/16000\r\na=fmtp:99 octet-align=1\r\n"
        try pair.ring(sdp: Phone.sdp(port: caller.port, formats: "98 99 8") + maps)
        let chosen = "a=rtpmap:99 AMR-WB/16000\r\na=fmtp:99 octet-align=1; mode-set=0,2\r\n"
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port, formats: "99") + chosen)
        #expect(answer.contains(" RTP/AVP 99\r\n") && answer.contains("a=fmtp:99 octet-align=1; mode-set=0,2\r\n"))
        for (from, to, port) in [
            (caller, callee, try #require(answer.audioPort)), (callee, caller, try #require(pair.invite.audioPort)),
        ] {
            let head: [UInt8] = [0x80, 99, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9]
            from.send(head + [UInt8](repeating: 0, count: 33), to: port)
            #expect(try #require(to.receive()).bytes[1] & 0x7F == 99)
        }
        try pair.hangUp()
    }

    @Test func `RFC 4855 §3: a codec's name is the same in small letters`() throws {
        let pair = try CallPair()
        try pair.ring()
        let answer = try pair.pickUp(sdp: Phone.sdp(port: 4_002, formats: "8") + "a=rtpmap:8 pcma/8000\r\n")
        #expect(answer.contains("a=rtpmap:8 PCMA/8000\r\n"))
        try pair.hangUp()
        #expect(try eventually { try pair.running.rows("cdr").first?["codec_b"] as? String == "PCMA" })
    }

    @Test func `B054: a caller's ptime goes on, and the callee's comes back`() throws {
        let pair = try CallPair()
        try pair.ring(sdp: Phone.sdp(port: 4_000) + "a=ptime:40\r\na=maxptime:60\r\n")
        #expect(pair.invite.contains("a=ptime:40\r\n") && pair.invite.contains("a=maxptime:60\r\n"))
        let answer = try pair.pickUp(sdp: Phone.sdp(port: 4_002) + "a=ptime:40\r\n")
        #expect(answer.contains("a=ptime:40\r\n"))
        try pair.hangUp()
    }

    @Test(arguments: [
        ("a=ptime:40\r\n", 320), ("a=ptime:10\r\n", 80), ("a=ptime:30\r\n", 240), ("a=maxptime:10\r\n", 80),
    ])
    func `B054: what the switch says itself comes in packets of the length that is asked for`(
        attribute: String,
        octets: Int
    ) throws {
        let running = try RunningSwitch(
            incoming: "routes: [{match: \".\", do: [{menu: {prompt: main-menu, timeout: 30s, keys: {\"5\": [echo]}}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let voice = try WirePeer()
        carrier.send(carrier.request("INVITE", to: "700", sdp: Phone.sdp(port: voice.port) + attribute))
        let answer = try #require(carrier.final("INVITE"))
        #expect(!attribute.contains("a=ptime") || answer.contains(attribute))
        let tag = carrier.acknowledge(answer, to: "700")
        var next: UInt32?
        for _ in 0..<6 {
            let packet = try #require(voice.receive()).bytes
            #expect(packet.count == 12 + octets)
            let stamp = packet[4..<8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            #expect(next == nil || stamp == next)
            next = stamp &+ UInt32(octets)
        }
        carrier.send(carrier.request("BYE", to: "700", toTag: tag))
        #expect(carrier.final("BYE")?.startWord == "200")
    }

    @Test func `B055, B056, B057: what a browser offers is answered without ICE, mux and bundle, its mid kept`() throws
    {
        let pair = try CallPair()
        let offer = """
            v=0\r
            o=- 1 1 IN IP4 127.0.0.1\r
            s=-\r
            c=IN IP4 127.0.0.1\r
            t=0 0\r
            a=group:BUNDLE a v\r
            a=ice-lite\r
            a=ice-ufrag:abcd\r
            a=ice-pwd:0123456789012345678901\r
            m=audio 4000 RTP/AVPF 8 101\r
            a=mid:a\r
            a=rtcp-mux\r
            a=candidate:1 1 UDP 2130706431 127.0.0.1 4000 typ host\r
            a=rtpmap:101 telephone-event/8000\r
            m=video 4000 RTP/AVPF 96\r
            a=mid:v\r
            a=rtcp-mux\r
            a=rid:1 send\r
            a=rtpmap:96 VP8/90000\r

            """
        try pair.ring(sdp: offer)
        let foreign = ["ice-", "candidate", "rtcp-mux", "group:", "a=mid", "rid", "m=video"]
        for word in foreign { #expect(!pair.invite.contains(word), "\(word)") }
        #expect(pair.invite.contains("RTP/AVPF"))
        let sdp = Phone.sdp(port: 4_002).replacingOccurrences(of: "RTP/AVP ", with: "RTP/AVPF ")
        let answer = try pair.pickUp(sdp: sdp)
        for word in ["ice-", "candidate", "rtcp-mux", "group:", "rid"] { #expect(!answer.contains(word), "\(word)") }
        #expect(answer.contains("a=mid:a\r\n") && answer.contains("m=video 0 RTP/AVPF 96\r\n"))
        #expect(answer.contains("m=audio \(answer.audioPort ?? 0) RTP/AVPF"))
        try pair.hangUp()
    }

    @Test func `B056: RTCP goes to the port of a=rtcp where there is one, else above the voice`() throws {
        let pair = try CallPair()
        let (voice, control) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: voice.port) + "a=rtcp:\(control.port)\r\n")
        let callee = try WirePeer()
        let answer = try pair.pickUp(sdp: Phone.sdp(port: callee.port) + "a=rtcp:\(callee.port)\r\n")
        let report: [UInt8] = [0x80, 201, 0, 1, 1, 2, 3, 4]
        callee.send(report, to: try #require(pair.invite.audioPort) + 1)
        #expect(control.receive()?.bytes == report)
        control.send(report, to: try #require(answer.audioPort) + 1)
        #expect(callee.receive()?.bytes == report)
        try pair.hangUp()
    }

    @Test func `B117: who hears the switch itself gets its sender reports with a CNAME, and BYE at the end`() throws {
        let running = try RunningSwitch(
            incoming: "routes: [{match: \".\", do: [{menu: {prompt: main-menu, timeout: 30s, keys: {\"5\": [echo]}}}]}]"
        )
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let (voice, control) = (try WirePeer(), try WirePeer())
        let offer = Phone.sdp(port: voice.port) + "a=rtcp:\(control.port)\r\n"
        carrier.send(carrier.request("INVITE", to: "700", sdp: offer))
        let answer = try #require(carrier.final("INVITE"))
        let tag = carrier.acknowledge(answer, to: "700")
        let packet = try #require(voice.receive()).bytes
        let report = try #require(control.receive(within: 6)).bytes
        #expect(report[1] == 200 && Array(report[4..<8]) == Array(packet[8..<12]))
        #expect(report.count == 64 && report[29] == 202 && report[36] == 1)
        // RFC 3550 §6.4.1: the wall clock, in seconds since 1900.
        let seconds = report[8..<12].reduce(0) { $0 << 8 | Int($1) } - 2_208_988_800
        #expect(abs(seconds - Int(Date().timeIntervalSince1970)) < 10)
        carrier.send(carrier.request("BYE", to: "700", toTag: tag))
        #expect(carrier.final("BYE")?.startWord == "200")
        var last: [UInt8] = []
        while last.suffix(8).first != 0x81 || last.count != 72, let next = control.receive(within: 3) {
            last = next.bytes
        }
        #expect(Array(last.suffix(8)) == [0x81, 203, 0, 1] + packet[8..<12])
    }

    @Test(arguments: ["echo", "{menu: {prompt: welcome, timeout: 60s, keys: {\"5\": [echo]}}}"])
    func `B117: who speaks to the switch alone is reported to, in an echo and while a menu waits in silence`(
        step: String
    ) throws {
        let running = try RunningSwitch(incoming: "routes: [{match: \".\", do: [answer, \(step)]}]")
        let carrier = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let (voice, control) = (try WirePeer(), try WirePeer())
        let offer = Phone.sdp(port: voice.port) + "a=rtcp:\(control.port)\r\n"
        carrier.send(carrier.request("INVITE", to: "700", sdp: offer))
        let answer = try #require(carrier.final("INVITE"))
        let tag = carrier.acknowledge(answer, to: "700")
        let port = try #require(answer.audioPort)
        let source: [UInt8] = [1, 2, 3, 4]
        var reports: [[UInt8]] = []
        var echoed: [UInt8] = []
        for number in 0..<900 where reports.count < 3 {
            let head: [UInt8] = [0x80, 8, UInt8(number >> 8), UInt8(number & 255)]
            voice.send(head + UInt32(number * 160).octets + source + [UInt8](repeating: 0xD5, count: 160), to: port)
            while let next = control.receive(within: 0.02)?.bytes { reports.append(next) }
            while let next = voice.receive(within: 0)?.bytes { echoed = next }
        }
        // The last three, whatever a prompt had before: each tells of the caller's source under one of our own.
        #expect(reports.count >= 3)
        for report in reports {
            #expect(Array(report[4..<8]) != source && (report[1] == 200 || report[1] == 201))
            let block = report[1] == 200 ? 28 : 8
            #expect(Array(report[block..<(block + 4)]) == source)
        }
        if step == "echo" { #expect(Array(echoed[8..<12]) == Array(reports[0][4..<8])) }
        carrier.send(carrier.request("BYE", to: "700", toTag: tag))
        #expect(carrier.final("BYE")?.startWord == "200")
    }

    @Test func `RFC 3264 §5.1: a callee's own number for keys is put into the caller's, whichever of the two it sends`()
        throws
    {
        let pair = try CallPair()
        let (carrierMedia, calleeMedia) = (try WirePeer(), try WirePeer())
        try pair.ring(sdp: Phone.sdp(port: carrierMedia.port))
        let towardsCallee = try #require(pair.invite.audioPort)
        let own = Phone.sdp(port: calleeMedia.port).replacingOccurrences(of: "101", with: "96")
        let answer = try pair.pickUp(sdp: own)
        #expect(answer.contains("a=rtpmap:101 telephone-event/8000") && !answer.contains(" 96"))
        let towardsCarrier = try #require(answer.audioPort)

        /// A key under a payload number, as its three packets of the end (RFC 4733 §2.5).
        func press(_ key: UInt8, as number: UInt8, sequence: UInt8, from peer: WirePeer, to port: UInt16) {
            for packet in 0..<3 {
                let head: [UInt8] = [0x80, number, 0, sequence + UInt8(packet), 0, 0, sequence, 0, 1, 2, 3, number & 1]
                peer.send(head + [key, 0x80 | 10, 3, 0x20], to: port)
            }
        }
        func number(at peer: WirePeer, of key: UInt8) -> UInt8? {
            while let packet = peer.receive(within: 3)?.bytes {
                if packet.count == 16, packet[12] == key { return packet[1] & 0x7F }
            }
            return nil
        }
        press(1, as: 96, sequence: 10, from: calleeMedia, to: towardsCallee)
        #expect(number(at: carrierMedia, of: 1) == 101)
        press(2, as: 101, sequence: 20, from: calleeMedia, to: towardsCallee)
        #expect(number(at: carrierMedia, of: 2) == 101)
        press(3, as: 101, sequence: 30, from: carrierMedia, to: towardsCarrier)
        #expect(number(at: calleeMedia, of: 3) == 96)
        try pair.hangUp()
    }
}

extension UInt32 {
    /// In network order.
    var octets: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * $0)) } }
}

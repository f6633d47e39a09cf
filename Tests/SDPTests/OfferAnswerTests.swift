import NetAddress
import Testing

@testable import SDP

@Suite struct OfferAnswerTests {
    private static let local = LocalMedia(address: .v4(0x7F00_0001), rtpPort: 20_000, sessionID: 42)

    private static func description(
        _ media: String,
        session: String = "c=IN IP4 192.0.2.9\n"
    ) throws -> SessionDescription {
        let text = "v=0\no=them 1 1 IN IP4 192.0.2.9\ns=secret\n\(session)t=0 0\n\(media)"
        return try SessionDescription(
            parsing: Array(text.split(separator: "\n").joined(separator: "\r\n").utf8) + [13, 10]
        )
    }

    private static func text(_ description: SessionDescription) -> String {
        String(decoding: description.write(), as: UTF8.self)
    }

    @Test
    func `RFC 3264: what is offered on has our address and order, their numbers, and nothing of theirs besides (B144)`()
        throws
    {
        let offer = try Self.description(
            "m=audio 4000 RTP/AVP 0 8 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\na=ptime:40\n"
                + "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:key\n"
        )
        let text = Self.text(try relayOffer(offer, as: Self.local, preferring: ["opus", "PCMA", "PCMU"]))
        #expect(text.contains("m=audio 20000 RTP/AVP 96 8 0 101\r\n"))
        #expect(text.contains("c=IN IP4 127.0.0.1") && text.contains("a=ptime:40") && text.contains("a=sendrecv"))
        for word in ["192.0.2.9", "secret", "them", "candidate", "crypto", "10.0.0.1"] { #expect(!text.contains(word)) }
    }

    @Test func `the answer keeps the caller's sections and numbers, the callee's order and direction`() throws {
        let offer = try Self.description(
            "m=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\nm=video 4002 RTP/AVP 31\n"
        )
        let answer = try Self.description(
            "m=audio 5000 RTP/AVP 8 97\na=rtpmap:97 telephone-event/8000\na=recvonly\n"
        )
        let text = Self.text(try relayAnswer(answer, to: offer, as: Self.local))
        #expect(text.contains("m=audio 20000 RTP/AVP 8 101\r\n"))
        #expect(text.contains("m=video 0 RTP/AVP 31\r\n"))
        #expect(text.contains("a=recvonly"))
    }

    /// What a caller offers of AMR, the numbers that the callee has it under, what he answers, and what the caller hears.
    @Test(arguments: [
        ("98 99", "98 99", "99 octet-align=1", "m=audio 20000 RTP/AVP 99", "99 octet-align=1"),
        ("98 99", "98 99", "99 octet-align=1;crc=0", "m=audio 20000 RTP/AVP 99", "99 octet-align=1;crc=0"),
        ("98 99", "98 99", "98 mode-set=7", "m=audio 20000 RTP/AVP 98", "98 mode-set=7"),
        // The callee's session has these numbers the other way round, and one answers under a number of his own.
        ("98 99", "99 98", "98 octet-align=1", "m=audio 20000 RTP/AVP 99", "99 octet-align=1"),
        ("98 99", "98 99", "110 octet-align=1", "m=audio 20000 RTP/AVP 99", "99 octet-align=1"),
    ])
    func `RFC 4867 §8.1: of one codec with two packings the answer takes one, with the callee's parameters`(
        offered: String,
        had: String,
        answered: String,
        media: String,
        parameters: String
    ) throws {
        func amr(_ numbers: String) throws -> SessionDescription {
            let numbers = numbers.split(separator: " ")
            let maps = numbers.map { "a=rtpmap:\($0) AMR-WB/16000\n" }.joined()
            return try Self.description(
                "m=audio 4000 RTP/AVP \(numbers.joined(separator: " "))\n\(maps)a=fmtp:\(numbers[1]) octet-align=1\n"
            )
        }
        let number = answered.split(separator: " ")[0]
        let answer = try Self.description(
            "m=audio 5000 RTP/AVP \(number)\na=rtpmap:\(number) AMR-WB/16000\na=fmtp:\(answered)\n"
        )
        let text = Self.text(try relayAnswer(answer, to: amr(offered), relayed: amr(had), as: Self.local))
        #expect(text.contains(media + "\r\n") && text.contains("a=fmtp:\(parameters)\r\n"), "\(text)")
    }

    @Test(arguments: [
        "a=fmtp:101", "a=fmtp:101 ", "a=", "a=:x", "a=rtpmap:8 PCMA", "a=rtpmap:8", "a=rtpmap", "a=fmtp", "\u{0}",
    ])
    func `RFC 8866 §5.13: an attribute that says nothing, and the zero of a text of C, end no call`(line: String) throws
    {
        let text = "m=audio 4000 rtp/avp 8 101\na=rtpmap:101 telephone-event/8000\n\(line)"
        let description = try Self.description(text)
        let audio = try #require(AudioStream(of: description))
        #expect(audio.formats.map(\.encoding) == ["PCMA"] && audio.telephoneEvent?.number == 101)
        #expect(description.media[0].attributes.count == 1)
    }

    @Test func `RFC 3264 §6.1: the caller hears what the callee wants, and not what he wants himself`() throws {
        let offer = try Self.description(
            "m=audio 4000 RTP/AVP 96 18 101\na=rtpmap:96 opus/48000/2\na=fmtp:96 stereo=1;useinbandfec=1\n"
                + "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n"
        )
        let answer = try Self.description(
            "m=audio 5000 RTP/AVP 97 18 100\na=rtpmap:97 opus/48000/2\na=fmtp:97 stereo=0\na=fmtp:18 annexb=no\n"
                + "a=rtpmap:100 telephone-event/8000\na=fmtp:100 0-11\n"
        )
        let text = Self.text(try relayAnswer(answer, to: offer, as: Self.local))
        let said = text.split(separator: "\r\n").filter { $0.hasPrefix("a=fmtp") }
        #expect(said == ["a=fmtp:96 stereo=0", "a=fmtp:18 annexb=no", "a=fmtp:101 0-11"])
    }

    @Test func `each side's ptime and maxptime is what it said of itself`() throws {
        let offer = try Self.description("m=audio 4000 RTP/AVP 8\na=ptime:30\na=maxptime:60\n")
        let answer = try Self.description("m=audio 5000 RTP/AVP 8\na=ptime:10\na=maxptime:20\n")
        let offered = Self.text(try relayOffer(offer, as: Self.local, preferring: []))
        #expect(offered.contains("a=ptime:30\r\n") && offered.contains("a=maxptime:60\r\n"))
        let answered = Self.text(try relayAnswer(answer, to: offer, as: Self.local))
        #expect(answered.contains("a=ptime:10\r\n") && answered.contains("a=maxptime:20\r\n"))
    }

    @Test func `a caller of one law of G.711 and a callee of the other understand each other`() throws {
        let offer = try Self.description("m=audio 4000 RTP/AVP 0 18 101\na=rtpmap:101 telephone-event/8000\n")
        let offered = Self.text(try relayOffer(offer, as: Self.local, preferring: ["PCMA", "PCMU"]))
        #expect(offered.contains("m=audio 20000 RTP/AVP 0 18 8 101\r\n"))
        let answer = try Self.description("m=audio 5000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n")
        #expect(
            Self.text(try relayAnswer(answer, to: offer, as: Self.local)).contains("m=audio 20000 RTP/AVP 0 101\r\n")
        )
        // What both know needs no translation.
        let both = try Self.description("m=audio 5000 RTP/AVP 8 0\n")
        #expect(Self.text(try relayAnswer(both, to: offer, as: Self.local)).contains("m=audio 20000 RTP/AVP 0\r\n"))
        let taken = try Self.description("m=audio 4000 RTP/AVP 0 8\na=rtpmap:8 G726-32/8000\n")
        #expect(
            Self.text(try relayOffer(taken, as: Self.local, preferring: [])).contains("m=audio 20000 RTP/AVP 0 8\r\n")
        )
    }

    @Test func `an offer of our own names no codec twice`() {
        let offer = ownOffer(codecs: ["PCMU", "PCMA", "PCMU"], as: Self.local, direction: .sendrecv)
        #expect(Self.text(offer).contains("m=audio 20000 RTP/AVP 0 8 101\r\n"))
    }

    @Test func `B059: an address of zeros is a hold, and is said as one`() throws {
        let offer = try Self.description("m=audio 4000 RTP/AVP 8\n", session: "c=IN IP4 0.0.0.0\n")
        #expect(AudioStream(of: offer)?.isHold == true)
        #expect(Self.text(try relayOffer(offer, as: Self.local, preferring: [])).contains("a=sendonly"))
    }

    @Test(arguments: [
        ("sendonly", "recvonly"), ("inactive", "inactive"), ("recvonly", "sendonly"), ("sendrecv", "sendrecv"),
    ])
    func `B058: our own answer to a direction`(offered: String, answered: String) throws {
        let offer = try Self.description("m=audio 4000 RTP/AVP 8\na=\(offered)\n")
        let answer = try ownAnswer(to: offer, codecs: ["PCMA"], as: Self.local, direction: .sendrecv)
        #expect(Self.text(answer).contains("a=\(answered)\r\n"))
    }

    @Test(arguments: [
        "m=audio 4000 RTP/SAVP 8\n", "m=audio 0 RTP/AVP 8\n", "m=image 4000 udptl t38\n", "m=audio 4000 RTP/AVP 96\n",
        "",
    ])
    func `B049, B051, B110: what cannot be relayed is 488`(media: String) throws {
        let offer = try Self.description(media)
        do throws(SDPFault) {
            _ = try relayOffer(offer, as: Self.local, preferring: [])
            Issue.record("\(media) was relayed")
        } catch {
            #expect(error.status == 488)
        }
    }

    @Test(arguments: ["media.example.net", "localhost", "224.0.0.5/127", "255.255.255.255"])
    func `a name or many hosts in c= are 488, and the reason says so`(host: String) throws {
        let description = try Self.description("m=audio 4000 RTP/AVP 8\n", session: "c=IN IP4 \(host)\n")
        #expect(AudioStream(of: description) == nil)
        #expect(description.unusableReason.hasPrefix("c= names "))
        #expect(throws: SDPFault.unacceptable(description.unusableReason)) {
            try relayOffer(description, as: Self.local, preferring: [])
        }
        #expect(throws: SDPFault.unacceptable(description.unusableReason)) {
            try ownAnswer(to: description, codecs: ["PCMA"], as: Self.local, direction: .sendrecv)
        }
        let offer = try Self.description("m=audio 4000 RTP/AVP 8\n")
        #expect(throws: SDPFault.unacceptable(description.unusableReason)) {
            try relayAnswer(description, to: offer, as: Self.local)
        }
    }

    @Test func `B051: static payload types need no rtpmap, AVPF is answered as AVPF (B049)`() throws {
        let offer = try Self.description("m=audio 4000 RTP/AVPF 8 0\n")
        let answer = try ownAnswer(to: offer, codecs: ["PCMU"], as: Self.local, direction: .sendrecv)
        #expect(Self.text(answer).contains("m=audio 20000 RTP/AVPF 0\r\n"))
    }

    @Test(arguments: [
        "", "v=1\r\n", "x", "v=0\r\nm=audio",
        "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio 99999 RTP/AVP 8\r\n",
        "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio -1 RTP/AVP 8\r\n",
    ])
    func `B008: what cannot be read is 400`(text: String) {
        do throws(SDPFault) {
            _ = try SessionDescription(parsing: Array(text.utf8))
            Issue.record("\(text.debugDescription) was read")
        } catch {
            #expect(error.status == 400)
        }
    }

    @Test func `RFC 3264 8: the version counts up with each change, and only then`() throws {
        var versions = OriginVersions(sessionID: 42)
        let first = ownOffer(codecs: ["PCMA"], as: Self.local, direction: .sendrecv)
        let held = ownOffer(codecs: ["PCMA"], as: Self.local, direction: .sendonly)
        #expect([first, first, held, first].map { versions.stamp($0).origin.version } == ["1", "1", "2", "3"])
    }

    @Test func `RFC 3264 §8: what is described and never said takes no version`() {
        var versions = OriginVersions(sessionID: 42)
        let told = versions.stamp(ownOffer(codecs: ["PCMA"], as: Self.local, direction: .sendrecv))
        let other = ownOffer(codecs: ["PCMU"], as: Self.local, direction: .sendrecv)
        _ = versions.stamp(other)
        versions.goBack(to: told)
        #expect(versions.stamp(told).origin.version == "1")
        #expect(versions.stamp(other).origin.version == "2")
    }

    @Test func `RFC 3264 §8.3.2: a number keeps its meaning, and what is new has a free one`() throws {
        let earlier = [
            PayloadFormat(number: 96, encoding: "opus", clockRate: 48_000, channels: 2),
            PayloadFormat(number: 97, encoding: "telephone-event", clockRate: 8_000),
        ]
        let offer = try Self.description(
            "m=audio 4000 RTP/AVP 8 96 101\na=rtpmap:96 iLBC/8000\na=rtpmap:101 telephone-event/8000\n"
        )
        let relayed = try relayOffer(offer, as: Self.local, preferring: [], numbers: earlier)
        #expect(relayed.media[0].formats == ["8", "98", "0", "97"])
        #expect(relayed.media[0].payloadFormats.map(\.encoding) == ["PCMA", "iLBC", "PCMU", "telephone-event"])
        let own = ownOffer(codecs: ["PCMA", "opus"], as: Self.local, direction: .sendrecv, numbers: earlier)
        #expect(own.media[0].formats == ["8", "96", "97", "102"])
    }

    @Test func `a codec that we do not know ourselves is offered as the other party describes it`() {
        let theirs = [PayloadFormat(number: 18, encoding: "G729", clockRate: 8_000, fmtp: "annexb=no")]
        let offer = ownOffer(codecs: ["g729"], as: Self.local, direction: .sendrecv, theirs: theirs)
        #expect(offer.media[0].formats == ["18", "101"] && offer.media[0].payloadFormats.first?.fmtp == "annexb=no")
    }
}

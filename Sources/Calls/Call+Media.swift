import DialPlan
import Events
import Media
import NetAddress
import SDP
import SIP
import SIPMessage
import Timebase

/// What is said about media on one leg, and what the other leg is told of it (RFC 3264 through a B2BUA).
extension Call {
    /// A port of this call: the others are opened beside it.
    var anyPort: MediaPort? { legs.lazy.compactMap(\.port).first }

    /// The port of whoever is served.
    var servedPort: MediaPort? { legs[anchor].port }

    /// Opens the caller's port; nil when none is free.
    func openCallerPort() -> MediaPort? {
        if let port = legs[0].port { return port }
        let near = anyPort ?? supervisedPort
        guard let port = core.openPort(for: legs[0].id, near: near, isV6: legs[0].isV6) else { return nil }
        legs[0].port = port
        legs[0].awaitsReport = true
        return port
    }

    /// Our own description for the caller: an answer to its offer, or an offer when it made none.
    func describeLocally(_ codecs: [String] = Call.spokenCodecs) -> SessionDescription? {
        guard let port = openCallerPort() else { return nil }
        let description: SessionDescription?
        if let offer = legs[0].described.remote {
            description = try? ownAnswer(
                to: offer,
                codecs: codecs,
                as: legs[0].described.media(port),
                direction: .sendrecv
            )
        } else {
            description = ownOffer(codecs: codecs, as: legs[0].described.media(port), direction: .sendrecv)
        }
        return remember(description, on: 0)
    }

    /// What the switch itself speaks and hears.
    static let spokenCodecs = ["PCMA", "PCMU"]

    /// The callee's answer, as the caller hears it from us.
    func answerForCaller(_ answer: SessionDescription, of index: Int) -> SessionDescription? {
        guard let port = openCallerPort(), let offer = legs[0].described.remote else { return nil }
        let asked = legs[index].described.local
        return remember(try? relayAnswer(answer, to: offer, relayed: asked, as: legs[0].described.media(port)), on: 0)
    }

    /// The callee's offer, as the caller hears it from us.
    func offerForCaller(_ offer: SessionDescription) -> SessionDescription? {
        guard let port = openCallerPort() else { return nil }
        return remember(
            try? relayOffer(
                offer,
                as: legs[0].described.media(port),
                preferring: preferredCodecs(towards: legs[0].user)
            ),
            on: 0
        )
    }

    /// The caller's answer to the callee's late offer.
    func answerForCallee(_ answer: SessionDescription, offer: SessionDescription, index: Int) -> SessionDescription? {
        guard let port = legs[index].port else { return nil }
        let (media, asked) = (legs[index].described.media(port), legs[0].described.local)
        return remember(try? relayAnswer(answer, to: offer, relayed: asked, as: media), on: index)
    }

    private func remember(_ description: SessionDescription?, on index: Int) -> SessionDescription? {
        guard let description else { return nil }
        let stamped = legs[index].described.versions.stamp(description)
        legs[index].described.local = stamped
        return stamped
    }

    func configureMedia(_ index: Int) {
        guard let port = legs[index].port,
            let parameters = legs[index].mediaParameters(
                rtpTimeout: transfer?.from == index ? nil : core.settings.rtpTimeout
            )
        else { return }
        core.media.perform(.configure(port.id, parameters))
    }

    func bridge(_ a: Int, _ b: Int) {
        guard let first = legs[a].port, let second = legs[b].port else { return }
        let heard = attendants.filter(\.isPresent)
        guard heard.isEmpty else { return mix(with: heard) }
        core.media.perform(.bridge(first.id, second.id))
        recordVoices()
    }

    func unbridge(_ index: Int) { if let port = legs[index].port { core.media.perform(.unbridge(port.id)) } }

    /// Lets whoever is served hear a tone.
    func play(_ tone: Tone) {
        guard let port = legs[anchor].port else { return }
        core.media.perform(.play(port.id, tone))
        makeUnderstood()
    }
    func stopTone() { if let port = legs[anchor].port { core.media.perform(.stop(port.id)) } }

    func startEcho() {
        guard let port = legs[anchor].port else { return }
        core.media.perform(.echo(port.id))
    }

    /// The codec in use on a leg: the first that both sides named.
    func codec(of index: Int) -> String? {
        guard legs.indices.contains(index) else { return nil }
        let (ours, theirs) = (legs[index].described.ours, legs[index].described.theirs)
        guard let ours else { return theirs?.formats.first?.encoding }
        guard let theirs else { return ours.formats.first?.encoding }
        return theirs.formats.first { format in ours.formats.contains { $0.matches(format) } }?.encoding
    }

    /// The record has what a leg spoke last: that it was answered, and in what.
    func tellAnswer(_ index: Int) {
        legs[index].toldCodec = codec(of: index)
        publish(.legAnswered(leg: index, codec: legs[index].toldCodec))
    }

    /// The two of a talk may speak another codec than each of them was answered in. What one who is held listens to is none of the talk.
    func tellCodecs() {
        guard case .talking(let peer) = stage, !legs[anchor].holds, !legs[peer].holds else { return }
        for index in [anchor, peer] where legs[index].progress == .answered {
            guard let codec = codec(of: index), codec != legs[index].toldCodec else { continue }
            legs[index].toldCodec = codec
            publish(.legCodec(leg: index, codec: codec))
        }
    }

    /// What the party of a leg takes, as it described it.
    func formats(of index: Int) -> [PayloadFormat] {
        legs[index].described.theirs?.allFormats ?? []
    }

    func knows(_ index: Int, _ codec: String?) -> Bool {
        let names = formats(of: index).map(\.encoding) + [legs[index].spoke].compactMap(\.self)
        return names.contains { $0.lowercased() == codec?.lowercased() }
    }

    // MARK: renegotiation

    /// What a talk may change over to: all that both sides know (nil), or what is mixed while a supervisor is in it.
    private var mixedCodecs: [String]? { attendants.contains(where: \.isPresent) ? Self.spokenCodecs : nil }

    /// The peer of one leg wants other media: the other leg is asked.
    func offered(_ index: Int, offer asked: SessionDescription?) {
        let offer = asked?.readAsHold
        guard isOfOneFamily(index, with: offer) else {
            publish(.note("leg \(index) would have its media at an address of another family than ours"))
            return act(on: index) { $0.refuseOffer(488, now: $1) }
        }
        if let offer, answersAgain(index, offer: offer) { return }
        // Another offer is under way, or the caller's 200 waits for the record: in a moment it can be asked again.
        func refuseForNow() { act(on: index) { $0.refuseOffer(491, now: $1) } }
        guard relayed == nil, index == 0 || heldAnswer == nil else { return refuseForNow() }
        guard let other = counterpart(of: index) else { return answerAlone(index, offer: offer) }
        guard reoffers[other] == nil, let port = legs[other].port else { return refuseForNow() }
        guard !legs[other].session.mustNotBeOfferedYet else {
            return answerAlone(index, offer: offer, codecs: codecsUnderstood(by: other))
        }
        guard let offer else {
            relayed = Relayed(from: index, to: other, offer: nil)
            return act(on: other) { $0.reoffer(nil, now: $1) }
        }
        do throws(SDPFault) {
            let media = legs[other].described.media(port)
            let isForMusic = hearsMusic(other, upon: offer)
            let next = try relayOffer(
                offer,
                as: media,
                preferring: (isForMusic ? Self.spokenCodecs : []) + preferredCodecs(towards: legs[other].user),
                previous: legs[other].described.local,
                numbers: legs[other].described.numbers,
                direction: isForMusic ? .sendonly : nil,
                understood: mixedCodecs
            )
            let stamped = legs[other].described.versions.stamp(next)
            relayed = Relayed(from: index, to: other, offer: offer, relayedOffer: stamped)
            act(on: other) { $0.reoffer(stamped.write(), now: $1) }
        } catch {
            publish(.note("leg \(index) offered media that cannot be relayed: \(error.what)"))
            act(on: index) { $0.refuseOffer(488, now: $1) }
        }
    }

    /// What the peer answered to our offer it offers now, as a refresh does: our offer, as an answer to that, changes nothing.
    private func answersAgain(_ index: Int, offer: SessionDescription) -> Bool {
        guard offer == legs[index].described.remote, let ours = legs[index].described.local,
            let port = legs[index].port,
            let answer = try? relayAnswer(ours, to: offer, as: legs[index].described.media(port)),
            let body = remember(answer, on: index)?.write()
        else { return false }
        act(on: index) { $0.answerOffer(body, now: $1) }
        configureMedia(index)
        return true
    }

    /// A port keeps its family as long as it lives.
    private func isOfOneFamily(_ index: Int, with offer: SessionDescription?) -> Bool {
        guard let address = offer.flatMap({ AudioStream(of: $0) })?.address, !address.isUnspecified,
            let port = legs[index].port
        else { return true }
        return address.unmapped.isV6 == port.address.isV6
    }

    /// Whoever wanted other media took that back: the other side need not decide any more.
    func offerWithdrawn(_ index: Int) {
        guard let relay = relayed, relay.from == index else { return }
        act(on: relay.to) { session, _ in session.cancelReoffer() }
    }

    /// Nobody is at the other end (echo, menu), or he cannot be asked before the call is answered, and what he says goes on as it is.
    private func answerAlone(_ index: Int, offer: SessionDescription?, codecs: [String] = Call.spokenCodecs) {
        guard let port = legs[index].port else { return act(on: index) { $0.refuseOffer(491, now: $1) } }
        let media = legs[index].described.media(port)
        guard let offer else {
            let numbers = legs[index].described.numbers
            let own = ownOffer(codecs: codecs, as: media, direction: .sendrecv, numbers: numbers)
            guard let body = remember(own, on: index)?.write() else { return }
            return act(on: index) { $0.answerOffer(body, now: $1) }
        }
        guard let answer = try? ownAnswer(to: offer, codecs: codecs, as: media, direction: .sendrecv),
            let body = remember(answer, on: index)?.write()
        else { return act(on: index) { $0.refuseOffer(488, now: $1) } }
        legs[index].described.remote = offer
        act(on: index) { $0.answerOffer(body, now: $1) }
        configureMedia(index)
        noteHold(index)
    }

    func reofferAnswered(_ index: Int, description: SessionDescription?, isOffer: Bool) {
        if !isOffer, reofferSettled(index, description) { return }
        guard let description else { return }
        guard let relay = relayed, relay.to == index, let port = legs[relay.from].port else {
            if isOffer { offeredInVain(index, description) }
            return
        }
        legs[index].described.remote = description
        let media = legs[relay.from].described.media(port)
        guard legs[relay.from].session.hasOfferOfPeer else {
            return withdrawn(relay, description, isOffer: isOffer)
        }
        if isOffer {
            // The full offer that was asked for: the one who asked answers it in its ACK.
            let earlier = legs[relay.from].described.local
            guard
                let offer = try? relayOffer(
                    description,
                    as: media,
                    preferring: preferredCodecs(towards: legs[relay.from].user),
                    previous: earlier,
                    numbers: legs[relay.from].described.numbers,
                    understood: mixedCodecs
                ), let body = remember(offer, on: relay.from)?.write()
            else { return giveUp(relay, unanswered: description) }
            relayed?.earlierLocal = earlier
            return act(on: relay.from) { $0.answerOffer(body, now: $1) }
        }
        guard let offer = relay.offer,
            let answer = try? relayAnswer(description, to: offer, relayed: relay.relayedOffer, as: media)
        else {
            // It agreed to what cannot be passed on (no stream at all): the leg is asked back to what it had.
            legs[index].described.local = relay.relayedOffer
            giveUp(relay)
            return reoffer(index, Reoffer())
        }
        relayed = nil
        legs[index].described.local = relay.relayedOffer
        legs[relay.from].described.remote = offer
        guard let body = remember(answer, on: relay.from)?.write() else { return }
        act(on: relay.from) { $0.answerOffer(body, now: $1) }
        renegotiated(relay)
    }

    /// The ACK answered the offer that a re-INVITE without one had asked for.
    func lateReofferAnswered(_ relay: Relayed, answer: SessionDescription) {
        relayed = nil
        legs[relay.from].described.remote = answer
        guard let port = legs[relay.to].port, let offer = legs[relay.to].described.remote,
            let relayedAnswer = try? relayAnswer(
                answer,
                to: offer,
                relayed: legs[relay.from].described.local,
                as: legs[relay.to].described.media(port)
            ),
            let body = remember(relayedAnswer, on: relay.to)?.write()
        else { return giveUp(relay, unanswered: legs[relay.to].described.remote) }
        act(on: relay.to) { $0.acknowledge(answer: body, now: $1) }
        renegotiated(relay)
    }

    /// Whoever asked for an offer acknowledged it without an answer: both go on as they were.
    func leaveUnanswered(_ relay: Relayed) {
        legs[relay.from].described.local = relay.earlierLocal
        giveUp(relay, unanswered: legs[relay.to].described.remote)
    }

    private func renegotiated(_ relay: Relayed) {
        for index in [relay.from, relay.to] {
            configureMedia(index)
            moveFamily(of: index)
        }
        noteHold(relay.from)
        noteHold(relay.to)
        followCodec()
        changeOver()
    }

    /// Nobody can answer; `unanswered` is the offer of whoever was asked for one.
    private func giveUp(_ relay: Relayed, unanswered: SessionDescription? = nil) {
        relayed = nil
        if let unanswered { goOn(relay.to, with: unanswered) }
        act(on: relay.from) { $0.refuseOffer(488, now: $1) }
        changeOver()
    }

    /// Whoever wanted other media took that back (CANCEL) while the other side agreed.
    private func withdrawn(_ relay: Relayed, _ description: SessionDescription, isOffer: Bool) {
        relayed = nil
        if isOffer { return goOn(relay.to, with: description) }
        legs[relay.to].described.local = relay.relayedOffer
        configureMedia(relay.to)
        reoffer(relay.to, Reoffer())
    }

    /// Whoever had this leg asked for an offer is gone.
    private func offeredInVain(_ index: Int, _ offer: SessionDescription) {
        legs[index].described.remote = offer
        let waiting = reoffers.removeValue(forKey: index)
        goOn(index, with: offer)
        if let waiting, waiting.isNeeded || changing.contains(index) { reoffer(index, waiting) }
    }

    /// An offer that we asked for in somebody's place, who cannot or will not answer it: the leg goes on as it was.
    private func goOn(_ index: Int, with offer: SessionDescription) {
        guard answerLateOffer(of: index, offer) else {
            return end(.answered, by: .switch, cause: HangupCause(status: 488), reason: "no-common-codec")
        }
        configureMedia(index)
    }

    func reofferRefused(_ index: Int, status: Int) {
        if reofferSettled(index, nil, status: status) { return }
        guard let relay = relayed, relay.to == index else { return }
        relayed = nil
        // What we took back ourselves, he did not.
        var told = status == 487 || HangupCause.isOfHop(status) || !(400..<700).contains(status) ? 488 : status
        // 503 would be of our whole server (RFC 3261 §21.5.4); whoever asked may ask again in a moment.
        if told == 503 { told = 500 }
        act(on: relay.from) { $0.refuseOffer(told, now: $1) }
        changeOver()
    }

    // MARK: digits

    func informed(_ index: Int, contentType: String, body: [UInt8]) {
        let isOurs = InfoDigit.types.contains(contentType)
        let goesOn = counterpart(of: index).map { legs[$0].session.mayTakeInfo } ?? false
        act(on: index) { session, _ in session.answerInfo(isTaken: isOurs || goesOn) }
        guard isOurs || goesOn else { return }
        if let digit = InfoDigit(contentType: contentType, body: body) {
            guard legs[index].keys.isNew(digit.key, by: .info, at: now.instant) else { return }
            heard(TypedKey(name: digit.key, source: .info), on: index)
            keyed(digit.key, by: index)
            guard let other = counterpart(of: index), legs[other].port != nil else { return }
            // A peer that said nothing of INFO hears the key as the telephone-event it negotiated (RFC 4733).
            if !legs[other].session.peerAllows(.info), hasTelephoneEvent(other) { return pass(digit, of: index) }
        }
        guard let other = counterpart(of: index) else { return }
        act(on: other) { session, _ in session.sendInfo(contentType: contentType, body: body) }
    }

    private func heard(_ key: TypedKey, on index: Int) {
        if index == anchor { take(key) } else { tell(of: key, on: index) }
    }

    /// Of a PIN only that a key was pressed.
    func tell(of key: TypedKey, on index: Int, isSecret: Bool = false) {
        publish(.digit(leg: index, isSecret ? "•" : key.name, source: key.source.rawValue))
    }

    func pressed(_ index: Int, digit: String, isInBand: Bool) {
        let source: HeardKeys.Source = isInBand ? .inBand : .telephoneEvent
        guard legs[index].keys.isNew(digit, by: source, at: now.instant) else { return hasCome(digit, on: index) }
        heard(TypedKey(name: digit, source: source), on: index)
        keyed(digit, by: index)
        guard let other = counterpart(of: index) else { return }
        // Tones went on as they are; who agreed upon telephone-events does not look for them there.
        guard !isInBand || legs[other].described.ours?.telephoneEvent != nil else { return }
        guard !hasTelephoneEvent(other) else {
            // Over a bridge telephone-events went on by themselves; a mix is only sound.
            guard isInBand || isMixed, let port = legs[other].port else { return }
            return core.media.perform(.sendDigit(port.id, digit, milliseconds: 160))
        }
        guard !isInBand else { return }
        // The packets mean nothing to a peer that negotiated no telephone-event: it is told by INFO.
        let body = Array("Signal=\(digit)\r\nDuration=160\r\n".utf8)
        act(on: other) { session, _ in session.sendInfo(contentType: "application/dtmf-relay", body: body) }
    }

    /// A phone that agreed to telephone-events may be about to send this key by them as well, and these go on by themselves.
    private func pass(_ digit: InfoDigit, of index: Int) {
        let patience = hasTelephoneEvent(index) ? Self.eventPatience : .zero
        legs[index].informed.append((digit, due: now.instant + patience))
        passInformedKeys(of: index)
    }

    private static let eventPatience: Duration = .milliseconds(250)

    func passInformedKeys(of index: Int) {
        let waiting = legs[index].informed
        let digits = waiting.prefix { $0.due <= now.instant }.map(\.digit)
        legs[index].informed.removeFirst(digits.count)
        if let next = legs[index].informed.first {
            core.timers.start(.call(id, .informedKeys(index)), at: next.due)
        }
        guard let other = counterpart(of: index), let port = legs[other].port, hasTelephoneEvent(other) else { return }
        for digit in digits {
            core.media.perform(.sendDigit(port.id, digit.key, milliseconds: digit.milliseconds))
        }
    }

    /// The telephone-event of a key that INFO told of.
    private func hasCome(_ digit: String, on index: Int) {
        guard let place = legs[index].informed.firstIndex(where: { $0.digit.key == digit }) else { return }
        legs[index].informed.remove(at: place)
    }

    private func hasTelephoneEvent(_ index: Int) -> Bool {
        legs[index].described.theirs?.telephoneEvent != nil
    }
}

/// A key in an INFO body: `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`).
struct InfoDigit: Equatable {
    static let types = ["application/dtmf", "application/dtmf-relay"]

    var key: String
    var milliseconds = 160

    init?(contentType: String, body: [UInt8]) {
        guard body.count <= 256 else { return nil }
        let text = String(decoding: body, as: UTF8.self)
        var found: Substring?
        switch contentType {
        case "application/dtmf": found = text.split(whereSeparator: { $0.isWhitespace }).first
        case "application/dtmf-relay":
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
                guard parts.count == 2 else { continue }
                if parts[0].lowercased() == "signal" { found = Substring(parts[1]) }
                if parts[0].lowercased() == "duration", let duration = Int(parts[1]) {
                    milliseconds = min(max(duration, 40), 5000)
                }
            }
        default: return nil
        }
        guard let found, found.count == 1 || ["10", "11"].contains(found) else { return nil }
        switch found {
        case "10": key = "*"
        case "11": key = "#"
        default: key = found.uppercased()
        }
        guard "0123456789*#ABCD".contains(key) else { return nil }
    }
}

public import NetAddress

/// Where the media of one leg is on our side, and which session it is.
public struct LocalMedia: Equatable, Sendable {
    public var address: IPAddress
    public var rtpPort: UInt16
    public var sessionID: UInt64

    public init(address: IPAddress, rtpPort: UInt16, sessionID: UInt64) {
        (self.address, self.rtpPort, self.sessionID) = (address, rtpPort, sessionID)
    }
}

/// The `o=` version of one leg's descriptions: the same while they say the same, one more with each change (RFC 3264 §8).
public struct OriginVersions: Sendable {
    public let sessionID: UInt64
    private var version: UInt64 = 0
    private var last: SessionDescription?

    public init(sessionID: UInt64) { self.sessionID = sessionID }

    /// The description with the version that it takes.
    public mutating func stamp(_ description: SessionDescription) -> SessionDescription {
        var unstamped = description
        unstamped.origin.version = "0"
        if unstamped != last { version += 1 }
        last = unstamped
        var stamped = description
        stamped.origin.version = String(version)
        return stamped
    }

    /// What was stamped after `told` was never sent: the next one counts on from there (RFC 3264 §8).
    public mutating func goBack(to told: SessionDescription) {
        guard let number = UInt64(told.origin.version), number <= version else { return }
        version = number
        var unstamped = told
        unstamped.origin.version = "0"
        last = unstamped
    }
}

/// What we offer to a callee in the caller's place: the same codecs under the same numbers, preferred ones first, at our address.
///
/// Of the two laws of G.711, which the media plane translates, both are offered where one is, the caller's first.
/// Nothing of the caller's topology goes along (no origin, candidates, keys, names). Streams that cannot be relayed keep their
/// place with port 0. With `previous`, what this leg was offered before, no section is lost (RFC 3264 §8), and a number that means
/// something there already (`numbers`) goes on to mean that (§8.3.2). `direction`: another than the caller's, when we have something to
/// say in his place. `understood`: of the codecs only these, where the switch itself has to know what is said.
public func relayOffer(
    _ offer: SessionDescription,
    as local: LocalMedia,
    preferring codecs: [String],
    previous: SessionDescription? = nil,
    numbers: [PayloadFormat] = [],
    direction: MediaDirection? = nil,
    understood: [String]? = nil
) throws(SDPFault) -> SessionDescription {
    guard let index = offer.media.firstIndex(where: \.isUsableAudio) else {
        throw .unacceptable(offer.unusableReason)
    }
    guard let stream = AudioStream(of: offer) else { throw .unacceptable(offer.unusableReason) }
    var formats = stream.allFormats
    if let understood {
        formats.removeAll { $0.isCodec && !understood.contains($0.encoding.uppercased()) }
        guard formats.contains(where: \.isCodec) else {
            throw .unacceptable("none of the offered codecs is one of \(understood.joined(separator: ", "))")
        }
    }
    var audio = MediaDescription(kind: "audio", port: local.rtpPort, proto: offer.media[index].proto, formats: [])
    audio.describe(formats.preferring(codecs).withBothLaws.numbered(like: numbers))
    audio.finish(like: offer.media[index], direction: direction ?? stream.heldDirection)
    if let previous {
        // The leg has its sections already: the audio one is offered anew, the refused ones stay refused.
        let place = previous.media.firstIndex { $0.kind == "audio" && $0.port != 0 } ?? 0
        var media = previous.media.map(\.refused)
        if media.indices.contains(place) { media[place] = audio } else { media = [audio] }
        return SessionDescription(local, media: media)
    }
    return SessionDescription(local, media: [audio])
}

/// What we answer the caller when the callee answered our relayed offer: as many sections as the caller offered, its own
/// numbers for the codecs that the callee took, with the callee's parameters, as these say what the callee wants to be sent (RFC 3264 §6.1);
/// the callee's direction as far as the caller's allows it. `relayed`: the offer as the callee had it, whose numbers may be others.
public func relayAnswer(
    _ answer: SessionDescription,
    to offer: SessionDescription,
    relayed: SessionDescription? = nil,
    as local: LocalMedia
) throws(SDPFault) -> SessionDescription {
    guard let theirs = AudioStream(of: answer) else { throw .unacceptable(answer.unusableReason) }
    let accepted = theirs.allFormats
    let offered = AudioStream(of: offer)?.heldDirection ?? .sendrecv
    let direction = theirs.heldDirection.answering(offered)
    return try answering(offer, as: local, direction: direction, ptime: theirs.ptime, maxptime: theirs.maxptime) {
        offered in
        let asked = relayed.flatMap { AudioStream(of: $0)?.allFormats } ?? []
        var common: [PayloadFormat] = []
        for format in accepted {
            guard var taken = format.choice(of: offered, asked: asked) else { continue }
            taken.fmtp = format.fmtp
            if !common.contains(where: { $0.number == taken.number }) { common.append(taken) }
        }
        guard !common.contains(where: \.isCodec) else { return common }
        // A callee that knows the other law alone: what either says is translated for the other.
        let law = offered.first { $0.otherLaw.map { accepted.contains(where: $0.matches) } ?? false }
        return (law.map { [$0] } ?? []) + common
    }
}

/// Our own offer: these codecs, and telephone-event. Codecs that we do not know ourselves are described as the other party does
/// (`theirs`); `numbers` are those that mean something in this session already.
public func ownOffer(
    codecs: [String],
    as local: LocalMedia,
    direction: MediaDirection,
    theirs: [PayloadFormat] = [],
    numbers: [PayloadFormat] = []
) -> SessionDescription {
    var audio = MediaDescription(kind: "audio", port: local.rtpPort, formats: [])
    let known = codecs.reduce(into: [PayloadFormat]()) { known, name in
        let format = (ownFormats + theirs).first { $0.encoding.lowercased() == name.lowercased() }
        if let format, !known.contains(format) { known.append(format) }
    }
    let rates = Set(known.map(\.clockRate)).union([8000])
    let taken = Set(known.map(\.number))
    // 101 where it is free, as most have it.
    let free = ([101] + Array(102...127) + Array(96...100)).filter { !taken.contains($0) }
    let keys = zip(free, rates.sorted()).map { number, rate in
        PayloadFormat(number: number, encoding: "telephone-event", clockRate: rate, fmtp: "0-16")
    }
    audio.describe(((known.isEmpty ? Array(ownFormats.prefix(2)) : known) + keys).numbered(like: numbers))
    audio.append(Attribute("ptime", "20"))
    audio.append(Attribute(direction.rawValue))
    return SessionDescription(local, media: [audio])
}

private let ownFormats = [
    PayloadFormat(number: 8, encoding: "PCMA", clockRate: 8000),
    PayloadFormat(number: 0, encoding: "PCMU", clockRate: 8000),
    PayloadFormat(number: 9, encoding: "G722", clockRate: 8000),
    PayloadFormat(number: 107, encoding: "opus", clockRate: 48_000, channels: 2, fmtp: "useinbandfec=1"),
]

/// Our own answer: the first of the offer's codecs that we speak (`codecs`), and its telephone-event.
public func ownAnswer(
    to offer: SessionDescription,
    codecs: [String],
    as local: LocalMedia,
    direction: MediaDirection
) throws(SDPFault) -> SessionDescription {
    guard let stream = AudioStream(of: offer) else { throw .unacceptable(offer.unusableReason) }
    let spoken = Set(codecs.map { $0.lowercased() })
    guard let codec = stream.formats.first(where: { spoken.contains($0.encoding.lowercased()) && $0.channels == 1 })
    else {
        throw .unacceptable("none of the offered codecs is one of \(codecs.joined(separator: ", "))")
    }
    let allowed = direction.answering(stream.heldDirection)
    return try answering(offer, as: local, direction: allowed, ptime: stream.ptime) { offered in
        offered.filter { $0 == codec || ($0.isTelephoneEvent && $0.clockRate == codec.clockRate) }
    }
}

extension SessionDescription {
    /// Whether this answer takes a voice stream of the offer: one that it does not refuse, in a codec that was offered (RFC 3264 §6).
    public func takes(_ offer: SessionDescription) -> Bool {
        guard let taken = AudioStream(of: self), let offered = AudioStream(of: offer) else { return false }
        return taken.formats.contains { format in offered.formats.contains { $0.matches(format) } }
    }
}

extension SessionDescription {
    /// Whether the direction of this description may stand in an answer to that offer (RFC 3264 §6.1).
    public func mayAnswer(_ offer: SessionDescription) -> Bool {
        guard let ours = AudioStream(of: self)?.heldDirection, let theirs = AudioStream(of: offer)?.heldDirection else {
            return true
        }
        return ours.answering(theirs) == ours
    }
}

private func answering(
    _ offer: SessionDescription,
    as local: LocalMedia,
    direction: MediaDirection,
    ptime: Int?,
    maxptime: Int? = nil,
    choosing: ([PayloadFormat]) -> [PayloadFormat]
) throws(SDPFault) -> SessionDescription {
    guard let index = offer.media.firstIndex(where: \.isUsableAudio) else { throw .unacceptable(offer.unusableReason) }
    let chosen = choosing(offer.media[index].payloadFormats)
    guard chosen.contains(where: \.isCodec) else {
        throw .unacceptable("no codec in common")
    }
    var media = offer.media.map(\.refused)
    var audio = MediaDescription(kind: "audio", port: local.rtpPort, proto: offer.media[index].proto, formats: [])
    audio.describe(chosen)
    if let mid = offer.media[index].attribute("mid") { audio.append(Attribute("mid", mid)) }
    if let ptime { audio.append(Attribute("ptime", "\(ptime)")) }
    if let maxptime { audio.append(Attribute("maxptime", "\(maxptime)")) }
    audio.append(Attribute(direction.rawValue))
    audio.isPutAside = offer.media[index].isPutAside
    media[index] = audio
    return SessionDescription(local, media: media)
}

extension SessionDescription {
    /// An offer within a talk whose audio is put aside by port 0, and that has no other stream (RFC 3264 §8.2), asks for silence: a hold, to which port 0
    /// is answered (§6).
    public var readAsHold: SessionDescription {
        guard media.allSatisfy({ $0.port == 0 }),
            let index = media.firstIndex(where: {
                $0.kind == "audio" && $0.isInTheClear && $0.payloadFormats.contains(where: \.isCodec)
            })
        else { return self }
        var held = self
        held.media[index].putAside()
        return held
    }

    init(_ local: LocalMedia, media: [MediaDescription]) {
        self.init(
            origin: Origin(sessionID: local.sessionID, version: 0, address: local.address),
            connection: ConnectionData(local.address),
            media: media
        )
    }

    /// Why no stream of this description can be used, for the log and the Warning header.
    public var unusableReason: String {
        guard let audio = media.first(where: { $0.kind == "audio" }) else { return "there is no audio stream" }
        if audio.port == 0 { return "the audio stream is refused (port 0)" }
        guard audio.isInTheClear else {
            return "the profile \(audio.proto) is not supported"
        }
        guard let place = audio.connection ?? connection else { return "no c= line says where the audio stream goes" }
        guard let address = place.address else { return "c= names a host (\(place.host)), not an address" }
        if address.isForMany { return "c= names \(address), which is not the address of one host" }
        return "no format of the audio stream has a meaning"
    }
}

extension MediaDescription {
    /// The same section, refused (RFC 3264 §6).
    var refused: MediaDescription {
        MediaDescription(kind: kind, port: 0, proto: proto, formats: formats.isEmpty ? ["0"] : Array(formats.prefix(1)))
    }

    fileprivate mutating func finish(like offered: MediaDescription, direction: MediaDirection) {
        for name in ["ptime", "maxptime"] {
            if let value = offered.attribute(name), Int(value.filter { $0 != " " }) != nil {
                append(Attribute(name, value.filter { $0 != " " }))
            }
        }
        append(Attribute(direction.rawValue))
    }
}

extension MediaDirection {
    /// What may be answered to an offer of a direction by one who would rather have this one (RFC 3264 §6.1).
    func answering(_ offered: MediaDirection) -> MediaDirection {
        switch (offered, self) {
        case (.sendrecv, let ours): ours
        case (.inactive, _), (_, .inactive): .inactive
        case (.sendonly, .sendrecv), (.sendonly, .recvonly): .recvonly
        case (.recvonly, .sendrecv), (.recvonly, .sendonly): .sendonly
        case (.sendonly, .sendonly), (.recvonly, .recvonly): .inactive
        }
    }
}

extension AudioStream {
    /// The direction, with RFC 2543's way to hold (an address of zeros) said in RFC 3264's words.
    var heldDirection: MediaDirection {
        guard address.isUnspecified else { return direction }
        return direction == .recvonly || direction == .inactive ? .inactive : .sendonly
    }
}

extension PayloadFormat {
    /// Which of the offered formats this one of the answer takes. Several may be of one codec and differ in their parameters alone (AMR, RFC 4867
    /// §8.1): then it is the one that was asked for under its number.
    fileprivate func choice(of offered: [PayloadFormat], asked: [PayloadFormat]) -> PayloadFormat? {
        let same = offered.filter(matches)
        guard same.count > 1 else { return same.first }
        let known = asked.first { $0.number == number && $0.matches(self) } ?? self
        return same.first { $0.fmtp == known.fmtp } ?? same.first { $0.number == number } ?? same.first
    }

    /// The same voice by the other law of G.711, under its static number.
    fileprivate var otherLaw: PayloadFormat? {
        guard clockRate == 8_000, channels == 1 else { return nil }
        return switch encoding.uppercased() {
        case "PCMA": PayloadFormat(number: 0, encoding: "PCMU", clockRate: 8_000)
        case "PCMU": PayloadFormat(number: 8, encoding: "PCMA", clockRate: 8_000)
        default: nil
        }
    }
}

extension [PayloadFormat] {
    /// With the law of G.711 that is missing, behind the codecs that are there.
    fileprivate var withBothLaws: [PayloadFormat] {
        let others = compactMap(\.otherLaw)
        guard others.count == 1, let other = others.first, !contains(where: { $0.number == other.number }) else {
            return self
        }
        var formats = self
        formats.insert(other, at: (lastIndex(where: \.isCodec) ?? -1) + 1)
        return formats
    }

    /// The same formats under the numbers that they have in a session; a number that means something else there is not used anew
    /// (RFC 3264 §8.3.2).
    fileprivate func numbered(like earlier: [PayloadFormat]) -> [PayloadFormat] {
        guard !earlier.isEmpty else { return self }
        let taken = Set(earlier.map(\.number)).union(map(\.number))
        var free = (UInt8(96)...127).filter { !taken.contains($0) }.makeIterator()
        var used: Set<UInt8> = []
        return map { format in
            var format = format
            let same = earlier.filter { $0.matches(format) && !used.contains($0.number) }
            if let known = same.first(where: { $0.fmtp == format.fmtp }) ?? same.first {
                format.number = known.number
            } else if used.contains(format.number) || earlier.contains(where: { $0.number == format.number }) {
                format.number = free.next() ?? format.number
            }
            used.insert(format.number)
            return format
        }
    }

    /// The preferred codecs first, in their order; the rest as it was; telephone-event and comfort noise last.
    func preferring(_ codecs: [String]) -> [PayloadFormat] {
        let names = codecs.map { $0.lowercased() }
        func rank(_ format: PayloadFormat) -> Int {
            if !format.isCodec { return names.count + 1 }
            return names.firstIndex(of: format.encoding.lowercased()) ?? names.count
        }
        return enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    }
}

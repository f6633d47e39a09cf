import Hashes
public import SIPMessage
public import Timebase

/// Challenges requests and checks their answers (RFC 7616, RFC 8760; RFC 3261 §22).
///
/// A nonce proves itself: a time, some random bits, and a seal over both under the node's key. No table of nonces is needed, and
/// a phone that was challenged before a restart is not challenged again after it when it registers. Which counts were used is forgotten
/// with the process: a recorded call could be placed again, so all else is challenged anew.
public struct DigestServer: Sendable {
    public enum Verdict: Equatable, Sendable {
        /// The user of this name has the password.
        case accepted(String)
        /// The password is right, the nonce is used up or too old: challenge again with `stale=true`.
        case stale
        case refused(String)
        /// No credentials for this realm.
        case missing
    }

    private let key: [UInt8]
    private let lifetime: Duration
    private var start: WallTime
    private var uses = NonceUses()

    /// - Parameters:
    ///   - key: seals the nonces; the same over restarts.
    ///   - lifetime: of a nonce.
    ///   - start: since when uses are counted.
    public init(key: [UInt8], lifetime: Duration = .seconds(300), start: WallTime) {
        (self.key, self.lifetime, self.start) = (key, lifetime, start)
    }

    /// WWW-Authenticate values. RFC 8760 §2.4 would have the strongest first; phones that look at the first alone, and give up
    /// upon SHA-256 there, are many, and those that know SHA-256 choose it wherever it stands (RFC 7616 §3.7).
    ///
    /// - Parameters:
    ///   - realm: the tenant's.
    ///   - stale: the credentials were right, their nonce was not.
    ///   - now: when the nonce was made.
    ///   - randomness: what makes it unlike any other of this moment.
    ///   - userAgent: what the phone calls itself, for those that take one challenge only.
    ///   - isAlone: it has shown that it is one of these.
    /// - Returns: one value for each algorithm.
    public func challenges(
        realm: String,
        stale: Bool,
        now: WallTime,
        randomness: UInt64,
        userAgent: String? = nil,
        isAlone: Bool = false
    ) -> [String] {
        let nonce = makeNonce(now: now, randomness: randomness)
        let algorithms: [DigestAlgorithm] = isAlone || Self.isSingleMinded(userAgent) ? [.md5] : [.md5, .sha256]
        return algorithms.map { algorithm in
            "Digest realm=\"\(realm)\", nonce=\"\(nonce)\", algorithm=\(algorithm.rawValue), qop=\"auth\""
                + (stale ? ", stale=true" : "")
        }
    }

    /// Phones that fail altogether when one of the challenges has an algorithm that they do not know, whatever RFC 3261 §22.4
    /// asks of them; they get the one that they can answer.
    private static let singleMinded = ["baresip v0.", "baresip v1.", "twinkle/"]

    private static func isSingleMinded(_ userAgent: String?) -> Bool {
        let name = userAgent?.lowercased() ?? ""
        return singleMinded.contains { name.hasPrefix($0) }
    }

    /// Checks the credentials of a request. An unknown user costs the same work, and earns the same answer, as a wrong
    /// password.
    public mutating func verify(
        _ headers: [String],
        method: Method,
        requestURI: String,
        realm: String,
        now: WallTime,
        lookup: (String) -> Credentials?
    ) -> Verdict {
        guard !headers.isEmpty else { return .missing }
        // A clock that is set back must not make all new nonces old.
        start = min(start, now)
        var verdict: Verdict = .missing
        for header in headers.prefix(8) {
            guard let fields = DigestFields(header) else {
                verdict = .refused("a malformed Authorization header")
                continue
            }
            guard fields["realm"] == realm else { continue }
            verdict = check(fields, method: method, requestURI: requestURI, realm: realm, now: now, lookup: lookup)
            if case .accepted = verdict { break }
        }
        return verdict
    }

    private mutating func check(
        _ fields: DigestFields,
        method: Method,
        requestURI: String,
        realm: String,
        now: WallTime,
        lookup: (String) -> Credentials?
    ) -> Verdict {
        guard let username = fields["username"], let nonce = fields["nonce"], let uri = fields["uri"],
            let response = fields["response"]
        else { return .refused("an Authorization header without username, nonce, uri or response") }
        guard let algorithm = DigestAlgorithm(token: fields["algorithm"] ?? "MD5") else {
            return .refused("the algorithm \(fields["algorithm"] ?? "") was not offered")
        }
        guard Self.isSame(uri, requestURI) else { return .refused("the credentials are for another URI") }
        var quality: (count: String, cnonce: String, qop: String)?
        var count: UInt32 = 0
        if let qop = fields["qop"] {
            guard qop.lowercased() == "auth", let text = fields["nc"], text.utf8.count == 8,
                let number = UInt32(text, radix: 16), let cnonce = fields["cnonce"]
            else { return .refused("qop is not auth, or comes without nc and cnonce") }
            count = number
            quality = (text, cnonce, qop)
        }
        let known = lookup(username)?.ha1[algorithm]
        let ha1 = known ?? algorithm.hash("nobody:\(realm):\(nonce)")
        let expected = digestResponse(
            algorithm,
            ha1: ha1,
            nonce: nonce,
            quality: quality,
            method: method.name,
            uri: uri
        )
        let isRight = constantTimeEquals(Array(expected.utf8), Array(response.lowercased().utf8))
        guard isRight, known != nil else { return .refused("a wrong name or password") }
        // Only who knows the password learns that the nonce is the trouble (§3.3).
        guard let age = age(of: nonce, now: now), age <= lifetime else { return .stale }
        guard method == .register || now.advanced(by: .zero - age) >= start else { return .stale }
        // Without qop there is no count: such a nonce serves once.
        guard uses.use(nonce, count: quality == nil ? 1 : count) else { return .stale }
        return .accepted(username)
    }

    /// Some phones write the URI with other parameters or another case of the host: what it is about must be the same.
    private static func isSame(_ uri: String, _ requestURI: String) -> Bool {
        if uri == requestURI { return true }
        guard let a = try? SIPURI(uri), let b = try? SIPURI(requestURI) else { return false }
        return a.scheme == b.scheme && a.user == b.user && a.host == b.host && a.port == b.port
    }

    // MARK: nonces

    private func makeNonce(now: WallTime, randomness: UInt64) -> String {
        let time = hex(octets(UInt64(bitPattern: now.milliseconds)))
        let random = hex(octets(randomness))
        return time + random + seal(time + random)
    }

    private func seal(_ text: String) -> String { hex(Array(hmacSHA256(key: key, Array(text.utf8)).prefix(16))) }

    private func octets(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
    }

    /// nil for a nonce that is not ours.
    private func age(of nonce: String, now: WallTime) -> Duration? {
        guard nonce.utf8.count == 64 else { return nil }
        let signed = String(nonce.prefix(32))
        guard constantTimeEquals(Array(seal(signed).utf8), Array(nonce.suffix(32).utf8)),
            let bits = UInt64(signed.prefix(16), radix: 16)
        else { return nil }
        let (age, overflow) = now.milliseconds.subtractingReportingOverflow(Int64(bitPattern: bits))
        // A clock that was set back makes nonces from the future: they are as good as new for a while, not for ever.
        guard !overflow, age > -60_000 else { return nil }
        return .milliseconds(max(0, age))
    }
}

/// Which counts of which nonces were used (RFC 7616 §3.4, `nc`): a request that is recorded and sent again finds its count taken.
/// A window of 64 lets requests overtake each other. Bounded: the nonces not heard from for longest are forgotten, whose
/// lifetime is over by then unless the table is flooded.
struct NonceUses: Sendable {
    private struct Window: Sendable {
        var highest: UInt32
        /// Bit n: `highest - n` was used.
        var used: UInt64
    }

    private var current: [String: Window] = [:]
    private var previous: [String: Window] = [:]
    private static let generation = 20_000

    /// False: the count was used before, or is too far behind.
    mutating func use(_ nonce: String, count: UInt32) -> Bool {
        guard count > 0 else { return false }
        guard var window = current[nonce] ?? previous[nonce] else {
            insert(nonce, Window(highest: count, used: 1))
            return true
        }
        if count > window.highest {
            let shift = count - window.highest
            window.used = shift < 64 ? window.used << UInt64(shift) | 1 : 1
            window.highest = count
        } else {
            let behind = window.highest - count
            guard behind < 64, window.used & 1 << UInt64(behind) == 0 else { return false }
            window.used |= 1 << UInt64(behind)
        }
        insert(nonce, window)
        return true
    }

    private mutating func insert(_ nonce: String, _ window: Window) {
        if current.count >= Self.generation {
            previous = current
            current = [:]
        }
        current[nonce] = window
    }
}

public import SIPMessage
import Timebase

/// The session interval of one leg (RFC 4028): who refreshes it, and when it runs out.
struct SessionTimer: Sendable {
    private var interval: Int?
    private var weRefresh = false
    /// The longest Min-SE that a 422 of the peer named.
    private(set) var minimum: Int?

    /// The interval that a request asks for, when it is shorter than we accept: it earns a 422 with Min-SE (§5).
    static func isTooBrief(_ request: SIPRequest, settings: SessionSettings) -> Bool {
        guard supports(request.headers), let wanted = seconds(request.headers[.sessionExpires]) else { return false }
        return wanted < settings.minimumExpires
    }

    /// The called side agrees to what the request asks, and says so in its 2xx; of a peer that knows timers and asks for none it asks ours,
    /// and refreshes (§9).
    mutating func agree(
        answering request: SIPRequest,
        with response: inout SIPResponse,
        settings: SessionSettings,
        now: Instant
    ) -> [Session.Action] {
        let value = request.headers[.sessionExpires] ?? ""
        let asked = Self.seconds(value)
        guard Self.supports(request.headers), let wanted = asked ?? settings.sessionExpires else { return stop() }
        // Not below what the request allows, though it says less itself.
        let seconds = max(wanted, settings.minimumExpires, Self.seconds(request.headers[.minSE]) ?? 0)
        weRefresh = asked == nil || Self.refresher(value) == "uas"
        interval = seconds
        response.headers.append(.require, "timer")
        response.headers.append(.sessionExpires, "\(seconds);refresher=\(weRefresh ? "uas" : "uac")")
        return restart(now: now)
    }

    /// The calling side learns from the 2xx what was agreed (§7.2). `isRefresh` of ours without the header ends the timer.
    mutating func learn(from response: SIPResponse, settings: SessionSettings, now: Instant) -> [Session.Action] {
        guard let value = response.headers[.sessionExpires], let seconds = Self.seconds(value) else { return stop() }
        // Less than the Min-SE that we sent is not for a peer to choose.
        interval = max(seconds, settings.minimumExpires)
        weRefresh = Self.refresher(value) != "uas"
        return restart(now: now)
    }

    /// The peer's 422 wants a longer interval (§7.3); false when ours is as long already, or there is none.
    @discardableResult
    mutating func raise(to minimum: Int) -> Bool {
        self.minimum = max(self.minimum ?? 0, minimum)
        guard let interval, minimum > interval else { return false }
        self.interval = minimum
        return true
    }

    /// What our refresh and re-INVITE requests say.
    func describe(_ request: inout SIPRequest) {
        let isOffer = !request.body.isEmpty
        request.headers.append(.supported, isOffer ? SessionSettings.supported : SessionSettings.supportedWithoutOffer)
        guard let interval else { return }
        request.headers.append(.sessionExpires, "\(interval);refresher=\(weRefresh ? "uac" : "uas")")
        // §7.4: after a 422 each refresh says what it learnt.
        if let minimum { request.headers.append(.minSE, "\(minimum)") }
    }

    mutating func restart(now: Instant) -> [Session.Action] {
        guard let interval else { return [] }
        guard weRefresh else {
            // §10: the other side's refresh is due; BYE a little before the interval is over.
            let end = interval - min(32, interval / 3)
            return [.stop(.refresh), .start(.sessionExpired, at: now + .seconds(end))]
        }
        return [
            .start(.refresh, at: now + .milliseconds(interval * 500)),
            .start(.sessionExpired, at: now + .seconds(interval)),
        ]
    }

    private mutating func stop() -> [Session.Action] {
        guard interval != nil else { return [] }
        interval = nil
        return [.stop(.refresh), .stop(.sessionExpired)]
    }

    private static func supports(_ headers: Headers) -> Bool {
        headers.has("timer", in: .supported) || headers.has("timer", in: .require)
    }

    /// The delta-seconds of a Session-Expires or Min-SE header, at most a day.
    static func seconds(_ value: String?) -> Int? {
        guard let digits = value?.prefix(while: { $0 != ";" && $0 != " " }), let number = UInt32(digits) else {
            return nil
        }
        return Int(min(number, 86_400))
    }

    private static func refresher(_ value: String) -> String? {
        for parameter in value.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "refresher" {
                return parts[1].filter { $0 != " " }.lowercased()
            }
        }
        return nil
    }
}

extension SessionSettings {
    /// Whether an INVITE asks for a shorter session interval than we accept: 422 with Min-SE (RFC 4028 §5).
    public func asksTooBrief(_ request: SIPRequest) -> Bool { SessionTimer.isTooBrief(request, settings: self) }
}

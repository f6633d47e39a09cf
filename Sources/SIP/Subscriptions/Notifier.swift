public import Events
public import NetAddress
public import SIPMessage
public import Timebase

/// Who is told what of whom: the subscriptions that phones ask for by SUBSCRIBE (RFC 6665 §4.2). Values in, actions out.
///
/// A subscription is a dialog of its own; whoever drives this has established who asks, and that he may.
public struct Notifier: Sendable {
    /// A subscription's dialog: its Call-ID and our tag.
    public struct SubscriptionID: Hashable, Sendable {
        var callID: String
        var tag: String
    }

    /// A NOTIFY to be sent; what comes of it is to be told by `answered`.
    public struct Action: Sendable {
        public var request: SIPRequest
        public var flow: Flow
        public var subscription: SubscriptionID
    }

    struct Refusal: Error {
        var status: Int
        var what: String
        var headers: [(HeaderName, String)] = []
    }

    private let limits: SubscriptionLimits
    private let settings: SessionSettings
    private var subscriptions: [SubscriptionID: Subscription] = [:]
    private var ofUser: [UserID: Set<SubscriptionID>] = [:]
    private var byWatcher: [UserID: Set<SubscriptionID>] = [:]
    private var timers = TimerQueue<SubscriptionID>()
    private var random: SeededGenerator

    public init(limits: SubscriptionLimits, settings: SessionSettings, seed: UInt64) {
        (self.limits, self.settings) = (limits, settings)
        random = SeededGenerator(seed: seed)
    }

    /// Whether somebody is told over this stream.
    public func tells(over flow: Flow) -> Bool {
        subscriptions.values.contains { $0.dialog.flow.isSameWay(as: flow) }
    }

    // MARK: SUBSCRIBE

    /// A SUBSCRIBE outside of any dialog.
    public mutating func subscribe(
        _ request: SIPRequest,
        package: EventPackage,
        to user: WatchedUser,
        by watcher: Watcher,
        over flow: Flow,
        state: WatchedState,
        now: Instant
    ) -> (SIPResponse, [Action]) {
        do throws(Refusal) {
            try checkAccept(request, package)
            let seconds = try seconds(request)
            let tag = random.token()
            let dialog: Dialog
            do throws(SIPFault) {
                dialog = try Dialog(answering: request, localTag: tag, over: flow, localSequence: 0)
            } catch {
                throw Refusal(status: error.status ?? 400, what: error.what)
            }
            let id = SubscriptionID(callID: dialog.callID, tag: tag)
            let known = byWatcher[watcher.id]?.count ?? 0
            guard known < limits.mostPerUser else {
                throw Refusal(
                    status: 403,
                    what: "more than \(limits.mostPerUser) subscriptions of \(watcher.id.number)"
                )
            }
            let event = EventName(request.headers[.event]) ?? EventName(package: package.rawValue)
            let subscription = Subscription(
                watcher: watcher,
                user: user,
                package: package,
                event: event,
                dialog: dialog,
                expires: now + .seconds(seconds)
            )
            insert(subscription, id)
            return (acceptance(request, dialog, seconds), grant(id, seconds, state, now))
        } catch {
            return (response(to: request, error), [])
        }
    }

    /// Who holds the subscription that a SUBSCRIBE in a dialog is about; nil: there is none.
    public func watcher(of request: SIPRequest) -> (watcher: UserID, user: UserID)? {
        id(of: request).flatMap { subscriptions[$0] }.map { ($0.watcher.id, $0.user.id) }
    }

    /// A SUBSCRIBE in the dialog of a subscription: renews it, or ends it with `Expires: 0`.
    public mutating func refresh(
        _ request: SIPRequest,
        over flow: Flow,
        state: WatchedState,
        now: Instant
    ) -> (SIPResponse, [Action]) {
        do throws(Refusal) {
            guard let id = id(of: request), var subscription = subscriptions[id] else {
                throw Refusal(status: 481, what: "there is no such subscription")
            }
            guard let sequence = try? request.cSeq().number, subscription.dialog.receive(sequence) == .inOrder else {
                throw Refusal(status: 500, what: "a later request of this dialog came before")
            }
            subscriptions[id] = subscription
            // One dialog, one subscription (RFC 6665 §4.5.2).
            guard EventName(request.headers[.event]) == subscription.event else {
                throw Refusal(status: 481, what: "this dialog is a subscription to \(subscription.event)")
            }
            try checkAccept(request, subscription.package)
            let seconds = try seconds(request)
            subscription.dialog.refreshTarget((try? request.contacts())?.first?.uri, over: flow)
            subscription.expires = now + .seconds(seconds)
            subscriptions[id] = subscription
            return (acceptance(request, subscription.dialog, seconds), grant(id, seconds, state, now))
        } catch {
            return (response(to: request, error), [])
        }
    }

    private func id(of request: SIPRequest) -> SubscriptionID? {
        guard let callID = request.headers[.callID], let tag = request.toTag else { return nil }
        let id = SubscriptionID(callID: callID, tag: tag)
        return subscriptions[id]?.dialog.recognises(remoteTag: request.fromTag) == true ? id : nil
    }

    private func checkAccept(_ request: SIPRequest, _ package: EventPackage) throws(Refusal) {
        guard !request.accepts(package.contentType) else { return }
        let what = "the state of the package \(package.rawValue) is written as \(package.contentType)"
        throw Refusal(status: 406, what: what, headers: [(.accept, package.contentType)])
    }

    private func seconds(_ request: SIPRequest) throws(Refusal) -> Int {
        let asked: UInt32?
        do throws(SIPFault) { asked = try request.expires() } catch { throw Refusal(status: 400, what: error.what) }
        let seconds = asked.map { Int($0) } ?? limits.defaultExpires
        guard seconds == 0 || seconds >= limits.minExpires else {
            throw Refusal(
                status: 423,
                what: "the subscription is too short",
                headers: [(.minExpires, "\(limits.minExpires)")]
            )
        }
        return min(seconds, limits.maxExpires)
    }

    private func acceptance(_ request: SIPRequest, _ dialog: Dialog, _ seconds: Int) -> SIPResponse {
        var response = SIPResponse(status: 200, to: request, toTag: dialog.localTag)
        for route in request.headers.all(.recordRoute) { response.headers.append(.recordRoute, route) }
        response.headers.append(.contact, "<\(dialog.flow.contact(user: settings.contactUser))>")
        response.headers.append(.expires, "\(seconds)")
        response.headers.append(.server, settings.product)
        return response
    }

    private mutating func response(to request: SIPRequest, _ refusal: Refusal) -> SIPResponse {
        var response = SIPResponse(status: refusal.status, to: request, toTag: random.token())
        for (name, value) in refusal.headers { response.headers.append(name, value) }
        response.headers.append(.warning, .warning(refusal.what))
        response.headers.append(.server, settings.product)
        return response
    }

    /// The NOTIFY that follows at once (RFC 6665 §4.2.1.2), for `Expires: 0` the last.
    private mutating func grant(
        _ id: SubscriptionID,
        _ seconds: Int,
        _ state: WatchedState,
        _ now: Instant
    ) -> [Action] {
        guard seconds > 0 else { return end(id, .timeout, state) }
        timers.start(id, at: now + .seconds(seconds))
        return tell(id, now) { $0.news(state, again: true) }
    }

    // MARK: what there is to tell

    public func isWatched(_ user: UserID) -> Bool { ofUser[user] != nil }
    public var isEmpty: Bool { subscriptions.isEmpty }

    /// How many there are of each package.
    public var counts: [EventPackage: Int] {
        var counts = Dictionary(uniqueKeysWithValues: EventPackage.allCases.map { ($0, 0) })
        for subscription in subscriptions.values { counts[subscription.package, default: 0] += 1 }
        return counts
    }

    /// A user's state may be another now.
    public mutating func changed(_ user: UserID, to state: WatchedState, now: Instant) -> [Action] {
        var actions: [Action] = []
        for id in sorted(ofUser[user]) { actions += tell(id, now) { $0.news(state, again: false) } }
        return actions
    }

    /// A NOTIFY was answered; nil: not, or there was no way to the phone.
    ///
    /// Whoever refuses one has no use for more (RFC 6665 §4.2.2), unless he asks to try later.
    public mutating func answered(_ id: SubscriptionID, _ response: SIPResponse?, now: Instant) -> [Action] {
        guard subscriptions[id] != nil else { return [] }
        guard let response, response.status < 300 || response.headers.contains(.retryAfter) else {
            remove(id)
            return []
        }
        return tell(id, now) { $0.answered() }
    }

    private mutating func tell(
        _ id: SubscriptionID,
        _ now: Instant,
        _ choose: (inout Subscription) -> EventPackage.News?
    ) -> [Action] {
        guard var subscription = subscriptions[id] else { return [] }
        defer { subscriptions[id] = subscription }
        let before = subscription.lastTold
        guard let news = choose(&subscription) else { return [] }
        let left = max(0, Int((subscription.expires - now).inSeconds.rounded(.up)))
        return [send(&subscription, id, news, after: before, .active(expires: left))]
    }

    private mutating func send(
        _ subscription: inout Subscription,
        _ id: SubscriptionID,
        _ news: EventPackage.News,
        after before: EventPackage.News?,
        _ state: Notification.State
    ) -> Action {
        let request = subscription.dialog.notify(
            subscription.notification(news, after: before, state),
            branch: random.branch(),
            contactUser: settings.contactUser,
            product: settings.product
        )
        return Action(request: request, flow: subscription.dialog.nextHop, subscription: id)
    }

    // MARK: what ends subscriptions

    /// Subscriptions whose watcher or user is no more end, and each watcher knows as much as he may now.
    public mutating func keep(
        _ right: (_ watcher: UserID) -> Watcher?,
        isUser: (UserID) -> Bool,
        state: (UserID) -> WatchedState,
        now: Instant
    ) -> [Action] {
        var actions: [Action] = []
        for id in sorted(Set(subscriptions.keys)) {
            guard let subscription = subscriptions[id] else { continue }
            let user = subscription.user.id
            if !isUser(user) {
                actions += end(id, .noresource, WatchedState(isReachable: false, dialogs: []))
            } else if let watcher = right(subscription.watcher.id) {
                subscriptions[id]?.watcher = watcher
                let state = state(user)
                actions += tell(id, now) { $0.news(state, again: false) }
            } else {
                actions += end(id, .rejected, WatchedState(isReachable: false, dialogs: []))
            }
        }
        return actions
    }

    /// All of them end, as the switch does: whoever watches is to ask again when another one listens (RFC 6665 §4.1.3), and not all at one
    /// moment.
    public mutating func endAll(state: (UserID) -> WatchedState) -> [Action] {
        sorted(Set(subscriptions.keys)).flatMap { id -> [Action] in
            guard let user = subscriptions[id]?.user.id else { return [] }
            return end(id, .probation(retryAfter: Int.random(in: Self.absence, using: &random)), state(user))
        }
    }

    /// Seconds that a restart takes.
    private static let absence = 5...15

    /// The last NOTIFY, which nobody waits for.
    private mutating func end(
        _ id: SubscriptionID,
        _ reason: Notification.Reason,
        _ state: WatchedState
    ) -> [Action] {
        guard var subscription = subscriptions[id] else { return [] }
        let news = subscription.tells(of: state)
        let action = send(&subscription, id, news, after: subscription.lastTold, .terminated(reason))
        remove(id)
        return [action]
    }

    private mutating func insert(_ subscription: Subscription, _ id: SubscriptionID) {
        subscriptions[id] = subscription
        ofUser[subscription.user.id, default: []].insert(id)
        byWatcher[subscription.watcher.id, default: []].insert(id)
    }

    private mutating func remove(_ id: SubscriptionID) {
        guard let subscription = subscriptions.removeValue(forKey: id) else { return }
        timers.stop(id)
        ofUser[subscription.user.id]?.remove(id)
        if ofUser[subscription.user.id]?.isEmpty == true { ofUser[subscription.user.id] = nil }
        byWatcher[subscription.watcher.id]?.remove(id)
        if byWatcher[subscription.watcher.id]?.isEmpty == true { byWatcher[subscription.watcher.id] = nil }
    }

    /// In an order that a run repeats.
    private func sorted(_ ids: Set<SubscriptionID>?) -> [SubscriptionID] {
        (ids ?? []).sorted { ($0.callID, $0.tag) < ($1.callID, $1.tag) }
    }

    // MARK: time

    public var nextDeadline: Instant? { mutating get { timers.nextDeadline } }

    /// Nobody renewed them in time.
    public mutating func fire(now: Instant, state: (UserID) -> WatchedState) -> [Action] {
        var actions: [Action] = []
        while let id = timers.popDue(now: now) {
            guard let user = subscriptions[id]?.user.id else { continue }
            actions += end(id, .timeout, state(user))
        }
        return actions
    }
}

public struct SubscriptionLimits: Equatable, Sendable {
    /// Seconds.
    public var minExpires: Int
    public var defaultExpires: Int
    public var maxExpires: Int
    /// Of one user, over all his phones.
    public var mostPerUser: Int

    public init(minExpires: Int = 60, defaultExpires: Int = 3600, maxExpires: Int = 3600, mostPerUser: Int = 200) {
        (self.minExpires, self.defaultExpires) = (minExpires, defaultExpires)
        (self.maxExpires, self.mostPerUser) = (maxExpires, mostPerUser)
    }
}

import Calls
import Config
import Events
import NetAddress
public import SIP
import SIPMessage
public import Timebase

/// Phones that watch colleagues: lamps and presence (RFC 6665, RFC 4235, RFC 3856).
///
/// What there is to tell is read from the calls and the registrar when a turn is over, for those whom the turn touched.
extension Engine {
    public var subscriptionCounts: [EventPackage: Int] { notifier.counts }

    /// A SUBSCRIBE outside of any dialog.
    func subscribe(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        guard trunk(of: request, at: flow.remote) == nil else { return refuse(transaction, request, 403) }
        guard let (tenant, user) = authenticate(request, transaction: transaction, over: flow) else { return }
        guard !isDraining else { return refuse(transaction, request, 503, [(.retryAfter, "30")]) }
        guard let package = EventPackage(of: request) else {
            return refuse(transaction, request, 489, [(.allowEvents, EventPackage.allowed)])
        }
        guard !isAnothers(request.uri.host, than: tenant) else { return refuse(transaction, request, 403) }
        guard let number = request.uri.number, tenant.users[number] != nil else {
            return refuse(transaction, request, 404)
        }
        let watched = WatchedUser(
            id: UserID(tenant: tenant.id, number: number),
            domain: tenant.domains.first ?? "localhost"
        )
        let (response, actions) = notifier.subscribe(
            request,
            package: package,
            to: watched,
            by: watcher(user, of: tenant),
            over: flow,
            state: state(of: watched.id),
            now: now.instant
        )
        respond(transaction, with: response)
        perform(actions)
    }

    /// A SUBSCRIBE in a dialog that is no call's.
    func refreshSubscription(_ request: SIPRequest, transaction: ServerTransactionID, over flow: Flow) {
        guard let (watcher, watched) = notifier.watcher(of: request) else {
            return refuse(transaction, request, 481)
        }
        guard let (tenant, user) = authenticate(request, transaction: transaction, over: flow) else { return }
        guard watcher == UserID(tenant: tenant.id, number: user.number) else {
            return refuse(transaction, request, 403)
        }
        let (response, actions) = notifier.refresh(request, over: flow, state: state(of: watched), now: now.instant)
        respond(transaction, with: response)
        perform(actions)
    }

    /// The turn is over: whoever it touched may have another state now.
    func tellWatchers() {
        guard calls.isWatched || !notifier.isEmpty else {
            registrationsTouched = []
            return
        }
        let touched = calls.takeTouched().union(registrationsTouched)
        registrationsTouched = []
        for user in touched.filter(notifier.isWatched).sorted(by: { $0.description < $1.description }) {
            perform(notifier.changed(user, to: state(of: user), now: now.instant))
        }
        calls.isWatched = !notifier.isEmpty
    }

    /// Follows the configuration: users who are no more neither watch nor are watched.
    func keepSubscriptions() {
        let actions = notifier.keep(
            { watcher in
                guard let tenant = configuration.tenants[watcher.tenant] else { return nil }
                return tenant.users[watcher.number].map { self.watcher($0, of: tenant) }
            },
            isUser: { configuration.tenants[$0.tenant]?.users[$0.number] != nil },
            state: state(of:),
            now: now.instant
        )
        perform(actions)
    }

    /// The switch stops: whoever watches is told, and asks the next one.
    public func endSubscriptions(at moment: Moment) {
        enter(moment)
        defer { settle() }
        perform(notifier.endAll(state: state(of:)))
    }

    func expireSubscriptions() { perform(notifier.fire(now: now.instant, state: state(of:))) }

    func perform(_ actions: [Notifier.Action]) {
        for action in actions {
            errands[send(action.request, over: [action.flow])] = .notify(action.subscription)
        }
    }

    private func state(of user: UserID) -> WatchedState {
        WatchedState(
            isReachable: !registrar.bindings(for: user, now: now.instant).isEmpty,
            dialogs: calls.watchedDialogs(of: user)
        )
    }

    private func watcher(_ user: User, of tenant: Tenant) -> Watcher {
        Watcher(id: UserID(tenant: tenant.id, number: user.number), seesOutside: user.role.maySupervise)
    }
}

import Accounting
import Config
import Events
import Foundation
import Records
import Statistics
import Timebase

/// What agents did, and in which states their time went.
extension Reporter {
    public func agentRows(_ request: Request) throws -> [AgentReportRow] {
        let windows = try request.grouping?.length.map { length in
            try intervals(of: Window(from: request.window.from, until: min(request.window.until, now + 1)), by: length)
                .map { Window(from: $0.lowerBound, until: $0.upperBound) }
        }
        return try (windows ?? [request.window]).flatMap { window in
            let totals = try database.agentTotals(
                from: window.from,
                until: window.until,
                agent: request.agent,
                now: lastKnown
            )
            // Who was to work and never came is in no history.
            let absent = tenant.users.keys.sorted().filter { user in
                tenant.shift(of: user) != nil && request.agent ?? user == user && !totals.contains { $0.agent == user }
            }
            return try (totals + absent.map { AgentTotalsRow(agent: $0) }).compactMap { try row($0, window) }
        }
    }

    /// nil: he was not there, and was not to be.
    private func row(_ totals: AgentTotalsRow, _ window: Window) throws -> AgentReportRow? {
        let adherence = try adherence(of: totals.agent, in: window)
        guard totals.covered > 0 || totals.handled > 0 || adherence?.planned ?? 0 > 0 else { return nil }
        let presence = try database.presence(
            of: totals.agent,
            from: window.from,
            until: window.until,
            now: lastKnown
        )
        let state = { (state: AgentState) in totals.states[state.rawValue] ?? 0 }
        var time = AgentTime()
        (time.talk, time.wrapUp) = (state(.onCall), state(.wrapUp))
        (time.ringing, time.available) = (state(.ringing), state(.available))
        let handling = totals.talk + totals.wrapUp
        let unpaid = totals.pauses.reduce(0) { sum, pause in
            tenant.pauseReason(pause.key)?.isPaid ?? true ? sum : sum + pause.value
        }
        (time.offPhone, time.paid) = (state(.paused) - unpaid, totals.loggedIn - unpaid)
        return AgentReportRow(
            agent: totals.agent,
            name: tenant.users[totals.agent]?.name,
            from: stamp(window.from),
            to: stamp(window.until),
            handled: totals.handled,
            offers: totals.offers,
            missed: totals.missed,
            answer_rate: totals.handled + totals.missed == 0
                ? nil : rounded(Double(totals.handled) / Double(totals.handled + totals.missed)),
            talk_s: seconds(totals.talk - totals.hold),
            hold_s: seconds(totals.hold),
            acw_s: seconds(totals.wrapUp),
            aht_s: totals.talked == 0 ? nil : milli(Double(handling) / 1000 / Double(totals.talked)),
            direct_calls: totals.ownCalls,
            direct_talk_s: seconds(totals.ownTalk),
            first_login: presence.first.map { stamp($0.lowerBound) },
            last_logout: presence.last.flatMap {
                $0.upperBound < min(window.until, lastKnown) ? stamp($0.upperBound) : nil
            },
            logins: presence.count,
            logged_in_s: seconds(totals.loggedIn),
            available_s: seconds(state(.available)),
            ringing_s: seconds(state(.ringing)),
            on_call_s: seconds(state(.onCall)),
            wrap_up_s: seconds(state(.wrapUp)),
            paused_s: seconds(state(.paused)),
            unreachable_s: seconds(state(.unreachable)),
            blocked_s: seconds(state(.blocked)),
            logged_out_s: seconds(state(.loggedOut)),
            pauses_s: totals.pauses.mapValues(seconds),
            paid_pause_s: seconds(state(.paused) - unpaid),
            unpaid_pause_s: seconds(unpaid),
            paid_s: seconds(totals.loggedIn - unpaid),
            occupancy: rounded(AgentMetric.occupancy.value(of: time)),
            occupancy_formula: AgentMetric.occupancy.rawValue,
            check_s: seconds(totals.sumOfStates - totals.covered),
            planned_s: adherence.map { seconds($0.planned) },
            adherence: rounded(adherence?.value),
            conformance: rounded(adherence?.conformance),
            occupancy_ringing_as_work: rounded(AgentMetric.occupancyWithRinging.value(of: time)),
            occupancy_with_off_phone: rounded(AgentMetric.occupancyWithOffPhone.value(of: time)),
            utilisation: rounded(AgentMetric.utilisation.value(of: time)),
            utilisation_on_phone: rounded(AgentMetric.utilisationOnPhone.value(of: time)),
            answer_rate_of_offers: totals.offers == 0
                ? nil : rounded(Double(totals.handled) / Double(totals.offers)),
            acw_auto_s: seconds(totals.wrapUp - totals.extended),
            acw_manual_s: seconds(totals.extended)
        )
    }

    func agents(_ request: Request, _ keys: [String]) throws -> Report {
        let notes =
            [
                "each moment from the first log-in on is in exactly one state; check_s is their sum less the time covered",
                "paid = logged in less pauses whose reasons are unpaid today; a reason that the tenant does not name is paid",
                "occupancy = \(AgentMetric.occupancy.formula); ringing counts as available",
                "adherence = \(Adherence.formula); conformance = \(Adherence.conformanceFormula)",
                "aht = Σ (talk + hold + wrap-up) ÷ handled calls whose talk is over; answer_rate = handled ÷ (handled + missed)",
                "answer_rate_of_offers = handled ÷ offers, those included during which the caller gave up",
                "a call belongs whole to the interval in which its agent took it; states are cut where the interval ends",
                "acw_auto = Σ wrap-up within the queues' wrap_up; acw_manual = Σ wrap-up beyond it, as somebody extended it",
                "off-phone work is paid pauses; talk and hold are the time on calls, past the queues too",
            ] + AgentReportRow.variants.sorted { $0.key < $1.key }.map { "\($0.value.rawValue) = \($0.value.formula)" }
        return try Report(
            rows: try agentRows(request),
            keys: keys,
            extras: AgentReportRow.extras,
            notes: notes,
            page: request.page
        )
    }
}

/// What a metric's value is measured in.
public enum MetricUnit: String, Hashable, Codable, Sendable { case seconds, share }

/// What reports say about a queue besides its service level. Names are stable; each has its formula in words.
public enum QueueMetric: String, Hashable, Codable, Sendable, CaseIterable {
    /// Talkdesk, "Average Speed of Answer".
    case averageSpeedOfAnswer = "asa"
    /// cca2z.com, "Average Speed of Answer / Average Delay".
    case averageDelay = "average-delay"
    case averageTimeToAbandon = "average-time-to-abandon"
    /// callcentrehelper.com, "Average Handle Time"; NICE agrees. Queue time is never in it.
    case averageHandleTime = "aht"
    /// After-call work; Amazon Connect, "After contact work time".
    case averageWrapUp = "acw"
    /// Its two parts: until the queue's time for it is over, and what somebody has extended it by.
    case averageAutomaticWrapUp = "acw-auto"
    case averageManualWrapUp = "acw-manual"
    /// Google CCAI's data dictionary: short abandons are left out.
    case abandonRate = "abandon-rate"
    /// Amazon Connect, "Abandonment rate": of all that entered the queue, short abandons included.
    case abandonRateOfOffered = "abandon-rate-of-offered"
    case shortAbandonRate = "short-abandon-rate"
    /// Offers during which the caller gave up are not held against the agent.
    case agentAnswerRate = "agent-answer-rate"
    /// Amazon Connect, "Agent answer rate": of all offers.
    case agentAnswerRateOfOffers = "agent-answer-rate-of-offers"

    public var formula: String {
        switch self {
        case .averageSpeedOfAnswer: "Σ wait of answered calls ÷ answered"
        case .averageDelay: "Σ wait of all calls ÷ offered"
        case .averageTimeToAbandon: "Σ wait of abandoned calls ÷ abandoned"
        case .averageHandleTime: "Σ (talk + hold + wrap-up) ÷ answered calls whose talk is over"
        case .averageWrapUp: "Σ wrap-up ÷ answered calls whose wrap-up is over"
        case .averageAutomaticWrapUp: "Σ wrap-up within the queue's wrap_up ÷ answered calls whose wrap-up is over"
        case .averageManualWrapUp: "Σ wrap-up beyond it, as somebody extended it ÷ answered calls whose wrap-up is over"
        case .abandonRate: "B′ ÷ (answered + B′), B′ = abandoned − abandoned within h"
        case .abandonRateOfOffered: "abandoned ÷ offered"
        case .shortAbandonRate: "abandoned within h ÷ offered"
        case .agentAnswerRate: "answered offers ÷ (offers − offers during which the caller gave up)"
        case .agentAnswerRateOfOffers: "answered offers ÷ offers"
        }
    }

    public var unit: MetricUnit {
        switch self {
        case .averageSpeedOfAnswer, .averageDelay, .averageTimeToAbandon, .averageHandleTime, .averageWrapUp,
            .averageAutomaticWrapUp, .averageManualWrapUp:
            .seconds
        case .abandonRate, .abandonRateOfOffered, .shortAbandonRate, .agentAnswerRate, .agentAnswerRateOfOffers: .share
        }
    }

    /// Seconds, or a share from 0 to 1; nil when there is nothing to divide by.
    public func value(of tally: QueueTally) -> Double? {
        let (answered, offered) = (Double(tally.answered), Double(tally.offered))
        let (abandoned, short) = (Double(tally.abandoned), Double(tally.shortAbandoned))
        let (offers, taken) = (Double(tally.offers), Double(tally.offersAnswered))
        return switch self {
        case .averageSpeedOfAnswer: quotient(Double(tally.waitOfAnswered) / 1000, answered)
        case .averageDelay: quotient(Double(tally.waitOfAll) / 1000, offered)
        case .averageTimeToAbandon: quotient(Double(tally.waitOfAbandoned) / 1000, abandoned)
        case .averageHandleTime: quotient(Double(tally.handling) / 1000, Double(tally.talked))
        case .averageWrapUp: quotient(Double(tally.wrapUp) / 1000, Double(tally.wrappedUp))
        case .averageAutomaticWrapUp: quotient(Double(tally.wrapUpAuto) / 1000, Double(tally.wrappedUp))
        case .averageManualWrapUp: quotient(Double(tally.wrapUpManual) / 1000, Double(tally.wrappedUp))
        case .abandonRate: quotient(abandoned - short, answered + abandoned - short)
        case .abandonRateOfOffered: quotient(abandoned, offered)
        case .shortAbandonRate: quotient(short, offered)
        case .agentAnswerRate: quotient(taken, offers - Double(tally.offersAbandoned))
        case .agentAnswerRateOfOffers: quotient(taken, offers)
        }
    }
}

/// What a switch can know of first-contact resolution: whether the same caller came into the same queue again (callcentrehelper.com, "First
/// Call Resolution", with N commonly 7 to 14 days).
public let firstContactResolutionFormula = """
    1 − (answered contacts whose caller came into the same queue again within N days ÷ answered contacts)
    """

/// From 0 to 1, or nil when nobody was answered.
public func firstContactResolution(answered: Int, repeated: Int) -> Double? {
    quotient(Double(repeated), Double(answered)).map { 1 - $0 }
}

public import Events

/// How well a call can be understood (ITU-T G.107, the E-model with its default values).
public enum Quality {
    /// G.711 with packet loss concealment (G.113 appendix I): robustness in per cent.
    public static let concealedRobustness = 25.1

    /// R for a share of lost packets in per cent; `Id` for the one-way delay in milliseconds (G.107 §3.5, the usual
    /// approximation), `Ie` 0 for G.711.
    public static func rFactor(
        lossPercent: Double,
        delayMilliseconds: Double = 0,
        impairment: Double = 0,
        robustness: Double = concealedRobustness,
        burstRatio: Double = 1
    ) -> Double {
        let loss = min(max(lossPercent, 0), 100)
        let effective = impairment + (95 - impairment) * loss / (loss / burstRatio + robustness)
        let delay = max(delayMilliseconds, 0)
        let delayed = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0)
        return min(max(93.2 - delayed - effective, 0), 93.2)
    }

    /// The mean opinion score that goes with R (G.107 annex B), 1 to 4.5.
    public static func mos(rFactor r: Double) -> Double {
        guard r > 0 else { return 1 }
        guard r < 100 else { return 4.5 }
        return min(max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1), 4.5)
    }
}

/// Some seconds of a stream.
public struct Passage: Sendable {
    public var lossPercent: Double
    public var jitterMilliseconds: Double

    public init(lossPercent: Double, jitterMilliseconds: Double) {
        (self.lossPercent, self.jitterMilliseconds) = (lossPercent, jitterMilliseconds)
    }

    /// A receiver holds back about twice the jitter before it plays.
    func rFactor(delayMilliseconds: Double = 0) -> Double {
        Quality.rFactor(lossPercent: lossPercent, delayMilliseconds: delayMilliseconds + jitterMilliseconds * 2)
    }

    /// The worse of two.
    public func worse(than other: Passage?) -> Passage {
        guard let other, other.rFactor() < rFactor() else { return self }
        return other
    }
}

extension StreamReport {
    /// Fills R and MOS in of what was received: the lost ones are not among the packets.
    public mutating func rate(worst: Passage? = nil, delayMilliseconds: Double = 0) {
        rate(of: packets &- min(duplicates, packets) &+ lost, worst, delayMilliseconds)
    }

    /// Fills R and MOS in of what was sent: the lost ones are among the packets.
    public mutating func rateSent(worst: Passage? = nil, delayMilliseconds: Double = 0) {
        rate(of: packets, worst, delayMilliseconds)
    }

    /// They stay nil when no packet went this way.
    private mutating func rate(of expected: UInt64, _ worst: Passage?, _ delayMilliseconds: Double) {
        guard packets > 0, expected > 0 else { return }
        let share = Double(lost) * 100 / Double(expected)
        let whole = Passage(lossPercent: share, jitterMilliseconds: jitterMilliseconds)
        let r = whole.rFactor(delayMilliseconds: delayMilliseconds)
        let least = whole.worse(than: worst).rFactor(delayMilliseconds: delayMilliseconds)
        (rFactor, mos) = (r, Quality.mos(rFactor: r))
        (leastRFactor, leastMOS) = (least, Quality.mos(rFactor: least))
    }
}

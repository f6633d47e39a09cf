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

/// What a codec costs of R by itself, and how well it bears losses.
public struct CodecImpairment: Equatable, Sendable {
    var impairment: Double
    var robustness: Double

    public static let g711 = CodecImpairment(impairment: 0, robustness: Quality.concealedRobustness)

    private init(impairment: Double, robustness: Double) {
        (self.impairment, self.robustness) = (impairment, robustness)
    }

    /// Of a codec by its name in `a=rtpmap`, in capital letters.
    ///
    /// G.113 (11/2007) appendix I has both figures (table I.4) of G.711, G.729A and G.723.1 with their silence suppression, and GSM-EFR; of the others it
    /// has the impairment alone (table I.1), and their robustness is that of what is most like them: concealed G.711 for what keeps a
    /// waveform, GSM-EFR for mobile phones' codecs. iLBC it does not have at all: its packets stand alone, and it sounds like G.729. Of codecs that
    /// change their rate it is the highest one's. G.107 is of narrow band, in which G.722 and Opus cannot be better than G.711:
    /// they stand as that, and so does all that is not known.
    public init(encoding: String?) {
        self =
            switch encoding {
            case "G729": CodecImpairment(impairment: 11, robustness: 19)
            case "G723": CodecImpairment(impairment: 15, robustness: 16.1)
            case "GSM": CodecImpairment(impairment: 20, robustness: 10)
            case "GSM-HR-08": CodecImpairment(impairment: 23, robustness: 10)
            case "GSM-EFR", "AMR": CodecImpairment(impairment: 5, robustness: 10)
            case "ILBC": CodecImpairment(impairment: 11, robustness: 25.1)
            case "G726-40", "AAL2-G726-40": CodecImpairment(impairment: 2, robustness: 25.1)
            case "G726-32", "AAL2-G726-32", "G728": CodecImpairment(impairment: 7, robustness: 25.1)
            case "G726-24", "AAL2-G726-24": CodecImpairment(impairment: 25, robustness: 25.1)
            case "G726-16", "AAL2-G726-16": CodecImpairment(impairment: 50, robustness: 25.1)
            default: .g711
            }
    }
}

/// A stream, or some seconds of it.
public struct Passage: Sendable {
    public var lossPercent: Double
    public var jitterMilliseconds: Double
    /// How much longer the bursts of lost packets are than those of random losses (G.107 §7.4.1); 1: they are random.
    public var burstRatio: Double

    public init(lossPercent: Double, jitterMilliseconds: Double, burstRatio: Double = 1) {
        (self.lossPercent, self.jitterMilliseconds, self.burstRatio) = (lossPercent, jitterMilliseconds, burstRatio)
    }

    /// `bursts`: in which `lost` of the expected packets were lost.
    public init(lost: UInt64, of expected: UInt64, in bursts: UInt64, jitterMilliseconds: Double) {
        let share = expected == 0 ? 0 : Double(lost) / Double(expected)
        lossPercent = share * 100
        burstRatio = bursts == 0 ? 1 : max(1, Double(lost) / Double(bursts) * (1 - share))
        self.jitterMilliseconds = jitterMilliseconds
    }

    /// A receiver holds back about twice the jitter before it plays.
    public func rFactor(_ codec: CodecImpairment = .g711, delayMilliseconds: Double = 0) -> Double {
        Quality.rFactor(
            lossPercent: lossPercent,
            delayMilliseconds: delayMilliseconds + jitterMilliseconds * 2,
            impairment: codec.impairment,
            robustness: codec.robustness,
            burstRatio: burstRatio
        )
    }

    /// The worse of two, as they would be heard in G.711.
    public func worse(than other: Passage?) -> Passage {
        guard let other, other.rFactor() < rFactor() else { return self }
        return other
    }
}

extension StreamReport {
    /// Fills R and MOS in, as what there was of it, and its worst passage, were heard in this codec. They stay nil when no packet went this way.
    public mutating func rate(
        _ whole: Passage,
        worst: Passage? = nil,
        codec: CodecImpairment = .g711,
        delayMilliseconds: Double = 0
    ) {
        guard packets > 0 else { return }
        let r = whole.rFactor(codec, delayMilliseconds: delayMilliseconds)
        let least = min(r, worst?.rFactor(codec, delayMilliseconds: delayMilliseconds) ?? r)
        (rFactor, mos) = (r, Quality.mos(rFactor: r))
        (leastRFactor, leastMOS) = (least, Quality.mos(rFactor: least))
    }

    /// What was sent, as the peer's reports tell: the lost ones are among the packets, and nothing is known of their bursts.
    public var sent: Passage {
        Passage(lost: lost ?? 0, of: packets, in: 0, jitterMilliseconds: jitterMilliseconds ?? 0)
    }
}

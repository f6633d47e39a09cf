import Events
import RTP
import Testing

@Suite("The E-model, ITU-T G.107")
struct QualityTests {
    @Test(arguments: [(93.2, 4.409), (90, 4.339), (80, 4.024), (70, 3.597), (60, 3.100), (50, 2.575)])
    func `annex B: MOS of R`(r: Double, mos: Double) {
        #expect(abs(Quality.mos(rFactor: r) - mos) < 0.0006)
    }

    @Test(arguments: [
        (25.1, 1.0, 4.328), (25.1, 3, 4.134), (25.1, 5, 3.923), (25.1, 10, 3.411),
        (4.3, 1, 3.834), (4.3, 3, 2.794), (4.3, 5, 2.169), (4.3, 10, 1.481),
    ])
    func `G.113: G.711 under random loss, with and without concealment`(robustness: Double, loss: Double, mos: Double) {
        let r = Quality.rFactor(lossPercent: loss, robustness: robustness)
        #expect(abs(Quality.mos(rFactor: r) - mos) < 0.0006)
    }

    @Test(arguments: [(-1.0, 1.0), (0, 1), (100, 4.5), (1_000, 4.5)])
    func `R beyond its ends is clamped`(r: Double, mos: Double) {
        #expect(Quality.mos(rFactor: r) == mos)
    }

    @Test func `delay costs little up to 177 ms and much beyond`() {
        let slopes = [100.0, 177.3, 277.3].map { Quality.rFactor(lossPercent: 0, delayMilliseconds: $0) }
        #expect(abs(slopes[0] - (93.2 - 2.4)) < 1e-9)
        #expect(abs(slopes[1] - (93.2 - 4.2552)) < 1e-9)
        #expect(abs(slopes[2] - (93.2 - 6.6552 - 11)) < 1e-9)
        #expect(Quality.rFactor(lossPercent: 100, delayMilliseconds: 1e9) == 0)
    }

    @Test(arguments: [
        ("PCMA", 93.2), ("OPUS", 93.2), ("G722", 93.2), ("G729", 82.2), ("G723", 78.2), ("GSM", 73.2),
        ("GSM-EFR", 88.2),
        ("AMR", 88.2), ("G726-40", 91.2), ("G726-32", 86.2), ("AAL2-G726-24", 68.2), ("G726-16", 43.2), ("ILBC", 82.2),
    ])
    func `G.113 appendix I: a codec costs what it costs, without a loss`(encoding: String, r: Double) {
        let heard = Passage(lossPercent: 0, jitterMilliseconds: 0)
        #expect(abs(heard.rFactor(CodecImpairment(encoding: encoding)) - r) < 1e-9)
    }

    /// Ie,eff as the appendix has it for losses that are measured.
    @Test(arguments: [("G729", 2.0, 19.0), ("G729", 4, 26), ("G723", 2, 24), ("PCMU", 2, 7)])
    func `G.113 appendix I: a codec bears losses as it was heard to`(encoding: String, loss: Double, cost: Double) {
        let heard = Passage(lossPercent: loss, jitterMilliseconds: 0)
        #expect(abs(93.2 - heard.rFactor(CodecImpairment(encoding: encoding)) - cost) < 0.7)
    }

    @Test func `the worst moment is no better than the whole, whatever the codec bears`() throws {
        var report = StreamReport()
        report.packets = 1_000
        // In G.711 the jitter is the worse of the two, in GSM the losses.
        let (losses, jitter) = (
            Passage(lossPercent: 5, jitterMilliseconds: 0), Passage(lossPercent: 0, jitterMilliseconds: 133)
        )
        #expect(jitter.rFactor() < losses.rFactor())
        report.rate(losses, worst: jitter, codec: CodecImpairment(encoding: "GSM"))
        let (whole, least) = (try #require(report.rFactor), try #require(report.leastRFactor))
        #expect(least <= whole, "\(least), \(whole)")
    }

    @Test func `G.107 §7.4.1: half a second of silence is worse than as many losses apart`() {
        let apart = Passage(lost: 25, of: 250, in: 25, jitterMilliseconds: 0)
        let burst = Passage(lost: 25, of: 250, in: 1, jitterMilliseconds: 0)
        #expect(apart.burstRatio == 1 && burst.burstRatio == 22.5)
        #expect(abs(apart.rFactor() - 66.13) < 0.01 && abs(burst.rFactor() - 56.01) < 0.01)
    }

    @Test func `lost packets are besides those received and among those sent`() throws {
        var report = StreamReport(packets: 95, lost: 5)
        report.rate(Passage(lost: 5, of: 100, in: 5, jitterMilliseconds: 0))
        #expect(abs(try #require(report.mos) - 3.923) < 0.0006)
        report = StreamReport(packets: 100, lost: 5)
        report.rate(report.sent)
        #expect(abs(try #require(report.mos) - 3.923) < 0.0006)
    }

    @Test func `nothing is said of a direction without packets`() {
        var report = StreamReport(packets: 0, lost: 5)
        report.rate(Passage(lost: 5, of: 5, in: 1, jitterMilliseconds: 0))
        #expect(report.mos == nil && report.rFactor == nil)
    }
}

/// How a simulated phone behaves. Shares are of 0 to 1, times in seconds.
struct Temper: Sendable {
    /// Whom it calls.
    var targets: [String] = []
    var carrierTargets: [String] = []
    var transferTargets: [String] = []
    var keys: [String] = []
    // As the caller.
    /// INVITEs without an offer.
    var lateOffer = 0.0
    /// Callers who want their provisional answers reliable (RFC 3262).
    var reliable = 0.0
    /// Share of those who stay `long`; the others stay `short`.
    var patient = 0.0
    var short: ClosedRange<Double> = 0.2...40
    var long: ClosedRange<Double> = 60...150
    var key = 0.0
    var holdAsCaller = 0.0
    var transferAsCaller = 0.0
    // As either.
    var update = 0.0
    // As whom somebody calls.
    var earlyMedia = 0.0
    var answers = 0.0
    /// Of those that it does not answer.
    var refuses = 0.0
    var rings: ClosedRange<Double> = 0...12
    /// From the first ring to its hang-up.
    var talks: ClosedRange<Double> = 5...150
    var hold = 0.0
    var transfer = 0.0

    /// Agents of a day: they mostly answer, some at the last moment.
    static func atWork(colleagues: ClosedRange<Int>) -> Temper {
        var temper = Temper()
        temper.targets = colleagues.map(String.init) + ["600", "700", "999"]
        temper.targets += Array(repeating: "+74951112233", count: colleagues.count)
        temper.transferTargets = temper.targets
        (temper.short, temper.patient, temper.long) = (5...60, 0.2, 60...180)
        (temper.answers, temper.refuses, temper.rings, temper.talks) = (0.93, 0.5, 0...11, 10...240)
        (temper.hold, temper.transfer, temper.earlyMedia, temper.update) = (0.1, 0.08, 0.05, 0.02)
        return temper
    }

    /// Callers of a day, by way of their carrier, and whoever is called there.
    static let `public`: Temper = {
        var temper = Temper()
        temper.carrierTargets = [DayConfiguration.menuNumber]
        temper.keys = ["1", "2", "3", "4", "5"]
        (temper.short, temper.patient, temper.long, temper.key) = (0.2...30, 0.88, 40...400, 0.4)
        (temper.answers, temper.refuses, temper.rings, temper.talks) = (0.8, 0.5, 0...15, 10...90)
        (temper.lateOffer, temper.reliable, temper.holdAsCaller) = (0.05, 0.1, 0.03)
        return temper
    }()

    /// Everything happens, and often.
    static let restless: Temper = {
        var temper = Temper()
        temper.targets = [
            "1001", "1002", "1003", "1004", "600", "700", "700", "*45", "*51001", "+74951112233", "999", "*81001",
            "*81002", "*71",
        ]
        temper.carrierTargets = ["+74950000700", "+74950000700", "+74950000701"]
        temper.transferTargets = ["1001", "1002", "1003", "600", "700", "999", "+74951112233", "*71", "*71"]
        temper.keys = ["5", "5", "5", "1", "3", "4"]
        (temper.lateOffer, temper.reliable, temper.update, temper.patient) = (0.125, 0.25, 0.25, 0.25)
        (temper.key, temper.holdAsCaller, temper.transferAsCaller) = (0.5, 0.5, 0.5)
        (temper.earlyMedia, temper.answers, temper.refuses) = (0.5, 0.6, 0.5)
        (temper.hold, temper.transfer) = (0.5, 0.5)
        return temper
    }()
}

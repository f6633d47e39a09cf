extension FixedWidthInteger {
    /// The sum, held at the ends of the type: a report over broken input is wrong, never a crash.
    func plus(_ other: Self) -> Self {
        let (value, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : value
    }

    /// The difference, held at the ends of the type.
    func minus(_ other: Self) -> Self {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : value
    }
}

/// The quotient, or nil when there is nothing to divide by: "no calls" is not 0 % and not 100 %.
func quotient(_ numerator: Double, _ denominator: Double) -> Double? {
    denominator > 0 && numerator.isFinite && denominator.isFinite ? numerator / denominator : nil
}

/// Numbers as reports print them, without a locale.
enum Decimal {
    /// A fixed number of decimals (0 to 6), rounded half away from zero; `–` for what is no number.
    static func text(_ value: Double, places: Int) -> String {
        guard value.isFinite else { return "–" }
        let places = min(max(places, 0), 6)
        let scale = (0..<places).reduce(1.0) { product, _ in product * 10 }
        let scaled = (value.magnitude * scale).rounded()
        // Above this a Double has no decimals left, and an Int64 may not hold it.
        guard scaled < 9e15 else { return String(value) }
        let digits = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + padded }
        return sign + padded.dropLast(places) + "." + padded.suffix(places)
    }

    /// Whole numbers without decimals, others with two.
    static func short(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        return text(value, places: value == value.rounded() ? 0 : 2)
    }
}

/// A number as people and parsers read it: at most three decimals, no exponent for any value a node can have.
enum Decimal3 {
    /// Absent for NaN and infinity. Beyond 2⁵³ thousandths, where a `Double` has no third decimal, it is written whole.
    static func text(_ value: Double) -> String? {
        guard value.isFinite else { return nil }
        let thousandths = (value * 1000).rounded()
        guard let whole = Int64(exactly: thousandths), abs(thousandths) < 9_007_199_254_740_992 else {
            return value.description
        }
        let magnitude = whole.magnitude
        let integer = (whole < 0 ? "-" : "") + String(magnitude / 1000)
        var fraction = magnitude % 1000
        if fraction == 0 { return integer }
        var width = 3
        while fraction % 10 == 0 {
            fraction /= 10
            width -= 1
        }
        let digits = String(fraction)
        return integer + "." + String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}

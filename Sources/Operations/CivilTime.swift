/// Unix time as an ISO 8601 date and time in UTC, without a calendar library.
enum CivilTime {
    /// `2026-01-02T03:04:05.678Z`. Milliseconds outside 0...999 are clamped; times before 1970 work too.
    static func text(seconds: Int64, milliseconds: Int) -> String {
        let day = floorDivide(seconds, 86_400)
        let second = Int(seconds - day * 86_400)
        let (year, month, dayOfMonth) = date(day)
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        let fraction = min(max(milliseconds, 0), 999)
        let padded = (fraction < 100 ? "0" : "") + two(fraction)
        return "\(year)-\(two(month))-\(two(dayOfMonth))T\(clock).\(padded)Z"
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01. Years are counted from 1 March, so that the leap
    /// day comes last, within eras of 400 years (146,097 days), which all have the same length.
    private static func date(_ day: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = day + 719_468  // days from 0000-03-01 to 1970-01-01
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months from March have 31 and 30 days in a pattern of 153 days every five.
        let marchMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = Int(dayOfYear - (153 * marchMonth + 2) / 5) + 1
        let month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth)
    }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
        let quotient = a / b
        return a % b < 0 ? quotient - 1 : quotient
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
}

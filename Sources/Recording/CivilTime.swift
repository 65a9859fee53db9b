/// A moment of Unix time as the calendar and the clock of UTC say it: what file names are made of.
///
/// Pure arithmetic on the proleptic Gregorian calendar; no time zones, no leap seconds, as Unix time has none.
struct CivilTime: Equatable, Sendable {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    let millisecond: Int

    init(unixMicroseconds: Int64) {
        let secondsOfUnix = unixMicroseconds.floored(by: 1_000_000)
        let days = secondsOfUnix.floored(by: 86_400)
        let ofDay = Int(secondsOfUnix - days * 86_400)
        hour = ofDay / 3600
        minute = ofDay / 60 % 60
        second = ofDay % 60
        // By remainder: the first second of all is not there whole, and its start cannot be written down.
        millisecond = (Int(unixMicroseconds % 1_000_000) + 1_000_000) % 1_000_000 / 1000
        // The calendar repeats every 400 years of 146,097 days. Counted from March, a leap day ends its year.
        let shifted = Int(days) + CivilTime.daysFromMarchOfYear0
        let era = shifted.floored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// From the first of March of the year 0 to the first of January 1970.
    private static let daysFromMarchOfYear0 = 719_468
}

extension BinaryInteger {
    /// The quotient rounded towards minus infinity.
    fileprivate func floored(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

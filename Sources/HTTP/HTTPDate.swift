/// A moment in the form of HTTP's `Date` header, IMF-fixdate (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public struct HTTPDate: Sendable, Equatable, CustomStringConvertible {
    /// Seconds since 1970, held within the years 1970 to 9999, which have four digits.
    public let unixSeconds: Int64

    private static let lastSecond: Int64 = 253_402_300_799

    public init(unixSeconds: Int64) { self.unixSeconds = min(max(unixSeconds, 0), Self.lastSecond) }

    public static func format(_ unixSeconds: Int64) -> String { HTTPDate(unixSeconds: unixSeconds).description }

    public var description: String {
        let days = Int(unixSeconds / 86_400)
        let second = Int(unixSeconds % 86_400)
        let (year, month, day) = Self.civil(days)
        // The first of January 1970 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days % 7]
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [second / 3600, second / 60 % 60, second % 60].map(Self.two).joined(separator: ":")
        return "\(weekday), \(Self.two(day)) \(names[month]) \(year) \(time) GMT"
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    /// The Gregorian date of a day since 1970; `month` counts from 0.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + days / 366
        while daysBefore(year + 1) <= days { year += 1 }
        var left = days - daysBefore(year)
        let leap = daysBefore(year + 1) - daysBefore(year) == 366
        var month = 0
        for length in [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] where left >= length {
            guard month < 11 else { break }
            left -= length
            month += 1
        }
        return (year, month, left + 1)
    }

    /// Days from 1970 to the first of January of `year`.
    private static func daysBefore(_ year: Int) -> Int {
        let before = year - 1
        return (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
    }
}

/// What a link's traffic costs: by the rate that it is sold for, by volume, or both.
public struct Price: Hashable, Sendable {
    /// Per Mbit/s and month.
    public var perMegabit: Double
    /// Per gigabyte (10^9 bytes) sent.
    public var perGigabyte: Double

    public static let free = Price()

    public init(perMegabit: Double = 0, perGigabyte: Double = 0) {
        self.perMegabit = perMegabit
        self.perGigabyte = perGigabyte
    }

    /// Gigabytes that one Mbit/s carries in a month of 730 hours.
    public static let gigabytesPerMegabitMonth = 328.5

    /// Both prices as one per gigabyte, for traffic that is steady over the month.
    public var perSteadyGigabyte: Double { perGigabyte + perMegabit / Price.gigabytesPerMegabitMonth }
}

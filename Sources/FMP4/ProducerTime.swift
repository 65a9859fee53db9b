/// The origin's wall clock as a producer reference time tells it (ISO/IEC 14496-12 §8.16.5).
enum ProducerTime {
    /// Seconds from the epoch of NTP, 1900, to that of Unix, 1970.
    private static let epochs: Int64 = 2_208_988_800

    /// Microseconds of Unix time as 32 bits of seconds and 32 of fractions (RFC 5905 §6).
    static func ntp(unixMicroseconds time: Int64) -> UInt64 {
        let (quotient, remainder) = time.quotientAndRemainder(dividingBy: 1_000_000)
        let seconds = remainder < 0 ? quotient - 1 : quotient
        let fraction = UInt64(remainder < 0 ? remainder + 1_000_000 : remainder)
        return UInt64(truncatingIfNeeded: seconds + epochs) << 32 | fraction << 32 / 1_000_000
    }
}

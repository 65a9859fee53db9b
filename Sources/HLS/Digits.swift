/// Decimal numbers as peers write them: digits alone, at most as many as 64 bits always hold.
enum Digits {
    /// Digits that no 64-bit number lacks room for.
    static let most = 19

    static func decimal(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= most else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}

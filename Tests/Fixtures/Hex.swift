/// Bytes written as hexadecimal in a fixture; anything else between the digits is ignored.
public func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.compactMap(\.hexDigitValue) {
        if let first = high {
            bytes.append(first << 4 | UInt8(digit))
            high = nil
        } else {
            high = UInt8(digit)
        }
    }
    return bytes
}

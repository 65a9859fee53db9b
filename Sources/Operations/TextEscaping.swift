/// Which characters may not reach a terminal, a log or a script as they are.
///
/// Names, agents and addresses are the peer's words. Controls could forge a second log line or drive a terminal;
/// line and paragraph separators are line ends to some readers; format characters (bidirectional overrides) make a
/// line read otherwise than it is.
enum TextEscaping {
    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x20 || scalar.value == 0x7F { return true }
        if scalar.isASCII { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: return true
        default: return false
        }
    }

    /// Appends `value` in lower-case hexadecimal, at least `width` digits.
    static func appendHex(_ value: UInt32, width: Int, to bytes: inout [UInt8]) {
        let digits = String(value, radix: 16)
        for _ in 0..<max(0, width - digits.utf8.count) { bytes.append(UInt8(ascii: "0")) }
        bytes.append(contentsOf: digits.utf8)
    }
}

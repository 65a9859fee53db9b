/// The video codings that Sluice tells apart.
///
/// `other` carries a FourCC, so that a stream in a coding unknown to us is relayed and shown by its own name.
public enum VideoCodec: Sendable, Equatable, Hashable {
    case h264
    case h265
    case av1
    case vp9
    case vp8
    case other(UInt32)

    /// From the FourCC of an Enhanced RTMP header (E-RTMP v2, "Enhanced Video").
    public init(fourCC: UInt32) {
        switch fourCC {
        case 0x6176_6331: self = .h264  // avc1
        case 0x6876_6331, 0x6865_7631: self = .h265  // hvc1; hev1 comes from a few encoders
        case 0x6176_3031: self = .av1  // av01
        case 0x7670_3039: self = .vp9  // vp09
        case 0x7670_3038: self = .vp8  // vp08
        default: self = .other(fourCC)
        }
    }

    /// A short name for operators and metric labels.
    public var name: String {
        switch self {
        case .h264: "h264"
        case .h265: "h265"
        case .av1: "av1"
        case .vp9: "vp9"
        case .vp8: "vp8"
        case .other(let fourCC): fourCCName(fourCC)
        }
    }
}

/// A FourCC as text, with every byte that is not printable ASCII as a question mark.
func fourCCName(_ fourCC: UInt32) -> String {
    var name = ""
    for shift in [24, 16, 8, 0] as [UInt32] {
        let byte = UInt8(truncatingIfNeeded: fourCC >> shift)
        name.unicodeScalars.append((0x20...0x7e).contains(byte) ? Unicode.Scalar(byte) : "?")
    }
    return name
}

/// `value` in lower-case hexadecimal, padded with zeros to `digits`.
func hexadecimal(_ value: some BinaryInteger, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// `value` in decimal, padded with a zero to two digits.
func twoDigits(_ value: UInt8) -> String { value < 10 ? "0\(value)" : "\(value)" }

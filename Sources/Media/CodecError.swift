/// Why a codec configuration that a peer sent cannot be read.
public enum CodecError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end inside the named structure.
    case truncated(StaticName)
    /// A field has a value that its specification forbids.
    case invalid(StaticName, field: StaticName)
    /// The structure is longer than any real encoder's.
    case oversize(StaticName, bytes: Int)

    /// A name known at compile time: what a peer sends never becomes part of an error's text or of a metric label.
    public struct StaticName: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
        public let description: String
        public init(stringLiteral value: StaticString) { description = value.description }
    }

    /// For metric labels: one of a fixed few.
    public var reason: String {
        switch self {
        case .truncated: "codec_truncated"
        case .invalid: "codec_invalid"
        case .oversize: "codec_oversize"
        }
    }

    public var description: String {
        switch self {
        case .truncated(let what): "the \(what) ends too early"
        case .invalid(let what, let field): "the \(what) has an impossible \(field)"
        case .oversize(let what, let bytes): "the \(what) has \(bytes) bytes, more than any real one"
        }
    }

    /// The longest configuration read, in bytes: real ones have tens to a few hundreds; parameter sets with scaling
    /// lists and many VPS extensions stay below 4 KiB.
    static let maximumConfigurationSize = 65_536
}

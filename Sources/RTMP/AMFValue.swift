/// A value of Action Message Format, the notation of RTMP's commands and metadata.
///
/// AMF0 and AMF3 decode into the same cases; AMF0 alone is written.
public indirect enum AMFValue: Sendable, Equatable {
    case number(Double)
    case boolean(Bool)
    case string(String)
    case object(AMFObject)
    case null
    case undefined
    case ecmaArray(AMFObject)
    case strictArray([AMFValue])
    /// Milliseconds since 1970 in UTC.
    case date(Double)
    case longString(String)
    /// AMF3 only; written as undefined.
    case bytes([UInt8])

    public var string: String? {
        switch self {
        case .string(let text), .longString(let text): text
        default: nil
        }
    }

    public var number: Double? {
        if case .number(let value) = self { value } else { nil }
    }

    /// A truth value; some clients send 0 and 1.
    public var boolean: Bool? {
        switch self {
        case .boolean(let value): value
        case .number(let value): value != 0
        default: nil
        }
    }

    public var object: AMFObject? {
        switch self {
        case .object(let object), .ecmaArray(let object): object
        default: nil
        }
    }

    public var array: [AMFValue]? {
        if case .strictArray(let values) = self { values } else { nil }
    }
}

/// The named members of an AMF object, in the order in which they came.
public struct AMFObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    public struct Member: Sendable, Equatable {
        public var key: String
        public var value: AMFValue
    }

    public var members: [Member] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, AMFValue)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }

    public mutating func append(_ key: String, _ value: AMFValue) {
        members.append(Member(key: key, value: value))
    }

    /// The first member of that name.
    public subscript(key: String) -> AMFValue? {
        for member in members where member.key == key { return member.value }
        return nil
    }
}

extension AMFValue: ExpressibleByStringLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

import Media

/// Reads AMF0 values, and AMF3 values behind an avmplus marker, from a message (AMF0 §2, AMF3 §3).
///
/// Invariants: `position <= bytes.count`; every read checks what is left first; nesting, values and strings have
/// limits, so that the memory of a decoded message is a small multiple of the bytes that came.
public struct AMFReader: Sendable {
    let bytes: [UInt8]
    let limits: Limits
    public private(set) var position: Int
    private var values = 0

    /// - Parameter position: where the values begin, within `bytes`.
    public init(_ bytes: [UInt8], from position: Int = 0, limits: Limits = Limits()) {
        self.bytes = bytes
        self.limits = limits
        self.position = min(position, bytes.count)
    }

    public init(_ bytes: Span<UInt8>, limits: Limits = Limits()) { self.init(bytes.copy(), limits: limits) }

    public var isAtEnd: Bool { position >= bytes.count }

    /// All values up to the end of the message.
    public mutating func readAll() throws(RTMPError) -> [AMFValue] {
        var all: [AMFValue] = []
        while !isAtEnd { all.append(try read()) }
        return all
    }

    /// The next AMF0 value.
    public mutating func read() throws(RTMPError) -> AMFValue { try read(depth: 0) }

    private mutating func read(depth: Int) throws(RTMPError) -> AMFValue {
        try enter(depth)
        let marker = try byte()
        switch marker {
        case 0x00: return .number(try double())
        case 0x01: return .boolean(try byte() != 0)
        case 0x02: return .string(try text(count: Int(try u16())))
        case 0x03: return .object(try members(depth))
        case 0x05: return .null
        case 0x06: return .undefined
        case 0x07:
            // A reference to an earlier object. No client is known to send one in a command.
            _ = try u16()
            return .undefined
        case 0x08:
            // The announced count is a hint (AMF0 §2.10): the end marker counts.
            _ = try u32()
            return .ecmaArray(try members(depth))
        case 0x0A: return .strictArray(try elements(depth))
        case 0x0B:
            let date = try double()
            _ = try u16()
            return .date(date)
        case 0x0C, 0x0F: return .longString(try text(count: Int(try u32())))
        case 0x10:
            _ = try text(count: Int(try u16()))
            return .object(try members(depth))
        case 0x11:
            var tables = AMF3Tables()
            return try readAMF3(depth: depth, &tables)
        default: throw .amfUnsupportedType(marker)
        }
    }

    private mutating func members(_ depth: Int) throws(RTMPError) -> AMFObject {
        var object = AMFObject()
        while true {
            // An object that ends with the message is met in metadata of old cameras: the end marker is then missing.
            if isAtEnd { return object }
            let length = Int(try u16())
            if length == 0, !isAtEnd, bytes[position] == 0x09 {
                position += 1
                return object
            }
            let key = try text(count: length)
            object.append(key, try read(depth: depth + 1))
        }
    }

    private mutating func elements(_ depth: Int) throws(RTMPError) -> [AMFValue] {
        let count = Int(try u32())
        // Each element has at least a marker, so a count beyond the bytes is a lie that need not be tried.
        guard count <= left else { throw .amfTruncated }
        var elements: [AMFValue] = []
        for _ in 0..<count { elements.append(try read(depth: depth + 1)) }
        return elements
    }

    // MARK: Primitives, shared with AMF3

    var left: Int { bytes.count - position }

    /// Counts a value and its nesting against the limits.
    mutating func enter(_ depth: Int) throws(RTMPError) {
        guard depth <= limits.maxAMFDepth else { throw .amfTooDeep(limit: limits.maxAMFDepth) }
        values += 1
        guard values <= limits.maxAMFValues else { throw .amfTooManyValues(limit: limits.maxAMFValues) }
    }

    mutating func need(_ count: Int) throws(RTMPError) -> Int {
        guard left >= count else { throw .amfTruncated }
        defer { position += count }
        return position
    }

    mutating func byte() throws(RTMPError) -> UInt8 { bytes[try need(1)] }

    mutating func u16() throws(RTMPError) -> UInt16 {
        let at = try need(2)
        return bytes.span.u16(at: at)
    }

    mutating func u32() throws(RTMPError) -> UInt32 {
        let at = try need(4)
        return bytes.span.u32(at: at)
    }

    mutating func double() throws(RTMPError) -> Double {
        let at = try need(8)
        return Double(bitPattern: bytes.span.u64(at: at))
    }

    mutating func text(count: Int) throws(RTMPError) -> String {
        guard left >= count else { throw .amfTruncated }
        guard count <= limits.maxAMFString else { throw .amfStringTooLong(limit: limits.maxAMFString) }
        let start = try need(count)
        return bytes.span.text(start..<start + count)
    }
}

extension Span<UInt8> {
    /// The bytes of `range` as UTF-8; what is not valid becomes U+FFFD.
    func text(_ range: Range<Int>) -> String {
        // Safe: the pointer does not leave the closure, and `extracting` has checked the range.
        extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

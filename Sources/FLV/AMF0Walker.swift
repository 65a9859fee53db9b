import Media

/// Walks AMF0 as far as metadata needs: the properties of one object, of which other objects are skipped, and may be
/// walked by another walker (AMF 0 specification, December 2007).
struct AMF0Walker {
    enum Value {
        case number(Double)
        case boolean(Bool)
        case string(String)
        /// An object or ECMA array, with where it stands.
        case object(Int)
        case other
    }

    var position: Int

    /// Nested objects and arrays entered before metadata counts as malformed; ffmpeg's and OBS's have none.
    private static let deepest = 8
    /// Bytes of the longest string decoded to be looked at; longer ones are skipped.
    private static let longestString = 4_096

    private func need(_ count: Int, _ body: Span<UInt8>) throws(FLVError) {
        guard count <= body.count - position else { throw .badMetadata }
    }

    /// A string value; nil, and nothing read, if something else stands here.
    mutating func string(_ body: Span<UInt8>) throws(FLVError) -> String? {
        guard position < body.count, body[position] == 2 else { return nil }
        position += 1
        return try text(body)
    }

    /// An unmarked string with 16 bits of length.
    private mutating func text(_ body: Span<UInt8>) throws(FLVError) -> String {
        try need(2, body)
        let count = Int(body.u16(at: position))
        position += 2
        try need(count, body)
        defer { position += count }
        guard count <= Self.longestString else { return "" }
        return body.extracting(position..<position + count).withUnsafeBufferPointer {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Calls `take` for each property of the object or ECMA array that stands here.
    mutating func forEachProperty(_ body: Span<UInt8>, _ take: (String, Value) -> Void) throws(FLVError) {
        guard position < body.count else { return }
        let marker = body[position]
        position += 1
        switch marker {
        case 3: break
        case 8:
            try need(4, body)
            position += 4  // the announced count, which several encoders get wrong
        default: return
        }
        try properties(body, depth: 0, take)
    }

    /// Up to the empty name and the end marker. A message that just ends is met from several encoders, too.
    private mutating func properties(
        _ body: Span<UInt8>, depth: Int, _ take: (String, Value) -> Void
    ) throws(FLVError) {
        while position < body.count {
            let name = try text(body)
            guard position < body.count else { throw .badMetadata }
            if name.isEmpty && body[position] == 9 {
                position += 1
                return
            }
            take(name, try value(body, depth: depth))
        }
    }

    private mutating func value(_ body: Span<UInt8>, depth: Int) throws(FLVError) -> Value {
        try need(1, body)
        guard depth < Self.deepest else { throw .badMetadata }
        let start = position
        let marker = body[position]
        position += 1
        switch marker {
        case 0:
            try need(8, body)
            position += 8
            return .number(Double(bitPattern: body.u64(at: position - 8)))
        case 1:
            try need(1, body)
            position += 1
            return .boolean(body[position - 1] != 0)
        case 2: return .string(try text(body))
        case 3:
            try properties(body, depth: depth + 1) { _, _ in }
            return .object(start)
        case 5, 6: break
        case 7: try skip(2, body)
        case 8:
            try skip(4, body)
            try properties(body, depth: depth + 1) { _, _ in }
            return .object(start)
        case 10: try skipArray(body, depth: depth)
        case 11: try skip(10, body)
        case 12, 15:
            try need(4, body)
            try skip(4 + Int(body.u32(at: position)), body)
        default: throw .badMetadata
        }
        return .other
    }

    private mutating func skip(_ count: Int, _ body: Span<UInt8>) throws(FLVError) {
        try need(count, body)
        position += count
    }

    private mutating func skipArray(_ body: Span<UInt8>, depth: Int) throws(FLVError) {
        try need(4, body)
        let count = body.u32(at: position)
        position += 4
        // Each element takes a byte at least, so a large count runs into the end of the message.
        for _ in 0..<count { _ = try value(body, depth: depth + 1) }
    }
}

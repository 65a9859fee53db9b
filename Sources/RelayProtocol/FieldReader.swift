/// Control plane. Takes the body of a message apart, field by field. What follows the last known field is not looked at:
/// a later version may have put something there.
///
/// Invariant: `at <= bytes.count`; every read checks first and throws.
import Media

struct FieldReader {
    let message: MessageType
    private let bytes: [UInt8]
    private var at = 0

    init(_ message: MessageType, _ bytes: [UInt8]) {
        self.message = message
        self.bytes = bytes
    }

    private mutating func advance(_ count: Int) throws(RelayError) -> Int {
        guard bytes.count - at >= count else { throw .truncated(message: message) }
        defer { at += count }
        return at
    }

    /// Whether anything follows: fields that an older version does not send.
    var hasMore: Bool { at < bytes.count }

    func bad(_ field: String) -> RelayError { .badField(message: message, field: field) }

    mutating func u8() throws(RelayError) -> UInt8 { bytes[try advance(1)] }

    mutating func u16() throws(RelayError) -> UInt16 {
        let start = try advance(2)
        return bytes.span.u16(at: start)
    }

    mutating func u32() throws(RelayError) -> UInt32 {
        let start = try advance(4)
        return bytes.span.u32(at: start)
    }

    mutating func u64() throws(RelayError) -> UInt64 {
        let start = try advance(8)
        return bytes.span.u64(at: start)
    }

    mutating func i64() throws(RelayError) -> Int64 { Int64(bitPattern: try u64()) }

    mutating func fixed(_ count: Int) throws(RelayError) -> [UInt8] {
        let start = try advance(count)
        return Array(bytes[start..<start + count])
    }

    mutating func number() throws(RelayError) -> FrameNumber {
        FrameNumber(epoch: try u64(), sequence: try u64())
    }

    mutating func epoch() throws(RelayError) -> UInt64 {
        let epoch = try u64()
        guard FrameNumber(startOf: epoch).isValid else { throw bad("epoch") }
        return epoch
    }

    private mutating func string(_ count: Int, limit: Int, _ field: String) throws(RelayError) -> String {
        guard count <= limit else { throw bad("length of the \(field)") }
        let start = try advance(count)
        guard let text = String(validating: bytes[start..<start + count], as: UTF8.self) else { throw bad(field) }
        return text
    }

    /// A reason in words. Line breaks and other control characters are taken out, because it goes to logs.
    mutating func text() throws(RelayError) -> String {
        let text = try string(Int(u16()), limit: RelayLimits.text, "text")
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
    }

    mutating func identifier(_ field: String) throws(RelayError) -> String {
        let name = try string(Int(u8()), limit: RelayLimits.identifier, field)
        guard NodeID.isValid(name) else { throw bad(field) }
        return name
    }

    mutating func node() throws(RelayError) -> NodeID {
        guard let node = NodeID(try identifier("node id")) else { throw bad("node id") }
        return node
    }

    mutating func name() throws(RelayError) -> RelayStreamName {
        let app = try string(Int(u16()), limit: RelayLimits.streamNamePart, "application name")
        let stream = try string(Int(u16()), limit: RelayLimits.streamNamePart, "stream name")
        guard let name = RelayStreamName(app: app, name: stream) else { throw bad("stream name") }
        return name
    }

    mutating func quotaName() throws(RelayError) -> QuotaName {
        let app = try string(Int(u16()), limit: RelayLimits.streamNamePart, "application name")
        let stream = try string(Int(u16()), limit: RelayLimits.streamNamePart, "stream name")
        guard let name = QuotaName(app: app, stream: stream) else { throw bad("name of a quota") }
        return name
    }

    mutating func path() throws(RelayError) -> RelayPath {
        let count = Int(try u8())
        guard count > 0 else { throw bad("path") }
        guard count <= RelayLimits.pathNodes else { throw .pathTooLong(limit: RelayLimits.pathNodes) }
        var nodes: [NodeID] = []
        for _ in 0..<count { nodes.append(try node()) }
        return try RelayPath(nodes)
    }

    mutating func places() throws(RelayError) -> [RelayPlace] {
        try list(RelayLimits.places, "places") { (fields) throws(RelayError) in
            let node = try fields.node()
            let address = try fields.string(Int(fields.u16()), limit: RelayLimits.address, "address")
            guard let place = RelayPlace(node: node, address: address) else { throw fields.bad("address") }
            return place
        }
    }

    /// As many items as one byte says, `limit` at the most.
    mutating func list<Item>(
        _ limit: Int, _ items: String, _ item: (inout FieldReader) throws(RelayError) -> Item
    ) throws(RelayError) -> [Item] {
        try list(Int(try u8()), of: limit, items, item)
    }

    /// It grows as its items are read: their number alone makes nothing be set aside.
    mutating func list<Item>(
        _ count: Int, of limit: Int, _ items: String, _ item: (inout FieldReader) throws(RelayError) -> Item
    ) throws(RelayError) -> [Item] {
        guard count <= limit else { throw bad("number of \(items)") }
        var list: [Item] = []
        for _ in 0..<count { list.append(try item(&self)) }
        return list
    }
}

/// The header fields that the clients of one loop have sent lately, so that a request whose fields are those of an earlier
/// one, byte for byte, is known by a comparison: players of one kind say the same, all of them and each time.
///
/// Bounded in number and size. What is kept has been held against the grammar; it is of requests without a body, of which
/// nothing but the fields is told by them.
public final class FieldMemory {
    /// Those that are met often move to the front, and the last makes room.
    private var blocks: [FieldBlock] = []

    static let mostBlocks = 8
    private static let mostBytes = 4_096

    public init() {}

    var count: Int { blocks.count }

    /// The block that the bytes behind a request line begin with, if the limits allow it.
    func find(_ bytes: Span<UInt8>, _ line: RequestLine, _ limits: HTTPLimits) -> FieldBlock? {
        for index in blocks.indices {
            let block = blocks[index]
            guard block.version == line.version, bytes.begins(with: block.text.bytes) else { continue }
            if index > 0 { blocks.swapAt(index, index - 1) }
            let isAllowed =
                line.end + block.text.bytes.count <= limits.maxHeaderBytes
                && block.text.fields.count <= limits.maxHeaders
            return isAllowed ? block : nil
        }
        return nil
    }

    func keep(_ block: FieldBlock) {
        guard block.framing == .none, block.handshakeKey == nil, block.text.bytes.count <= Self.mostBytes else {
            return
        }
        if blocks.count == Self.mostBlocks { blocks.removeLast() }
        // Not at the end, where the next one would push it out before it is met again.
        blocks.insert(block, at: min(blocks.count, Self.mostBlocks / 2))
    }
}

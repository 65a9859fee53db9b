/// A piece of a response's body: bytes that stand still in somebody's memory, and what keeps them there.
///
/// They are written to the socket from where they are. `owner` is held while the range may still be read, and let go of
/// exactly once: when its bytes are out, or when its stream or the connection ends, if none of them is half written.
/// A range that needs no owner (memory that outlives the connection) has none. Ranges stay on their loop.
public struct BodyRange {
    public let bytes: UnsafeRawPointer
    public let count: Int
    public let owner: AnyObject?

    public init(_ bytes: UnsafeRawPointer, count: Int, owner: AnyObject?) {
        precondition(count >= 0, "a range has a length")
        self.bytes = bytes
        self.count = count
        self.owner = owner
    }

    /// A copy of its own, for answers that are made on the spot.
    public init(copying bytes: [UInt8]) {
        let copy = CopiedBytes(bytes)
        self.init(UnsafeRawPointer(copy.memory), count: bytes.count, owner: copy)
    }

    func slice(from start: Int, count: Int) -> BodyRange { BodyRange(bytes + start, count: count, owner: owner) }
}

private final class CopiedBytes {
    let memory: UnsafeMutableRawPointer

    init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        bytes.withUnsafeBytes { if let from = $0.baseAddress { memory.copyMemory(from: from, byteCount: $0.count) } }
    }

    deinit { memory.deallocate() }
}

//! FLV tags read as they come (Adobe FLV 10.1, annex E): payload is passed over, the first bytes of each tag kept.

struct TagScanner: ~Copyable {
    private static let tagHeader = 11
    /// Behind the file header and behind each tag stands the size of the tag before.
    private static let sizeField = 4

    private enum State {
        case fileHeader
        case skipping(Int)
        case tagHeader
        case body(Int)
    }

    private var state = State.fileHeader
    /// The bytes of a header, then the first bytes of a body.
    private let kept = UnsafeMutableRawPointer.allocate(byteCount: ChunkScanner.prefixLimit, alignment: 8)
    private var keptCount = 0
    private var type: UInt8 = 0
    private var timestamp: UInt32 = 0
    private var length = 0

    deinit { kept.deallocate() }

    /// Takes bytes off the front of `input` until a tag is whole; nil when all of them are used up.
    mutating func next(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> Message? {
        while input.count > 0 {
            switch state {
            case .fileHeader:
                guard let bytes = gather(9, &input) else { return nil }
                guard bytes[0] == 0x46, bytes[1] == 0x4c, bytes[2] == 0x56 else { throw Failure("not an FLV stream") }
                state = .skipping(max(0, Int(bytes.bigEndian32(5)) - 9) + TagScanner.sizeField)
            case .skipping(let count):
                let step = min(count, input.count)
                input = UnsafeRawBufferPointer(rebasing: input[step...])
                state = step == count ? .tagHeader : .skipping(count - step)
            case .tagHeader:
                guard let bytes = gather(TagScanner.tagHeader, &input) else { return nil }
                type = bytes[0] & 0x1f
                guard type == 8 || type == 9 || type == 18 else { throw Failure("an FLV tag of type \(type)") }
                length = Int(bytes.bigEndian24(1))
                timestamp = bytes.bigEndian24(4) | UInt32(bytes[7]) << 24
                state = .body(length)
                if length == 0 { return finish() }
            case .body(let count):
                let step = min(count, input.count)
                keep(min(step, ChunkScanner.prefixLimit - keptCount), of: input)
                input = UnsafeRawBufferPointer(rebasing: input[step...])
                state = .body(count - step)
                if step == count { return finish() }
            }
        }
        return nil
    }

    private mutating func finish() -> Message {
        let prefix = UnsafeRawBufferPointer(start: kept, count: keptCount)
        keptCount = 0
        state = .skipping(TagScanner.sizeField)
        return Message(type: type, timestamp: timestamp, length: length, prefix: prefix)
    }

    private mutating func keep(_ count: Int, of input: UnsafeRawBufferPointer) {
        guard count > 0 else { return }
        (kept + keptCount).copyMemory(from: input.baseAddress!, byteCount: count)
        keptCount += count
    }

    /// The next `count` bytes in one piece, once they are all there.
    private mutating func gather(_ count: Int, _ input: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let step = min(count - keptCount, input.count)
        keep(step, of: input)
        input = UnsafeRawBufferPointer(rebasing: input[step...])
        guard keptCount == count else { return nil }
        keptCount = 0
        return UnsafeRawBufferPointer(start: kept, count: count)
    }
}

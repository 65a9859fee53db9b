import Media

/// Puts messages together from chunks (RTMP 1.0 §5.3), whatever the split of the input. Data plane.
///
/// Set Chunk Size and Abort are obeyed here, where their order matters, and not handed out.
///
/// Invariants: `pending` holds what has been read and not been used: the beginning of a chunk header, or what was looked
/// at behind one; while `current` is set the next `chunkLeft` bytes belong to that chunk stream; `partial` is the sum of all unfinished payloads. A payload grows with
/// the bytes that arrive, never with the length that was announced.
public struct ChunkReader {
    /// Basic header of 3 bytes, message header of 11, extended timestamp of 4.
    private static let longestHeader = 18
    /// Room that a message may claim before its bytes are there.
    private static let firstRoom = 512

    public internal(set) var limits: Limits
    public private(set) var chunkSize = 128
    private var streams: [ChunkStream] = []
    private var pending = [18 of UInt8](repeating: 0)
    private var pendingCount = 0
    private var current: Int?
    private var chunkLeft = 0
    private var partial = 0

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Reads `input` from `position` until one message is whole, and returns nil when the input is used up.
    public mutating func next(_ input: Span<UInt8>, from position: inout Int) throws(RTMPError) -> Message? {
        while true {
            if current == nil {
                guard let header = try nextHeader(input, from: &position) else { return nil }
                try begin(header)
                try takePending()
            }
            guard let index = current, chunkLeft == 0 || position < input.count else { return nil }
            let part = min(chunkLeft, input.count - position)
            if part > 0 { try append(input, position, part, to: index) }
            position += part
            chunkLeft -= part
            guard chunkLeft == 0 else { return nil }
            current = nil
            guard streams[index].payload.count == streams[index].length else { continue }
            partial -= streams[index].payload.count
            let message = streams[index].takeMessage()
            if try !obey(message) { return message }
        }
    }

    /// Forgets room that is not in use.
    mutating func shrink() {
        var tight: [ChunkStream] = []
        tight.reserveCapacity(streams.count)
        for stream in streams { tight.append(stream) }
        streams = tight
    }

    // MARK: Headers

    private mutating func nextHeader(
        _ input: Span<UInt8>, from position: inout Int
    ) throws(RTMPError) -> ChunkHeader? {
        if pendingCount == 0 {
            guard position < input.count else { return nil }
            if let header = try ChunkHeader(input.extracting(position..<input.count), streams: streams) {
                position += header.size
                return header
            }
        }
        let before = pendingCount
        while pendingCount < Self.longestHeader, position + pendingCount - before < input.count {
            pending[pendingCount] = input[position + pendingCount - before]
            pendingCount += 1
        }
        guard let header = try ChunkHeader(pending.span.extracting(0..<pendingCount), streams: streams) else {
            position += pendingCount - before
            return nil
        }
        if header.size >= before {
            position += header.size - before
            pendingCount = 0
        } else {
            // Four bytes were looked at that might have been an extended timestamp, and are not (`ChunkHeader`).
            pendingCount = before
            dropPending(header.size)
        }
        return header
    }

    private mutating func dropPending(_ count: Int) {
        for index in count..<max(count, pendingCount) { pending[index - count] = pending[index] }
        pendingCount -= count
    }

    /// Payload that was read along with the header before it.
    private mutating func takePending() throws(RTMPError) {
        guard let index = current, pendingCount > 0, chunkLeft > 0 else { return }
        let part = min(chunkLeft, pendingCount)
        let bytes = pending
        try append(bytes.span, 0, part, to: index)
        dropPending(part)
        chunkLeft -= part
    }

    private mutating func begin(_ header: ChunkHeader) throws(RTMPError) {
        let index: Int
        if let known = header.index {
            index = known
        } else {
            guard streams.count < limits.maxChunkStreams else {
                throw .tooManyChunkStreams(limit: limits.maxChunkStreams)
            }
            index = streams.count
            streams.append(ChunkStream(id: header.chunkStream))
        }
        let abandoned = streams[index].payload.count
        streams[index].apply(header)
        // A new header within a message begins the next one; librtmp reads it so too.
        partial -= abandoned - streams[index].payload.count
        let length = streams[index].length
        guard length <= limits.maxMessage else {
            throw .messageTooLarge(announced: length, limit: limits.maxMessage)
        }
        current = index
        chunkLeft = min(chunkSize, length - streams[index].payload.count)
    }

    // MARK: Payloads

    private mutating func append(
        _ input: Span<UInt8>, _ position: Int, _ part: Int, to index: Int
    ) throws(RTMPError) {
        partial += part
        guard partial <= limits.maxTotalPartial else { throw .tooMuchPartialData(limit: limits.maxTotalPartial) }
        let wanted = streams[index].payload.count + part
        if wanted > streams[index].payload.capacity {
            // All that has arrived may well be this message; beyond that, double.
            let arrived = streams[index].payload.count + input.count - position
            let room = max(arrived, 2 * streams[index].payload.count, Self.firstRoom)
            streams[index].payload.reserveCapacity(min(streams[index].length, room))
        }
        // Safe: the pointer does not leave the closure, and `extracting` has checked the range.
        input.extracting(position..<position + part).withUnsafeBufferPointer {
            streams[index].payload.append(contentsOf: $0)
        }
    }

    /// Obeys the two messages that concern chunks themselves (RTMP 1.0 §5.4.1, §5.4.2).
    private mutating func obey(_ message: Message) throws(RTMPError) -> Bool {
        guard message.type == MessageType.setChunkSize || message.type == MessageType.abort else { return false }
        guard message.payload.count >= 4 else { throw .malformedControl(type: message.type) }
        let value = message.payload.span.u32(at: 0)
        if message.type == MessageType.setChunkSize {
            guard value > 0 else { throw .chunkSizeZero }
            guard value <= limits.maxChunkSize else { throw .chunkSizeTooLarge(value) }
            chunkSize = Int(value)
        } else if let index = streams.firstIndex(where: { $0.id == value }) {
            partial -= streams[index].payload.count
            streams[index].abandon()
        }
        return true
    }
}

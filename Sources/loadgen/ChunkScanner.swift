//! RTMP chunks read as they come (RTMP 1.0 §5.3): payload is passed over, not copied; the first bytes of each
//! message are kept, which is all that anybody here looks at.
//!
//! Accepts every header format, any chunk size, interleaved messages and extended timestamps, whether or not the
//! sender repeats them in format 3 (it is told by comparing the four bytes).

/// A whole message (or FLV tag) that has gone by.
struct Message {
    /// RTMP message type, which is also FLV's tag type: 8 audio, 9 video, 18 data; and 1 to 6, 20 for RTMP's own.
    let type: UInt8
    let timestamp: UInt32
    let length: Int
    /// The first bytes; valid until the scanner is next called.
    let prefix: UnsafeRawBufferPointer
}

struct ChunkScanner: ~Copyable {
    /// Bytes kept of each message: enough for a stamp behind a delimiter, and for any command's answer.
    static let prefixLimit = 512
    /// Chunk streams a peer may use; servers use six or so.
    static let streamLimit = 32
    /// Basic header 3, message header 11, extended timestamp 4.
    private static let headerLimit = 18

    private struct Stream {
        var id: UInt32
        var timestamp: UInt32 = 0
        var delta: UInt32 = 0
        var extended: UInt32?
        var length = 0
        var type: UInt8 = 0
        var received = 0
        let prefix: UnsafeMutableRawPointer
    }

    private let streams = UnsafeMutablePointer<Stream>.allocate(capacity: ChunkScanner.streamLimit)
    private var used = 0
    private let header = UnsafeMutableRawPointer.allocate(byteCount: ChunkScanner.headerLimit, alignment: 8)
    private var headerCount = 0
    private var current = 0
    /// Bytes of the current chunk still to come; -1 between chunks.
    private var remaining = -1
    /// What the peer says with Set Chunk Size.
    var chunkSize = 128

    deinit {
        for index in 0..<used { streams[index].prefix.deallocate() }
        streams.deallocate()
        header.deallocate()
    }

    /// Takes bytes off the front of `input` until a message is whole; nil when all of them are used up.
    mutating func next(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> Message? {
        while true {
            if remaining < 0 {
                if headerCount == 0, let used = try readHeader(input) {
                    input = UnsafeRawBufferPointer(rebasing: input[used...])
                } else if input.count > 0 {
                    if let message = try gatherHeader(&input) { return message }
                    continue
                } else {
                    return nil
                }
            }
            if let message = take(&input) { return message }
            if remaining >= 0 { return nil }
        }
    }

    /// Forgets a half-received message (Abort Message).
    mutating func abort(chunkStream: UInt32) {
        for index in 0..<used where streams[index].id == chunkStream { streams[index].received = 0 }
    }

    /// Payload of the current chunk.
    private mutating func take(_ input: inout UnsafeRawBufferPointer) -> Message? {
        let stream = streams + current
        let count = min(remaining, input.count)
        let kept = stream.pointee.received
        if kept < ChunkScanner.prefixLimit, count > 0 {
            let piece = min(count, ChunkScanner.prefixLimit - kept)
            (stream.pointee.prefix + kept).copyMemory(from: input.baseAddress!, byteCount: piece)
        }
        stream.pointee.received = kept + count
        remaining -= count
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        guard remaining == 0 else { return nil }
        remaining = -1
        guard stream.pointee.received >= stream.pointee.length else { return nil }
        stream.pointee.received = 0
        let prefix = UnsafeRawBufferPointer(
            start: stream.pointee.prefix, count: min(stream.pointee.length, ChunkScanner.prefixLimit))
        return Message(
            type: stream.pointee.type, timestamp: stream.pointee.timestamp, length: stream.pointee.length,
            prefix: prefix)
    }

    /// A header cut in two by the end of a read: collects it byte by byte. Four bytes that turn out not to be an
    /// extended timestamp are payload, and are taken as such.
    private mutating func gatherHeader(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> Message? {
        header.storeBytes(of: input[0], toByteOffset: headerCount, as: UInt8.self)
        headerCount += 1
        input = UnsafeRawBufferPointer(rebasing: input[1...])
        guard let used = try readHeader(UnsafeRawBufferPointer(start: header, count: headerCount)) else { return nil }
        var surplus = UnsafeRawBufferPointer(start: header + used, count: headerCount - used)
        headerCount = 0
        guard surplus.count > 0 else { return nil }
        let message = take(&surplus)
        if surplus.count > 0 { header.copyMemory(from: surplus.baseAddress!, byteCount: surplus.count) }
        headerCount = surplus.count
        return message
    }

    /// Reads a chunk header at the front of `bytes` and makes its stream the current one; nil when more bytes are
    /// needed, and then nothing has changed.
    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
        guard let first = bytes.first else { return nil }
        let format = first >> 6
        var id = UInt32(first & 0x3f)
        let basic = id == 0 ? 2 : id == 1 ? 3 : 1
        let lengths = (11, 7, 3, 0)
        var at = basic + (format == 0 ? lengths.0 : format == 1 ? lengths.1 : format == 2 ? lengths.2 : lengths.3)
        guard bytes.count >= at else { return nil }
        if basic == 2 { id = 64 + UInt32(bytes[1]) }
        if basic == 3 { id = 64 + UInt32(bytes[1]) + UInt32(bytes[2]) << 8 }
        let index = find(id)
        guard index < ChunkScanner.streamLimit else { throw Failure("more chunk streams than this player knows") }

        var time: UInt32 = 0
        var extended: UInt32?
        if format < 3 {
            time = bytes.bigEndian24(basic)
            if time == 0xff_ffff {
                guard bytes.count >= at + 4 else { return nil }
                time = bytes.bigEndian32(at)
                extended = time
                at += 4
            }
        } else if index < used, let known = streams[index].extended {
            guard bytes.count >= at + 4 else { return nil }
            if bytes.bigEndian32(at) == known { at += 4 }
        }
        if index == used {
            guard format < 2 else { throw Failure("chunk stream \(id) starts without a full header") }
            open(id)
        }
        apply(format, time, extended, bytes, basic, to: streams + index)
        current = index
        remaining = min(chunkSize, streams[index].length - streams[index].received)
        return at
    }

    private func find(_ id: UInt32) -> Int {
        var index = 0
        while index < used, streams[index].id != id { index += 1 }
        return index
    }

    private mutating func open(_ id: UInt32) {
        let prefix = UnsafeMutableRawPointer.allocate(byteCount: ChunkScanner.prefixLimit, alignment: 8)
        (streams + used).initialize(to: Stream(id: id, prefix: prefix))
        used += 1
    }

    private func apply(
        _ format: UInt8, _ time: UInt32, _ extended: UInt32?, _ bytes: UnsafeRawBufferPointer, _ basic: Int,
        to stream: UnsafeMutablePointer<Stream>
    ) {
        if format < 3 {
            stream.pointee.received = 0
            stream.pointee.extended = extended
            stream.pointee.delta = format == 0 ? 0 : time
            stream.pointee.timestamp = format == 0 ? time : stream.pointee.timestamp &+ time
        } else if stream.pointee.received == 0 {
            stream.pointee.timestamp &+= stream.pointee.delta
        }
        if format < 2 {
            stream.pointee.length = Int(bytes.bigEndian24(basic + 3))
            stream.pointee.type = bytes[basic + 6]
        }
    }
}

extension UnsafeRawBufferPointer {
    func bigEndian24(_ at: Int) -> UInt32 { UInt32(self[at]) << 16 | UInt32(self[at + 1]) << 8 | UInt32(self[at + 2]) }

    func bigEndian32(_ at: Int) -> UInt32 { loadUnaligned(fromByteOffset: at, as: UInt32.self).bigEndian }
}

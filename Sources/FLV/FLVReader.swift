import Media

/// Takes an FLV file or stream apart, however its bytes are cut into pieces.
///
/// Tags of unknown types are skipped, and the size after each tag is not believed: many writers leave it 0. Memory
/// grows with the bytes received, never with a size announced. After an error the reader takes nothing more.
public struct FLVReader: Sendable {
    public struct Limits: Sendable, Equatable {
        /// Bytes of one tag's payload. A keyframe of a 100 Mbit/s stream stays below 4 MiB.
        public var tag = 8 << 20

        public init() {}
    }

    private enum State {
        case fileHeader
        /// Bytes to pass over before the next tag header: what a longer file header adds, and sizes of tags.
        case skipping(Int)
        case tagHeader
        case payload(TagHeader)
        case failed(FLVError)
    }

    private let limits: Limits
    private var state = State.fileHeader
    /// The file header, tag header or payload that is being collected.
    private var partial: [UInt8] = []
    private var frames: [FLVFrame] = []
    private var taken = 0

    private static let fileHeaderSize = 9
    /// Bytes of the longest file header accepted; the format allows any, and every writer uses 9.
    private static let longestFileHeader: UInt32 = 1_024
    /// Bytes set aside for a payload before its bytes come.
    private static let largestReservation = 65_536

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// The next whole tag, in the stream's order.
    public mutating func next() -> FLVFrame? {
        guard taken < frames.count else { return nil }
        defer {
            taken += 1
            if taken == frames.count {
                frames.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return frames[taken]
    }

    public mutating func receive(_ bytes: Span<UInt8>) throws(FLVError) {
        var position = 0
        do {
            while position < bytes.count { try step(bytes, &position) }
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func step(_ bytes: Span<UInt8>, _ position: inout Int) throws(FLVError) {
        switch state {
        case .failed(let error): throw error
        case .fileHeader:
            guard collect(Self.fileHeaderSize, bytes, &position) else { return }
            try beginFile()
        case .skipping(let count):
            let part = min(count, bytes.count - position)
            position += part
            state = part == count ? .tagHeader : .skipping(count - part)
        case .tagHeader:
            guard collect(FLVTag.headerSize, bytes, &position) else { return }
            try beginTag()
        case .payload(let header):
            guard collect(header.payloadCount, bytes, &position) else { return }
            endTag(header)
        }
    }

    /// Adds to `partial` until it has `count` bytes, and returns whether it has.
    private mutating func collect(_ count: Int, _ bytes: Span<UInt8>, _ position: inout Int) -> Bool {
        let end = position + min(count - partial.count, bytes.count - position)
        bytes.extracting(position..<end).withUnsafeBufferPointer { partial.append(contentsOf: $0) }
        position = end
        return partial.count == count
    }

    private mutating func beginFile() throws(FLVError) {
        guard partial.starts(with: [0x46, 0x4c, 0x56, 1]) else { throw .badSignature }
        let size = partial.span.u32(at: 5)
        guard size >= 9 && size <= Self.longestFileHeader else { throw .badHeaderSize(size) }
        partial.removeAll(keepingCapacity: true)
        state = .skipping(Int(size) - Self.fileHeaderSize + FLVTag.trailerSize)
    }

    private mutating func beginTag() throws(FLVError) {
        let header = try TagHeader.parse(partial.span)
        guard header.payloadCount <= limits.tag else {
            throw .oversizeTag(bytes: header.payloadCount, limit: limits.tag)
        }
        partial.removeAll(keepingCapacity: true)
        guard header.kind != nil else {
            state = .skipping(header.payloadCount + FLVTag.trailerSize)
            return
        }
        guard !header.isEncrypted else { throw .encryptedTag }
        partial.reserveCapacity(min(header.payloadCount, Self.largestReservation))
        state = .payload(header)
        if header.payloadCount == 0 { endTag(header) }
    }

    private mutating func endTag(_ header: TagHeader) {
        if let kind = header.kind {
            frames.append(FLVFrame(kind: kind, timestamp: header.timestamp, payload: partial))
        }
        partial = []
        state = .skipping(FLVTag.trailerSize)
    }
}

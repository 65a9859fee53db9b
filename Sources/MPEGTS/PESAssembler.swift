import Media

/// Gathers the PES packets of one PID in a buffer that is kept. Data plane: nothing is allocated once the buffer has the
/// size of the largest packet.
///
/// A packet that says its length is complete with its last byte; one that does not (video alone may) is complete when
/// the next begins, or when a transport packet is stuffed.
struct PESAssembler: Sendable {
    enum Result {
        case more
        case complete
        case oversize
    }

    private(set) var bytes: [UInt8] = []
    private(set) var isGathering = false
    /// The transport packet that began it had the random access flag.
    private(set) var isRandomAccess = false
    /// The last transport packet was stuffed: nothing more can follow.
    private(set) var endsHere = false
    /// 0 when the packet does not say, nil as long as too few bytes are there.
    private var length: Int?

    mutating func begin(_ payload: Span<UInt8>, _ packet: TSPacket, limit: Int) -> Result {
        bytes.removeAll(keepingCapacity: true)
        isGathering = true
        isRandomAccess = packet.isRandomAccess
        length = nil
        return append(payload, packet, limit: limit)
    }

    mutating func append(_ payload: Span<UInt8>, _ packet: TSPacket, limit: Int) -> Result {
        var part = payload.count
        if let length, length > 0 { part = min(part, length - bytes.count) }
        guard bytes.count + part <= limit else {
            drop()
            return .oversize
        }
        payload.extracting(0..<part).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        endsHere = packet.isStuffed
        if length == nil { checkLength() }
        guard let length, length > 0, bytes.count == length else { return .more }
        return .complete
    }

    private mutating func checkLength() {
        length = PESHeader.length(bytes.span)
        if let length, length > 0, bytes.count > length { bytes.removeSubrange(length...) }
    }

    /// Whether all of it is here although the next has not begun.
    var isWhole: Bool { isGathering && endsHere && length == 0 }

    /// It has said its length, and has less.
    var isShort: Bool { isGathering && length.map { $0 > bytes.count } ?? true }

    mutating func drop() { isGathering = false }

    /// Hands the buffer out, to be read while this assembler is part of who reads; `restore` follows.
    mutating func take() -> [UInt8] {
        isGathering = false
        var out: [UInt8] = []
        swap(&out, &bytes)
        return out
    }

    mutating func restore(_ buffer: [UInt8]) { bytes = buffer }
}

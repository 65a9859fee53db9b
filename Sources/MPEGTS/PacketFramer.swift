/// Finds the 188-byte packets in bytes that come in any cuts. Data plane: packets that lie whole in the input are left
/// where they are, the rest is gathered in `held`.
///
/// Packets may be 188 bytes apart, 192 (a 4-byte time before each, as in M2TS files) or 204 (16 bytes of parity after
/// each). One bad sync byte costs its packet; two in a row, and packets are looked for anew.
struct PacketFramer: Sendable {
    enum Found: Equatable {
        /// At this place in the input.
        case input(Int)
        /// At this place in `held`.
        case held(Int)
    }

    private(set) var held: [UInt8] = []
    private(set) var badSyncBytes: UInt64 = 0
    private(set) var syncLosses: UInt64 = 0
    private(set) var unsynchronisedBytes: UInt64 = 0

    /// Where the bytes of `held` that are still to be looked at begin.
    private var start = 0
    /// Bytes from one sync byte to the next; 0 while they are looked for.
    private var stride = 0
    private var badInARow = 0
    /// Bytes passed over since the sync was lost.
    private var searched = 0
    private let limit: Int

    /// Sync bytes in a row that make a stream.
    private static let required = 3
    private static let strides = [188, 192, 204]
    private static let window = 204 * required

    init(limit: Int) { self.limit = limit }

    var isSynchronised: Bool { stride > 0 }

    /// The next packet at or after `position` of the input, which moves on; nil when more bytes are needed.
    mutating func next(_ input: Span<UInt8>, _ position: inout Int) throws(TSError) -> Found? {
        while true {
            if stride == 0 {
                guard try search(input, &position) else { return nil }
            }
            if held.count > start {
                fill(to: stride, input, &position)
                guard held.count - start >= stride else { return nil }
                let at = start
                start += stride
                if isGood(held[at]) { return .held(at) }
                if stride == 0 { start = at }
            } else {
                clearHeld()
                guard input.count - position >= stride else {
                    guard position < input.count else { return nil }
                    fill(to: stride, input, &position)
                    return nil
                }
                let at = position
                position += stride
                if isGood(input[at]) { return .input(at) }
                if stride == 0 { position = at }
            }
        }
    }

    /// The input has ended: what is held may be too little to have been sure of, or lack what follows each packet.
    mutating func finish() {
        guard held.count - start >= TSPacket.size, held[start] == TSPacket.sync else { return }
        stride = TSPacket.size
    }

    /// Hands `held` out so that a packet in it can be read while this framer is part of who reads; `restore` follows.
    mutating func takeHeld() -> [UInt8] {
        var out: [UInt8] = []
        swap(&out, &held)
        return out
    }

    mutating func restore(_ bytes: [UInt8]) { held = bytes }

    private mutating func isGood(_ byte: UInt8) -> Bool {
        guard byte != TSPacket.sync else {
            badInARow = 0
            return true
        }
        badSyncBytes += 1
        badInARow += 1
        if badInARow > 1 {
            badInARow = 0
            stride = 0
            searched = 0
            syncLosses += 1
        }
        return false
    }

    private mutating func clearHeld() {
        guard start > 0 else { return }
        held.removeAll(keepingCapacity: true)
        start = 0
    }

    private mutating func fill(to count: Int, _ input: Span<UInt8>, _ position: inout Int) {
        let part = min(count - (held.count - start), input.count - position)
        guard part > 0 else { return }
        input.extracting(position..<position + part).withUnsafeBufferPointer { held.append(contentsOf: $0) }
        position += part
    }

    /// Looks for sync bytes at one of the distances, and returns whether they were found.
    private mutating func search(_ input: Span<UInt8>, _ position: inout Int) throws(TSError) -> Bool {
        while true {
            fill(to: Self.window, input, &position)
            var at = start
            var isUndecided = false
            while at < held.count && !isUndecided {
                if held[at] == TSPacket.sync {
                    switch distance(at) {
                    case .some(0): isUndecided = true
                    case .some(let found):
                        pass(over: at - start)
                        stride = found
                        searched = 0
                        return true
                    case nil: break
                    }
                }
                if !isUndecided { at += 1 }
            }
            pass(over: at - start)
            compact()
            guard searched <= limit else { throw .notTransportStream(bytes: searched) }
            if position == input.count { return false }
        }
    }

    /// The distance at which sync bytes follow the one at `at`: 0 when too little is there to tell, nil for none.
    private func distance(_ at: Int) -> Int? {
        for stride in Self.strides {
            var matches = 1
            while matches < Self.required, at + matches * stride < held.count,
                held[at + matches * stride] == TSPacket.sync
            { matches += 1 }
            if matches == Self.required { return stride }
            if at + matches * stride >= held.count { return 0 }
        }
        return nil
    }

    private mutating func pass(over count: Int) {
        start += count
        searched += count
        unsynchronisedBytes += UInt64(count)
    }

    private mutating func compact() {
        held.removeSubrange(0..<start)
        start = 0
    }
}

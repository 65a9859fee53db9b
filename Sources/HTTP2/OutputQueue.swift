/// What is ready for the socket, in order: frames' own bytes, which are kept here, and ranges of bodies, which are not.
///
/// Invariants: `count` is the sum of the chunks; the control chunks lie in `control` in the order of the queue, each
/// addressed by its place since the connection began; a range's owner is held until its last byte is out.
import Glibc

struct OutputQueue {
    private struct Chunk {
        /// Nil for control bytes.
        var bytes: UnsafeRawPointer?
        /// Of control bytes: their place.
        var place: Int
        var count: Int
        var owner: AnyObject?
    }

    private var chunks: [Chunk] = []
    private var first = 0
    private var control: [UInt8] = []
    /// The place of `control`'s first byte.
    private var controlBase = 0
    private(set) var count = 0

    /// Bytes of consumed control memory that are worth moving the rest for.
    private static let slack = 4 * 1024

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        let place = controlBase + control.count
        control.append(contentsOf: bytes)
        count += bytes.count
        if first < chunks.count, chunks[chunks.count - 1].bytes == nil {
            chunks[chunks.count - 1].count += bytes.count
        } else {
            chunks.append(Chunk(bytes: nil, place: place, count: bytes.count, owner: nil))
        }
    }

    mutating func append(_ range: BodyRange) {
        guard range.count > 0 else { return }
        chunks.append(Chunk(bytes: range.bytes, place: 0, count: range.count, owner: range.owner))
        count += range.count
    }

    /// The queue's beginning as vectors, at most `limit`; they are valid during the call.
    func withVectors<Result>(_ limit: Int, _ body: (UnsafeBufferPointer<iovec>) -> Result) -> Result {
        control.withUnsafeBytes { control in
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: limit) { vectors in
                let used = min(limit, chunks.count - first)
                for index in 0..<used {
                    let chunk = chunks[first + index]
                    // Not written through: writev takes what it reads as mutable.
                    let bytes = chunk.bytes ?? control.baseAddress! + (chunk.place - controlBase)
                    vectors.initializeElement(
                        at: index,
                        to: iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes), iov_len: chunk.count))
                }
                return body(UnsafeBufferPointer(rebasing: vectors[..<used]))
            }
        }
    }

    /// The first `sent` bytes are out.
    mutating func advance(by sent: Int) {
        precondition(sent >= 0 && sent <= count, "more was written than there was")
        count -= sent
        var left = sent
        while left > 0 {
            guard left >= chunks[first].count else {
                chunks[first].count -= left
                chunks[first].place += left
                chunks[first].bytes = chunks[first].bytes.map { $0 + left }
                break
            }
            left -= chunks[first].count
            chunks[first].owner = nil
            first += 1
        }
        compact()
    }

    /// Everything, copied: what a connection that closes leaves to its socket.
    mutating func takeAll() -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(count)
        withVectors(chunks.count - first) { vectors in
            for vector in vectors { all += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len) }
        }
        advance(by: count)
        return all
    }

    /// An empty queue keeps no large memory; a long-lived one moves its rest to the front.
    private mutating func compact() {
        if count == 0 {
            controlBase += control.count
            if control.capacity > OutputQueue.slack { control = [] } else { control.removeAll(keepingCapacity: true) }
            if chunks.capacity > HTTP2Limits.vectors { chunks = [] } else { chunks.removeAll(keepingCapacity: true) }
            first = 0
            return
        }
        guard first > HTTP2Limits.vectors else { return }
        chunks.removeFirst(first)
        first = 0
        guard let next = chunks.first(where: { $0.bytes == nil })?.place else {
            controlBase += control.count
            control.removeAll(keepingCapacity: true)
            return
        }
        guard next - controlBase > OutputQueue.slack else { return }
        control.removeFirst(next - controlBase)
        controlBase = next
    }
}

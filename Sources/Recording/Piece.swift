/// Bytes of a log on their way to a disk: a range of a segment, which they keep in memory, uncopied.
///
/// Invariant: the range lies below a head that has been published, so it never changes, on whichever thread it is read.
import StreamLog

struct Piece: Sendable {
    let segment: Segment
    let offset: Int
    private(set) var count: Int

    init(_ segment: Segment, offset: Int, count: Int) {
        precondition(offset >= 0 && count >= 0 && offset + count <= segment.capacity, "a piece lies in its segment")
        self.segment = segment
        self.offset = offset
        self.count = count
    }

    /// Takes in the frame that follows, if it does.
    mutating func extend(_ other: Segment, offset: Int, count: Int) -> Bool {
        guard other === segment, offset == self.offset + self.count else { return false }
        self.count += count
        return true
    }
}

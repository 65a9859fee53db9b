/// Where a write of many pieces stands: a file system may take fewer bytes than it was given.
import Glibc

struct PieceCursor {
    private let appends: [FileAppend]
    private var append = 0
    private var piece = 0
    private var offset = 0

    init(_ appends: [FileAppend]) { self.appends = appends }

    /// What comes next, as much as fits. The segments stay as long as the appends do.
    func gather(into vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        var count = 0
        var at = self
        while count < vectors.count, at.append < appends.count {
            guard at.piece < appends[at.append].pieces.count else {
                at.append += 1
                at.piece = 0
                continue
            }
            let piece = appends[at.append].pieces[at.piece]
            if piece.count > at.offset {
                vectors[count] = iovec(
                    iov_base: piece.segment.bytes + piece.offset + at.offset, iov_len: piece.count - at.offset)
                count += 1
            }
            at.piece += 1
            at.offset = 0
        }
        return count
    }

    mutating func advance(by written: Int) {
        var rest = written
        while rest > 0 {
            precondition(append < appends.count, "more was written than there is")
            guard piece < appends[append].pieces.count else {
                append += 1
                piece = 0
                continue
            }
            let step = min(rest, appends[append].pieces[piece].count - offset)
            rest -= step
            offset += step
            if offset == appends[append].pieces[piece].count {
                piece += 1
                offset = 0
            }
        }
    }
}

/// Data plane. Reads what a row of vectors holds piece by piece, without copying.
///
/// Safety: the vectors and what they point to outlive the reader, which lives as long as one call.
import Glibc

struct VectorReader {
    private let vectors: UnsafePointer<iovec>
    private let count: Int
    private var index = 0
    /// Bytes of the vector at `index` that have been read.
    private var passed = 0
    private(set) var left = 0

    /// - Parameter skipped: bytes at the beginning that are of no interest.
    init(_ vectors: UnsafePointer<iovec>, _ count: Int, skipping skipped: Int) {
        self.vectors = vectors
        self.count = count
        for index in 0..<count { left += vectors[index].iov_len }
        var skipped = min(skipped, left)
        left -= skipped
        while index < count, skipped >= vectors[index].iov_len {
            skipped -= vectors[index].iov_len
            index += 1
        }
        passed = skipped
    }

    /// The next bytes that lie in one place; empty at the end.
    mutating func next(_ most: Int) -> UnsafeRawBufferPointer {
        while index < count {
            let size = min(most, vectors[index].iov_len - passed)
            guard size > 0 || most == 0 else {
                index += 1
                passed = 0
                continue
            }
            let start = UnsafeRawPointer(vectors[index].iov_base).map { $0 + passed }
            passed += size
            left -= size
            return UnsafeRawBufferPointer(start: start, count: size)
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }
}

/// What readers that are no viewers may see of a log: its extent, and where a numbered frame lies.
import Glibc
import RelayProtocol
import StreamLog

extension LogView {
    var head: UInt64 { reader.head }
    var joinPoint: JoinPoint? { reader.joinPoint }
    var newestTimestamp: Int64 { reader.newestTimestamp }

    func frame(around offset: UInt64) -> (start: UInt64, end: UInt64, timestamp: Int64) {
        reader.frame(around: offset)
    }

    func gather(
        from offset: UInt64, to limit: UInt64, into vectors: UnsafeMutablePointer<iovec>
    ) -> (count: Int, bytes: Int) {
        reader.gather(from: offset, to: limit, into: vectors)
    }

    func shared(from offset: UInt64, to limit: UInt64) -> SharedBytes { reader.shared(from: offset, to: limit) }

    func forEachRun(from offset: UInt64, _ visit: (Segment, Range<Int>) -> Void) {
        reader.forEachRun(from: offset, visit)
    }

    /// Of a log in the relay format: the first frame that is not before `number`, and what it is called.
    func firstFrame(notBefore number: FrameNumber) -> (offset: UInt64, number: FrameNumber)? {
        var found: FrameNumber?
        let offset = reader.firstFrame { frame in
            let candidate = FrameNumber(relayFrameAt: frame)
            guard candidate >= number else { return false }
            found = candidate
            return true
        }
        guard let offset, let found else { return nil }
        return (offset, found)
    }

    /// Of a log in the relay format: the number of the frame at an offset.
    func number(at offset: UInt64) -> FrameNumber? {
        reader.bytes(at: offset).map { FrameNumber(relayFrameAt: $0) }
    }

    var oldestNumber: FrameNumber? { number(at: reader.tail) }

    var newestNumber: FrameNumber? {
        reader.newestFrame.map { FrameNumber(relayFrameAt: $0) }
    }
}

extension FrameNumber {
    /// Safety: the bytes are those of a whole frame that `RelayFrame.Header.write` made.
    fileprivate init(relayFrameAt bytes: UnsafeRawPointer) {
        self.init(
            epoch: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            sequence: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
    }
}

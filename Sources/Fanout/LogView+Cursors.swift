/// What readers that are no viewers may see of a log: its extent, and where a numbered frame lies.
import Glibc
import RelayProtocol
import StreamLog

extension LogView {
    var head: UInt64 { reader.head }
    var tail: UInt64 { reader.tail }
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
            // What is repeated belongs to the frame whose number it bears.
            guard isRepeated(frame) ? candidate == number : candidate >= number else { return false }
            found = candidate
            return true
        }
        guard let offset, let found else { return nil }
        return (offset, found)
    }

    /// Of a log in the relay format: the newest keyframe that is not after `number`, where what is said in front of the
    /// newest one of all holds for it, too.
    func joinPoint(notAfter number: FrameNumber) -> JoinPoint? {
        guard let newest = joinPoint else { return nil }
        var found: JoinPoint?
        reader.forEachRun(from: reader.tail) { segment, range in
            for index in range {
                let mark = segment.marks[index]
                let offset = segment.base + UInt64(mark.offset)
                guard offset <= newest.offset else { return }
                // What decoders were told before a change of it cannot be had from the newest place to join.
                if mark.flags.contains(.configuration) { found = nil }
                guard mark.flags.contains(.keyframe),
                    FrameNumber(relayFrameAt: UnsafeRawPointer(segment.bytes + Int(mark.offset))) <= number
                else { continue }
                found = newest
                found?.offset = offset
                found?.timestamp = mark.timestamp
            }
        }
        guard let offset = found?.offset, let bytes = reader.bytes(at: offset) else { return nil }
        found?.prologue = Prologue.relayed(
            newest.prologue, before: FrameNumber(relayFrameAt: bytes),
            timestamp: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        return found
    }

    /// Of a log in the relay format: the number of the frame at an offset.
    func number(at offset: UInt64) -> FrameNumber? {
        reader.bytes(at: offset).map { FrameNumber(relayFrameAt: $0) }
    }

    /// What is repeated is no frame of the sequence, and bears what number it pleases where another node says so.
    var oldestNumber: FrameNumber? {
        var found: FrameNumber?
        _ = reader.firstFrame { frame in
            guard !isRepeated(frame) else { return false }
            found = FrameNumber(relayFrameAt: frame)
            return true
        }
        return found
    }

    /// Of the frame that will come next. What is repeated before it bears its number already.
    var nextNumber: FrameNumber? {
        reader.newestFrame.map { frame in
            let number = FrameNumber(relayFrameAt: frame)
            return isRepeated(frame) ? number : number.successor
        }
    }

    private func isRepeated(_ frame: UnsafeRawPointer) -> Bool {
        RelayFrame.Flags(rawValue: frame.load(fromByteOffset: 5, as: UInt8.self)).contains(.prologue)
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

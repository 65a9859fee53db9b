import Fixtures
import Glibc
import Testing

@testable import StreamLog

@Suite("Shared bytes") struct SharedBytesTests {
    private static func append(_ bytes: [UInt8], to writer: inout LogWriter) -> LogPlace {
        let mark = FrameMark(size: UInt32(bytes.count), timestamp: 0, sequence: 0, flags: .video)
        writer.append(mark) { target in
            bytes.withUnsafeBytes {
                if let from = $0.baseAddress { target.copyMemory(from: from, byteCount: $0.count) }
            }
        }
        return writer.newestPlace!
    }

    /// Frames of three logs in turn: some of them touch one another, some do not, some are cut at their ends.
    private static func random(_ generator: inout SeededGenerator) -> (shared: SharedBytes, bytes: [UInt8]) {
        var writers = (0..<3).map { _ in LogWriter(retention: .init(milliseconds: -1, bytes: .max)) }
        var shared = SharedBytes()
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...40, using: &generator) {
            let which = Int.random(in: 0..<3, using: &generator)
            let large = Int.random(in: 0..<8, using: &generator) == 0
            let count = Int.random(in: 0...(large ? 20_000 : 60), using: &generator)
            let frame = [UInt8](repeating: .random(in: 0...255, using: &generator), count: count)
            let place = append(frame, to: &writers[which])
            let before = Int.random(in: 0...count, using: &generator) / 4
            let after = Int.random(in: 0...(count - before), using: &generator) / 3
            let isCut = Int.random(in: 0..<3, using: &generator) == 0
            shared.append(isCut ? place.trimmed(before: before, after: after) : place)
            bytes += isCut ? Array(frame[before..<(count - after)]) : frame
        }
        return (shared, bytes)
    }

    /// As a socket takes them, `most` bytes at a time.
    private static func gathered(_ shared: SharedBytes, limit: Int, most: Int) -> [UInt8] {
        var vectors = [iovec](repeating: iovec(), count: limit)
        var bytes: [UInt8] = []
        while bytes.count < shared.count {
            let filled = shared.gather(from: bytes.count, into: &vectors, limit: limit)
            guard filled.count > 0, filled.count <= limit else { break }
            guard vectors[..<filled.count].reduce(0, { $0 + $1.iov_len }) == filled.bytes else { break }
            let all = vectors[..<filled.count].flatMap { UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len) }
            bytes += all.prefix(most)
        }
        return bytes
    }

    @Test("are what was put in, whole and in ranges, gathered in few vectors")
    func gather() {
        for seed in UInt64(1)...30 {
            var generator = SeededGenerator(seed: seed)
            let (shared, bytes) = Self.random(&generator)
            #expect(shared.count == bytes.count && shared.copy == bytes, "seed \(seed)")
            for limit in [1, 2, 3, 64] {
                let most = Int.random(in: 1...max(1, bytes.count), using: &generator)
                #expect(
                    Self.gathered(shared, limit: limit, most: max(most, bytes.count / 50 + 1)) == bytes, "seed \(seed)")
            }
            for _ in 0..<8 {
                let start = Int.random(in: 0...bytes.count, using: &generator)
                let end = Int.random(in: start...bytes.count, using: &generator)
                let part = shared[start..<end]
                #expect(part.count == end - start && part.copy == Array(bytes[start..<end]), "seed \(seed)")
                #expect(Self.gathered(part, limit: 2, most: .max) == part.copy, "seed \(seed)")
                var joined = shared[0..<start]
                joined.append(shared[start..<bytes.count])
                #expect(joined.copy == bytes, "seed \(seed)")
            }
            var vector = iovec()
            #expect(shared.gather(from: bytes.count, into: &vector, limit: 1).count == 0)
        }
    }

    @Test("of neighbours in a log are one vector")
    func neighbours() {
        var writer = LogWriter(retention: .init())
        var shared = SharedBytes()
        for number in UInt8(0)..<100 { shared.append(Self.append([number, number], to: &writer)) }
        var vectors = [iovec](repeating: iovec(), count: 4)
        let filled = shared.gather(from: 3, into: &vectors, limit: 4)
        #expect(filled.count == 1 && filled.bytes == 197)
    }

    @Test("keep their memory as long as they are held, whatever the log drops, and no longer")
    func lifetime() throws {
        weak var segment: Segment?
        var writer = LogWriter(retention: .init(milliseconds: -1, bytes: .max))
        do {
            var kept: SharedBytes? = SharedBytes()
            do {
                let whole = SharedBytes(Self.append([UInt8](repeating: 7, count: 1_000), to: &writer))
                segment = whole.owners[0]
                kept = whole[100..<200]
            }
            for _ in 0..<4 { _ = Self.append([UInt8](repeating: 9, count: 200_000), to: &writer) }
            #expect(!writer.segments.contains { $0 === segment }, "the log has let go of it")
            #expect(segment != nil)
            #expect(kept?.copy == [UInt8](repeating: 7, count: 100))
            kept = nil
        }
        #expect(segment == nil)
    }

    @Test("a place without its ends is the middle of it")
    func trimmed() {
        var writer = LogWriter(retention: .init())
        let place = Self.append(Array(0..<10), to: &writer)
        #expect(Array(place.trimmed(before: 3, after: 2).bytes) == Array(3..<8))
        #expect(place.trimmed(before: 10, after: 0).bytes.isEmpty)
        var shared = SharedBytes(place.trimmed(before: 10, after: 0))
        #expect(shared.count == 0 && shared.owners.isEmpty, "nothing holds nothing")
        shared.append(SharedBytes())
        #expect(shared.copy == [])
    }

    @Test("are copied from bytes that lie in no log, and go on with others as ever")
    func copies() throws {
        var writer = LogWriter(retention: .init())
        var shared = SharedBytes(copying: [1, 2, 3])
        shared.append(Self.append([4, 5], to: &writer))
        shared.append(SharedBytes(copying: [6]))
        #expect(shared.copy == [1, 2, 3, 4, 5, 6] && shared[2..<6].copy == [3, 4, 5, 6])
        #expect(Self.gathered(shared, limit: 2, most: 2) == shared.copy)
        #expect(SharedBytes(copying: []).count == 0)
        let read = SharedBytes(upTo: 4) { room in
            room.copyBytes(from: [8, 9])
            return 2
        }
        #expect(read.copy == [8, 9])
        weak var segment: Segment?
        do {
            let copy = SharedBytes(copying: [7])
            segment = copy.owners[0]
            #expect(segment != nil)
        }
        #expect(segment == nil)
    }
}

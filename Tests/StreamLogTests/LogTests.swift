import Fixtures
import Glibc
import Testing

@testable import StreamLog

/// A writer and a reader in step, and what was written, to compare with.
private struct Pair: ~Copyable {
    var writer: LogWriter
    var reader = LogReader()
    var written: [UInt8] = []
    var starts: [UInt64] = []

    init(_ retention: LogWriter.Retention) { writer = LogWriter(retention: retention) }

    mutating func append(_ size: Int, timestamp: Int64, fill: UInt8, keyframe: Bool = false) {
        let mark = FrameMark(
            size: UInt32(size), timestamp: timestamp, sequence: 0, flags: keyframe ? [.video, .keyframe] : .video)
        let offset = writer.append(mark) { memset($0, Int32(fill), size) }
        if keyframe {
            writer.setJoinPoint(JoinPoint(offset: offset, prologue: [], version: 1, timestamp: timestamp))
        }
        starts.append(offset)
        written += [UInt8](repeating: fill, count: size)
    }

    mutating func publish() {
        reader.extend(writer.takeUpdate())
        while reader.expired != nil { reader.dropOldest() }
    }

    /// Whether these bytes were written at that offset. By `memcmp`: megabytes are compared.
    func wrote(_ bytes: [UInt8], at offset: UInt64) -> Bool {
        written.withUnsafeBytes { memcmp($0.baseAddress! + Int(offset), bytes, bytes.count) == 0 }
    }

    func read(from offset: UInt64) -> [UInt8] {
        var vectors = [iovec](repeating: iovec(), count: LogReader.maxVectors)
        let batch = reader.gather(from: offset, to: reader.head, into: &vectors)
        var bytes: [UInt8] = []
        for vector in vectors.prefix(batch.count) {
            bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
        }
        return bytes
    }
}

struct LogTests {
    @Test("runs of frames from a cursor on hold every frame up to the published head, once and in order")
    func runs() {
        var pair = Pair(.init(milliseconds: 60_000, bytes: 64 << 20))
        for frame in 0..<1200 {
            pair.append(1 + frame % 700, timestamp: Int64(frame), fill: UInt8(frame % 251))
            if frame % 7 == 0 { pair.publish() }
        }
        let published = pair.starts.filter { $0 < pair.reader.head }
        // Not told of yet: no run may hold it.
        pair.append(10, timestamp: 1200, fill: 1)
        for first in stride(from: 0, to: published.count, by: 97) {
            var found: [UInt64] = []
            pair.reader.forEachRun(from: published[first]) { segment, marks in
                found += marks.map { segment.base + UInt64(segment.marks[$0].offset) }
            }
            #expect(found == Array(published[first...]))
        }
        pair.reader.forEachRun(from: pair.reader.head) { _, _ in Issue.record("there is nothing behind the head") }
    }

    @Test(
        "whatever the frames' sizes, a cursor anywhere reads what was written there",
        arguments: 1...8 as ClosedRange<UInt64>)
    func readsBack(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var pair = Pair(.init(milliseconds: 400, bytes: 3 << 20))
        for frame in 0..<300 {
            let size = random.next() % 20 == 0 ? 1 + Int(random.next() % 600_000) : 1 + Int(random.next() % 9_000)
            pair.append(
                size, timestamp: Int64(frame * 10), fill: UInt8(truncatingIfNeeded: frame), keyframe: frame % 25 == 0)
            guard random.next() % 3 == 0 else { continue }
            pair.publish()
            let (tail, head) = (pair.reader.tail, pair.reader.head)
            #expect(head == UInt64(pair.written.count))
            let distance = random.next() % (head - tail + 1)
            let cursor = tail + distance
            let bytes = pair.read(from: cursor)
            let isRight = pair.wrote(bytes, at: cursor)
            #expect(isRight, "seed \(seed)")
            guard cursor < head else { continue }
            let found = pair.reader.frame(around: cursor)
            let start = pair.starts.last { $0 <= cursor }!
            #expect(found.start == start, "seed \(seed)")
            #expect(found.end == pair.starts.first { $0 > cursor } ?? head, "seed \(seed)")
            // The newest keyframe is readable, or there is none.
            if let point = pair.reader.joinPoint { #expect(point.offset >= tail && point.offset <= head) }
        }
    }

    @Test("memory stays within the byte limit even when no keyframe comes")
    func byteLimit() {
        var pair = Pair(.init(milliseconds: 1 << 40, bytes: 1 << 20))
        pair.append(1_000, timestamp: 0, fill: 1, keyframe: true)
        for frame in 1..<5_000 { pair.append(1_000, timestamp: Int64(frame), fill: 2) }
        #expect(pair.writer.retainedBytes <= 1 << 20)
        #expect(pair.writer.joinPoint == nil)
    }

    @Test("the newest keyframe is kept past the retention while memory allows")
    func keyframeKept() {
        var pair = Pair(.init(milliseconds: 100, bytes: 64 << 20))
        pair.append(1_000, timestamp: 0, fill: 1, keyframe: true)
        for frame in 1..<3_000 { pair.append(1_000, timestamp: Int64(frame * 33), fill: 2) }
        #expect(pair.writer.joinPoint?.offset == 0)
        pair.append(1_000, timestamp: 100_000, fill: 3, keyframe: true)
        for frame in 1..<600 { pair.append(1_000, timestamp: 100_000 + Int64(frame * 33), fill: 2) }
        #expect(pair.writer.tail > 0)
    }

    @Test("a frame larger than a segment lies in one piece")
    func largeFrame() {
        var pair = Pair(.init())
        pair.append(10, timestamp: 0, fill: 1)
        pair.append(LogWriter.segmentBytes * 3, timestamp: 1, fill: 2)
        pair.append(10, timestamp: 2, fill: 3)
        pair.publish()
        let read = pair.read(from: 0)
        #expect(read == pair.written)
        #expect(pair.writer.segments.count == 3)
    }

    @Test("updates that a busy loop missed are taken in at once")
    func merge() {
        var pair = Pair(.init())
        var pending: LogUpdate?
        for frame in 0..<100 {
            pair.append(10_000, timestamp: Int64(frame), fill: UInt8(frame))
            let update = pair.writer.takeUpdate()
            if pending == nil { pending = update } else { pending!.merge(update) }
        }
        pair.reader.extend(pending!)
        var offset: UInt64 = 0
        while offset < pair.reader.head {
            let bytes = pair.read(from: offset)
            let isRight = pair.wrote(bytes, at: offset)
            #expect(isRight)
            offset += UInt64(bytes.count)
        }
    }

    @Test("an update has news when segments or the join point changed, and what a busy loop missed of them is kept")
    func news() {
        var pair = Pair(.init())
        pair.append(10, timestamp: 0, fill: 1, keyframe: true)
        var pending = pair.writer.takeUpdate()
        #expect(pending.news?.segments.count == 1 && pending.news?.joinPoint?.offset == 0)
        pair.append(10, timestamp: 1, fill: 2)
        let quiet = pair.writer.takeUpdate()
        #expect(quiet.news == nil && quiet.head == 20 && quiet.newestMarkCount == 2)
        pending.merge(quiet)
        #expect(pending.news?.segments.count == 1 && pending.head == 20)
        pair.append(LogWriter.segmentBytes, timestamp: 2, fill: 3)
        pair.append(10, timestamp: 3, fill: 4, keyframe: true)
        pending.merge(pair.writer.takeUpdate())
        #expect(pending.news?.segments.map(\.base) == pair.writer.segments.map(\.base))
        #expect(pending.news?.joinPoint == pair.writer.joinPoint && pending.newestMarkCount == 1)
        #expect(pair.writer.takeUpdate().news == nil)
        #expect(pair.writer.wholeUpdate.news?.segments.count == pair.writer.segments.count)
    }

    @Test("the frame rate comes out of rounded timestamps", arguments: [24.0, 25, 29.97, 50, 60])
    func rate(_ expected: Double) {
        var pair = Pair(.init())
        #expect(pair.writer.rate(of: .video, without: .configuration) == 0)
        for frame in 0..<200 {
            let time = Int64((Double(frame) * 1000 / expected).rounded())
            pair.append(3000, timestamp: time, fill: 1)
            let rate = pair.writer.rate(of: .video, without: .configuration)
            if frame == 0 { #expect(rate == 0) }
            if frame >= 64 { #expect(abs(rate - expected) < expected / 1000) }
        }
        #expect(pair.writer.rate(of: .audio, without: .configuration) == 0)
        #expect(pair.writer.rate(of: .video, without: .video) == 0)
    }
}

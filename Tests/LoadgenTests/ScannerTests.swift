import Testing

@testable import loadgen

/// What a scanner handed out, kept beyond its next call.
private struct Seen: Equatable {
    var type: UInt8
    var timestamp: UInt32
    var length: Int
    var prefix: [UInt8]
}

private struct Random {
    var state: UInt64
    mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(limit))
    }
}

/// Feeds `bytes` in random pieces, as a socket would.
private func pieces(of bytes: [UInt8], _ random: inout Random, _ feed: (inout UnsafeRawBufferPointer) throws -> Void)
    rethrows
{
    var at = 0
    while at < bytes.count {
        let end = min(bytes.count, at + 1 + random.below(random.below(2) == 0 ? 5 : 900))
        // A copy, so that reading past its end would be seen.
        try Array(bytes[at..<end]).withUnsafeBytes { raw in
            var input = raw
            try feed(&input)
        }
        at = end
    }
}

@Suite struct ScannerTests {
    @Test("every header format, interleaving and extended timestamp gives the same messages, however it is cut")
    func chunks() throws {
        for seed in 0..<300 {
            var random = Random(state: UInt64(seed))
            let repeats = seed % 2 == 0
            let chunkSize = 1 + random.below(300)
            let base: UInt32 = seed % 3 == 0 ? 0x0100_0000 : 1000
            var bytes: [UInt8] = []
            var expected: [Seen] = []
            var clocks: [UInt32] = [base, base]
            let ids: [UInt8] = [4, 6]
            for round in 0..<20 {
                // Two messages whose chunks alternate.
                var left: [[UInt8]] = []
                var extended: [UInt32?] = []
                var both: [Seen] = []
                for stream in 0..<2 {
                    let length = 1 + random.below(700)
                    let body = (0..<length).map { _ in UInt8(random.below(200)) }
                    let format = round == 0 ? 0 : random.below(2)
                    let step = UInt32(random.below(50))
                    if round > 0 { clocks[stream] &+= step }
                    let time = format == 0 ? clocks[stream] : step
                    let long = time >= 0xff_ffff
                    bytes.append(UInt8(format << 6) | ids[stream])
                    ChunkWriter.append24(long ? 0xff_ffff : time, to: &bytes)
                    ChunkWriter.append24(UInt32(length), to: &bytes)
                    bytes.append(9)
                    if format == 0 { bytes += [1, 0, 0, 0] }
                    if long { withUnsafeBytes(of: time.bigEndian) { bytes += $0 } }
                    bytes += body.prefix(chunkSize)
                    left.append(Array(body.dropFirst(chunkSize)))
                    extended.append(long ? time : nil)
                    both.append(
                        Seen(type: 9, timestamp: clocks[stream], length: length, prefix: Array(body.prefix(512))))
                    if left[stream].isEmpty { expected.append(both[stream]) }
                }
                while left.contains(where: { !$0.isEmpty }) {
                    for stream in 0..<2 where !left[stream].isEmpty {
                        bytes.append(0xc0 | ids[stream])
                        if repeats, let time = extended[stream] { withUnsafeBytes(of: time.bigEndian) { bytes += $0 } }
                        bytes += left[stream].prefix(chunkSize)
                        left[stream] = Array(left[stream].dropFirst(chunkSize))
                        if left[stream].isEmpty { expected.append(both[stream]) }
                    }
                }
            }
            var scanner = ChunkScanner()
            scanner.chunkSize = chunkSize
            var seen: [Seen] = []
            try pieces(of: bytes, &random) { input in
                while let message = try scanner.next(&input) {
                    seen.append(
                        Seen(
                            type: message.type, timestamp: message.timestamp, length: message.length,
                            prefix: Array(message.prefix)))
                }
            }
            #expect(seen == expected, "seed \(seed)")
        }
    }

    @Test("FLV tags come through plain, chunked and WebSocket bodies, however they are cut")
    func bodies() throws {
        for seed in 0..<300 {
            var random = Random(state: UInt64(seed))
            var flv: [UInt8] = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
            var expected: [Seen] = []
            for index in 0..<30 {
                let body = (0..<random.below(900)).map { _ in UInt8(random.below(256)) }
                let time = UInt32(0x00ff_fff0 + index)
                flv.append(9)
                ChunkWriter.append24(UInt32(body.count), to: &flv)
                ChunkWriter.append24(time & 0xff_ffff, to: &flv)
                flv += [UInt8(time >> 24), 0, 0, 0] + body + [0, 0, 0, 0]
                expected.append(Seen(type: 9, timestamp: time, length: body.count, prefix: Array(body.prefix(512))))
            }
            let kind = seed % 3
            var wire = Array((kind == 2 ? "HTTP/1.1 101 Switching\r\n" : "HTTP/1.1 200 OK\r\n").utf8)
            if kind == 1 { wire += Array("Transfer-Encoding: chunked\r\n".utf8) }
            wire += Array("\r\n".utf8)
            var at = 0
            while at < flv.count {
                let count = min(flv.count - at, 1 + random.below(kind == 2 && random.below(3) == 0 ? 70_000 : 200))
                if kind == 1 { wire += Array((String(count, radix: 16) + "\r\n").utf8) }
                if kind == 2 {
                    if random.below(4) == 0 { wire += [0x89, 2, 1, 2] }
                    wire.append(0x82)
                    if count < 126 {
                        wire.append(UInt8(count))
                    } else if count < 65_536 {
                        wire += [126, UInt8(count >> 8), UInt8(count & 255)]
                    } else {
                        wire += [127, 0, 0, 0, 0, 0, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
                    }
                }
                wire += flv[at..<at + count]
                if kind == 1 { wire += [13, 10] }
                at += count
            }
            var body = BodyScanner(webSocket: kind == 2)
            var tags = TagScanner()
            var seen: [Seen] = []
            try pieces(of: wire, &random) { input in
                while var piece = try body.next(&input) {
                    while let tag = try tags.next(&piece) {
                        seen.append(
                            Seen(
                                type: tag.type, timestamp: tag.timestamp, length: tag.length, prefix: Array(tag.prefix))
                        )
                    }
                }
            }
            #expect(seen == expected, "seed \(seed)")
        }
    }

    @Test("a stamp is found first, or behind a delimiter, and holds no byte that needs escaping")
    func stamps() {
        let stamp = Stamp(clock: 123_456_789_012_345, run: 16_383, sequence: 30_000_000_000, stream: 1999)
        for delimiter in [[], [0, 0, 0, 2, 9, 0xf0]] as [[UInt8]] {
            var body: [UInt8] = [0x17, 1, 0, 0, 0] + delimiter
            let start = body.count + 4
            stamp.append(to: &body, lengthSize: 4)
            #expect(body.count == start + Stamp.unitLength)
            #expect(!body[start...].contains(0))
            for cut in 0..<body.count { _ = body[..<cut].withUnsafeBytes { Stamp(videoBody: $0) } }
            #expect(body.withUnsafeBytes { Stamp(videoBody: $0) } == stamp)
        }
    }

    @Test("random bytes end a scanner with an error or with nothing, never with a trap")
    func noise() {
        for seed in 0..<3000 {
            var random = Random(state: UInt64(seed) &+ 99)
            let bytes = (0..<2000).map { _ in UInt8(random.below(256)) }
            var scanner = ChunkScanner()
            try? pieces(of: bytes, &random) { input in
                while let message = try scanner.next(&input) { _ = Command(message.prefix) }
            }
            var tags = TagScanner()
            try? pieces(of: Array("FLV".utf8) + [1, 5, 0, 0, 0, 9, 0, 0, 0, 0, 9] + bytes, &random) { input in
                while let tag = try tags.next(&input) { _ = Stamp(videoBody: tag.prefix) }
            }
        }
    }

    @Test("percentiles are within two percent")
    func percentiles() {
        var histogram = Histogram()
        for value in 1...100_000 { histogram.record(nanoseconds: UInt64(value) * 1000) }
        #expect(abs(histogram.percentile(0.5) - 50) < 1)
        #expect(abs(histogram.percentile(0.99) - 99) < 2)
        #expect(histogram.maximum == 100)
    }
}

@preconcurrency import Glibc
import Testing

@testable import loadgen

/// Three pictures a loop, the first a keyframe, and a frame of AAC behind each, as FLV.
private enum Film {
    static let sps: [UInt8] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01]
    static let pps: [UInt8] = [0x68, 0xce, 0x3c, 0x80]

    static func file(pictureSize: Int, offset: Int32 = 0) throws -> FLVFile {
        var bytes: [UInt8] = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
        let configuration: [UInt8] =
            [0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, UInt8(sps.count)] + sps + [1, 0, UInt8(pps.count)]
            + pps
        append(9, 0, configuration, &bytes)
        append(8, 0, [0xaf, 0, 0x11, 0x90], &bytes)
        let shift = UInt32(bitPattern: offset)
        for index in 0..<3 {
            let isKey = index == 0
            var body: [UInt8] = [isKey ? 0x17 : 0x27, 1, UInt8(shift >> 16 & 255), UInt8(shift >> 8 & 255)]
            body.append(UInt8(shift & 255))
            withUnsafeBytes(of: UInt32(pictureSize).bigEndian) { body += $0 }
            body += [isKey ? 0x65 : 0x41] + [UInt8](repeating: 0xab, count: pictureSize - 1)
            append(9, UInt32(index * 40), body, &bytes)
            append(8, UInt32(index * 40 + 10), [0xaf, 1] + [UInt8](repeating: 0x21, count: 300), &bytes)
        }
        // Tests run side by side, and some want the same film.
        var name = Array("/tmp/loadgen-film-XXXXXX".utf8CString)
        let out = fdopen(mkstemp(&name), "wb")
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        fwrite(bytes, 1, bytes.count, out)
        fclose(out)
        defer { unlink(path) }
        return try FLVFile(path: path)
    }

    private static func append(_ type: UInt8, _ time: UInt32, _ body: [UInt8], _ out: inout [UInt8]) {
        out.append(type)
        ChunkWriter.append24(UInt32(body.count), to: &out)
        ChunkWriter.append24(time, to: &out)
        out += [0, 0, 0, 0] + body
        withUnsafeBytes(of: UInt32(body.count + 11).bigEndian) { out += $0 }
    }
}

/// The file's loops as MPEG-TS, the n-th picture with the number n, and the pictures' places in it.
private func stream(_ file: FLVFile, loops: Int, clockStart: UInt64 = 0) throws -> [UInt8] {
    var writer = try TSWriter(file, clockStart: clockStart)
    var out: [UInt8] = []
    var sequence: UInt64 = 0
    for loop in 0..<loops {
        for tag in file.media {
            var body: [UInt8] = []
            let stamp = tag.isPicture ? Stamp(clock: 1000 + sequence, run: 5, sequence: sequence, stream: 2) : nil
            if tag.isPicture { sequence += 1 }
            file.append(tag, stamp: stamp, to: &body)
            writer.append(tag, body, time: UInt64(loop) * UInt64(file.duration) + UInt64(tag.time), to: &out)
        }
    }
    return out
}

/// Reads the stream in messages of seven packets; message i comes at time i.
private func pictures(_ bytes: [UInt8], _ scanner: inout TSScanner) throws -> [TSScanner.Picture] {
    var found: [TSScanner.Picture] = []
    for (index, start) in stride(from: 0, to: bytes.count, by: SRTSocket.messageSize).enumerated() {
        try Array(bytes[start..<min(start + SRTSocket.messageSize, bytes.count)]).withUnsafeBytes { raw in
            var input = raw
            while let picture = try scanner.next(&input, at: UInt64(index)) { found.append(picture) }
        }
    }
    return found
}

private func packets(_ bytes: [UInt8]) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: 188).map { Array(bytes[$0..<min($0 + 188, bytes.count)]) }
}

private func pid(_ packet: [UInt8]) -> UInt16 { UInt16(packet[1] & 0x1f) << 8 | UInt16(packet[2]) }

@Suite struct TransportStreamTests {
    @Test(
        "every picture written is found again whole, with its stamp and time, whatever its size",
        arguments: [2, 100, 135, 136, 137, 138, 139, 140, 141, 142, 143, 319, 1000, 40_000, 70_000])
    func roundTrip(size: Int) throws {
        let bytes = try stream(try Film.file(pictureSize: size), loops: 4)
        #expect(bytes.count % 188 == 0)
        #expect(packets(bytes).allSatisfy { $0[0] == 0x47 })
        var scanner = TSScanner()
        let found = try pictures(bytes, &scanner)
        // A picture whose length does not fit into its field ends when the next one begins.
        #expect(found.count == (size > 65_000 ? 11 : 12))
        #expect(scanner.discontinuities == 0)
        for (index, picture) in found.enumerated() {
            #expect(picture.isWhole)
            #expect(picture.isKeyframe == (index % 3 == 0))
            #expect(picture.stamp == Stamp(clock: 1000 + UInt64(index), run: 5, sequence: UInt64(index), stream: 2))
            #expect(picture.timestamp == UInt32(index * 40 * 45 + 4500))
        }
        let arrivals = found.map { $0.arrived }
        #expect(arrivals == arrivals.sorted())
    }

    @Test("a time that rolls over at 33 bits goes on, and a composition offset moves no decoding time")
    func rollOver() throws {
        let start: UInt64 = 1 << 33 - 9000 - 90 * 100
        let file = try Film.file(pictureSize: 500, offset: 80)
        var scanner = TSScanner()
        let times = try pictures(try stream(file, loops: 3, clockStart: start), &scanner).map { $0.timestamp }
        #expect(times.first! > UInt32.max / 2 && times.last! < UInt32.max / 2)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 &- $0 == 40 * 45 })
    }

    @Test("a lost packet damages the picture that it belonged to, and no other")
    func loss() throws {
        let bytes = try stream(try Film.file(pictureSize: 3000), loops: 4)
        let all = packets(bytes)
        for (index, packet) in all.enumerated() where pid(packet) == TSWriter.videoPID && index > 10 {
            var scanner = TSScanner()
            var left = all
            left.remove(at: index)
            let found = try pictures(left.flatMap { $0 }, &scanner)
            let whole = found.filter { $0.isWhole }.compactMap { $0.stamp?.sequence }
            // The last picture may wait for packets that never come.
            #expect(whole.count == 11, "packet \(index)")
            #expect(Set(whole).count == 11)
        }
    }

    @Test("a packet that comes twice is read once")
    func duplicates() throws {
        let bytes = try stream(try Film.file(pictureSize: 1000), loops: 2)
        var scanner = TSScanner()
        let found = try pictures(packets(bytes).flatMap { $0 + $0 }, &scanner)
        #expect(found.count == 6)
        #expect(found.allSatisfy { $0.isWhole })
        #expect(scanner.discontinuities == 0)
    }

    @Test("tables come at least every 100 ms and before each keyframe, with right checksums and counters that count")
    func tables() throws {
        let bytes = try stream(try Film.file(pictureSize: 1000), loops: 30)
        var last: [UInt16: UInt8] = [:]
        var tables = 0
        for packet in packets(bytes) {
            let counter = packet[3] & 15
            if let before = last[pid(packet)] { #expect(counter == (before + 1) & 15) }
            last[pid(packet)] = counter
            guard pid(packet) == 0 || pid(packet) == 0x1000 else { continue }
            tables += 1
            let length = Int(packet[6] & 15) << 8 | Int(packet[7])
            #expect(TSWriter.checksum(packet[5..<(8 + length)]) == 0)
        }
        #expect(tables >= 2 * 30)
    }

    @Test("frames of AAC get an ADTS header with the right length, rate and channels")
    func sound() throws {
        let bytes = try stream(try Film.file(pictureSize: 1000), loops: 1)
        let first = packets(bytes).first { pid($0) == TSWriter.audioPID }!
        let header = Array(first[18..<25])
        #expect(header[0] == 0xff && header[1] == 0xf1)
        #expect(header[2] >> 6 == 1 && header[2] >> 2 & 15 == 3)
        #expect((header[2] & 1) << 2 | header[3] >> 6 == 2)
        #expect(Int(header[3] & 3) << 11 | Int(header[4]) << 3 | Int(header[5] >> 5) == 307)
    }

    @Test("random and cut packets end the scanner with an error or with nothing, never with a trap")
    func noise() throws {
        let good = try stream(try Film.file(pictureSize: 1000), loops: 3)
        for seed in 0..<2000 {
            var state = UInt64(seed)
            func random() -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state >> 33
            }
            var bytes = good
            for _ in 0..<40 { bytes[Int(random() % UInt64(bytes.count))] = UInt8(random() & 255) }
            // Sync bytes stay, so that what is behind them is looked at.
            if seed % 2 == 0 { for at in stride(from: 0, to: bytes.count, by: 188) { bytes[at] = 0x47 } }
            if seed % 5 == 0 { bytes.removeLast(Int(random() % 400)) }
            var scanner = TSScanner()
            _ = try? pictures(bytes, &scanner)
        }
    }

    @Test("SRT URLs carry their stream in the standard stream id, and without a path none")
    func streamIDs() throws {
        let target = try Target("srt://host:9000/live/show?u=me&s=x1")
        #expect(target.streamID(0, of: 1, mode: "publish") == "#!::r=live/show,m=publish,u=me,s=x1")
        #expect(target.streamID(2, of: 3, mode: "request") == "#!::r=live/show2,m=request,u=me,s=x1")
        #expect(try Target("srt://[::1]:9000").streamID(0, of: 1, mode: "request") == nil)
        #expect(throws: Failure.self) { try Options(["play", "--url", "http://a/b/c", "--protocol", "srt"]) }
        let options = try Options(["play", "--url", "srt://a/b/c", "--protocol", "srt", "--latency", "400"])
        #expect(options.srt.latency == 400)
    }

    @Test("what SRT holds back is told apart from what is beyond it")
    func beyond() {
        let tally = Tally()
        tally.isMeasuring = true
        tally.publishedWith = 100 * nanosecondsPerMillisecond
        var sight = Sight(from: 0, after: nil)
        sight.negotiated = 120 * nanosecondsPerMillisecond
        for sequence in 0..<10 as Range<UInt64> {
            let sent = (1000 + sequence * 40) * nanosecondsPerMillisecond
            let stamp = Stamp(clock: sent, run: 1, sequence: sequence, stream: 0)
            _ = sight.picture(
                isKeyframe: sequence == 0, timestamp: UInt32(sequence), stamp: stamp,
                at: sent + 250 * nanosecondsPerMillisecond, tally)
        }
        #expect(tally.latency.maximum == 250)
        #expect(tally.beyond.maximum == 30)
        #expect(tally.counts.pictures == 10 && tally.counts.lost == 0)
    }
}

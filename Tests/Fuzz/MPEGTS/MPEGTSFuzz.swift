/// Fuzz entry points for MPEG-TS: packets and tables as they come, PES payloads of every codec behind sound packets, and
/// message bodies into the muxer, whose output the reader must take.
import MPEGTS
import Media

/// Reads `data` as a transport stream in pieces whose lengths its own bytes choose.
public func fuzzTSReader(_ data: Span<UInt8>) {
    var limits = TSLimits()
    limits.videoUnit = 1 << 16
    limits.otherUnit = 1 << 14
    var reader = TSReader(limits: limits)
    var position = 0
    while position < data.count {
        let end = min(data.count, position + 1 + 2 * Int(data[position]))
        guard (try? reader.receive(data.extracting(position..<end))) != nil else { return }
        while reader.next() != nil {}
        position = end
    }
    reader.finish()
    while reader.next() != nil {}
}

/// The first byte of `data` chooses the codec, the rest are PES payloads: each a length of two bytes, and as many.
public func fuzzTSUnits(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let streams: [[UInt8]] = [
        [0x1b, 0xe1, 0, 0xf0, 0], [0x24, 0xe1, 0, 0xf0, 0], [0x0f, 0xe1, 0, 0xf0, 0], [0x11, 0xe1, 0, 0xf0, 0],
        [0x03, 0xe1, 0, 0xf0, 0], [0x81, 0xe1, 0, 0xf0, 0], [0x87, 0xe1, 0, 0xf0, 0],
        [0x06, 0xe1, 0, 0xf0, 10, 5, 4, 0x4f, 0x70, 0x75, 0x73, 0x7f, 2, 0x80, 6], [0x86, 0xe1, 0, 0xf0, 0],
        [0x15, 0xe1, 0, 0xf0, 15, 0x26, 13, 0xff, 0xff, 0x49, 0x44, 0x33, 0x20, 0xff, 0x49, 0x44, 0x33, 0x20, 0, 0x0f],
        [0x06, 0xe1, 0, 0xf0, 9, 0x56, 5, 0x65, 0x6e, 0x67, 9, 0, 0x09, 0],
    ]
    let stream = streams[Int(data[0]) % streams.count]
    let sound: [UInt8] = [0x81, 0xe1, 1, 0xf0, 0]
    var bytes = packets(pid: 0, [0] + section(0, [0, 1, 0xf0, 0]))
    bytes += packets(pid: 0x1000, [0] + section(2, [0xe1, 0, 0xf0, 0] + stream + sound))
    // Something has to say what time it is before there can be data.
    bytes += packets(pid: 0x101, [0, 0, 1, 0xbd, 0, 8, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1])
    var counter: UInt8 = 0
    var position = 1
    while position + 2 <= data.count {
        let count = Int(data.u16(at: position)) & 0x7ff
        let end = min(data.count, position + 2 + count)
        var unit: [UInt8] = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1]
        if stream[0] == 0x86 { unit = [0] }
        unit += data.copy(position + 2..<end)
        let made = packets(pid: 0x100, unit, counter: counter)
        counter = (counter + UInt8(truncatingIfNeeded: made.count / 188)) & 0xf
        bytes += made
        position = end
    }
    fuzzTSReader(bytes.span)
}

/// Message bodies, each behind a byte of kind and a length of two bytes; what is written must be read without complaint.
public func fuzzTSMuxer(_ data: Span<UInt8>) {
    var muxer = TSMuxer()
    var reader = TSReader()
    var position = 0
    var time: Int64 = 0
    while position + 3 <= data.count {
        let kind = MediaKind.allCases[Int(data[position]) % MediaKind.allCases.count]
        let end = min(data.count, position + 3 + Int(data.u16(at: position + 1)))
        time += Int64(data[position]) * 8
        let body = data.extracting(position + 3..<end)
        let plan = muxer.plan(kind, timestamp: time, body: body, startsHere: data[position] & 0x80 != 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: plan.size) { buffer, count in
            muxer.write(plan, body: body, into: UnsafeMutableRawBufferPointer(buffer))
            count = plan.size
        }
        guard (try? reader.receive(bytes.span)) != nil else { fatalError("the muxer's packets are not taken") }
        while reader.next() != nil {}
        position = end
    }
    let counters = reader.counters
    precondition(counters.badSyncBytes == 0 && counters.malformedPackets == 0 && counters.badChecksums == 0)
    precondition(counters.discontinuities == 0)
}

private func section(_ table: UInt8, _ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [table, 0xb0, UInt8(content.count + 9), 0, 1, 0xc1, 0, 0] + content
    var sum: UInt32 = 0xffff_ffff
    for byte in bytes {
        sum ^= UInt32(byte) << 24
        for _ in 0..<8 { sum = sum & 0x8000_0000 != 0 ? sum << 1 ^ 0x04c1_1db7 : sum << 1 }
    }
    bytes.append(u32: sum)
    return bytes
}

/// Whole packets; the last is stuffed in its adaptation field.
private func packets(pid: UInt16, _ unit: [UInt8], counter: UInt8 = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    var counter = counter
    var position = 0
    while position < unit.count {
        let part = min(184, unit.count - position)
        let stuffing = 184 - part
        bytes += [0x47, (position == 0 ? 0x40 : 0) | UInt8(pid >> 8), UInt8(pid & 0xff)]
        bytes.append((stuffing > 0 ? 0x30 : 0x10) | counter)
        if stuffing > 0 { bytes.append(UInt8(stuffing - 1)) }
        if stuffing > 1 { bytes += [0] + [UInt8](repeating: 0xff, count: stuffing - 2) }
        bytes += unit[position..<position + part]
        counter = (counter + 1) & 0xf
        position += part
    }
    return bytes
}

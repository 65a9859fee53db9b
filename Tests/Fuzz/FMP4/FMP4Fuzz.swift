/// Fuzz entries of the FMP4 module: bodies of any bytes, each behind a byte of kind and a length of two bytes. What is
/// planned is written to the byte, and what is written is whole boxes.
import FMP4
import Media

/// The bodies of an input, with times that rise by the kind's upper bits, and now and then leap.
private func forEachBody(_ data: Span<UInt8>, _ visit: (MediaKind, UInt8, Int64, Span<UInt8>) -> Void) {
    var position = 0
    var time: Int64 = 0
    while position + 3 <= data.count {
        let head = data[position]
        let end = min(data.count, position + 3 + Int(data.u16(at: position + 1)))
        time += head & 0x80 != 0 ? Int64(head) << (head & 0x1f) : Int64(head)
        if head == 0xfc { time = -time }
        visit(MediaKind.allCases[Int(head) % MediaKind.allCases.count], head, time, data.extracting(position + 3..<end))
        position = end
    }
}

public func fuzzFMP4Muxer(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    var muxer = FrameMuxer(selection: selection(data[0]))
    forEachBody(data.extracting(1...)) { kind, head, time, body in
        if head == 0xfd { return muxer.beginSession() }
        let plan = muxer.plan(kind, timestamp: time, origin: head & 0x40 != 0 ? time : nil, body: body)
        guard plan.size > 0 else { return }
        let bytes = [UInt8](unsafeUninitializedCapacity: plan.size) { buffer, count in
            muxer.write(plan, body: body, into: UnsafeMutableRawBufferPointer(buffer))
            count = plan.size
        }
        checkBoxes(bytes)
    }
    checkBoxes(muxer.movie.initialization)
}

public func fuzzFMP4Fragments(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    var builder = FragmentBuilder(selection: selection(data[0]))
    var bodies: [[UInt8]] = []
    var sequence: UInt32 = 0
    func take(_ next: Int64?) {
        sequence += 1
        let bytes = [UInt8](unsafeUninitializedCapacity: builder.size) { buffer, count in
            count = builder.size
            builder.write(sequence: sequence, nextVideo: next, into: UnsafeMutableRawBufferPointer(buffer)) {
                reference, range, room in
                precondition(room.count == range.count)
                bodies[Int(reference)][range].withUnsafeBytes { room.copyMemory(from: $0) }
            }
        }
        checkBoxes(bytes)
        precondition(builder.isEmpty)
        bodies = []
    }
    forEachBody(data.extracting(1...)) { kind, head, time, body in
        switch head {
        case 0xfd: return builder.beginSession()
        case 0xff:
            if !builder.isEmpty { take(time) }
            return builder.beginSegment()
        default: break
        }
        var copy: [UInt8] = []
        for index in body.indices { copy.append(body[index]) }
        let outcome = builder.add(
            kind, timestamp: time, origin: time, body: body, reference: UInt64(bodies.count))
        if outcome == .added { bodies.append(copy) }
        if outcome == .full || head & 0x20 != 0, !builder.isEmpty { take(head & 0x10 != 0 ? time : nil) }
    }
    if !builder.isEmpty { take(nil) }
    checkBoxes(builder.movie.initialization)
}

private func selection(_ byte: UInt8) -> Movie.Selection {
    switch byte & 3 {
    case 0: .all
    case 1: .videoAndAudio(byte >> 2)
    case 2: .audio(byte >> 2)
    default: .video
    }
}

/// Sizes add up, at the top and in those boxes that hold others and nothing else.
private func checkBoxes(_ bytes: [UInt8]) { checkBoxes(bytes, 0..<bytes.count, depth: 0) }

private func checkBoxes(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) {
    var position = range.lowerBound
    while position < range.upperBound {
        precondition(range.upperBound - position >= 8)
        let size = Int(bytes.span.u32(at: position))
        precondition(size >= 8 && size <= range.upperBound - position)
        switch bytes.span.u32(at: position + 4) {
        // moov, moof, trak, traf, mdia, minf, stbl, mvex
        case 0x6d6f_6f76, 0x6d6f_6f66, 0x7472_616b, 0x7472_6166, 0x6d64_6961, 0x6d69_6e66, 0x7374_626c, 0x6d76_6578:
            checkBoxes(bytes, position + 8..<position + size, depth: depth + 1)
        default: break
        }
        position += size
    }
    precondition(position == range.upperBound && depth < 6)
}

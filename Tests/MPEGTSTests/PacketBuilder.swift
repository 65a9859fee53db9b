import Media

@testable import MPEGTS

/// Builds transport packets by hand, for streams that no muxer of ours makes.
struct PacketBuilder {
    private(set) var bytes: [UInt8] = []
    private var counters: [UInt16: UInt8] = [:]

    /// A PAT of these programs, by number, and their maps' PIDs.
    mutating func association(_ programs: [(UInt16, UInt16)]) {
        var content: [UInt8] = []
        for (number, pid) in programs {
            content.append(u16: number)
            content.append(u16: 0xe000 | pid)
        }
        unit(0, [0] + Self.section(0, number: 1, content))
    }

    /// A PMT; streams are a type, a PID and descriptors.
    mutating func map(
        _ program: UInt16, pid: UInt16, version: UInt8 = 0,
        _ streams: [(type: UInt8, pid: UInt16, descriptors: [UInt8])]
    ) {
        var content: [UInt8] = [0xff, 0xff, 0xf0, 0]
        for stream in streams {
            content.append(stream.type)
            content.append(u16: 0xe000 | stream.pid)
            content.append(u16: 0xf000 | UInt16(stream.descriptors.count))
            content += stream.descriptors
        }
        unit(pid, [0] + Self.section(2, number: program, version: version, content))
    }

    static func section(_ table: UInt8, number: UInt16, version: UInt8 = 0, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [table]
        bytes.append(u16: 0xb000 | UInt16(content.count + 9))
        bytes.append(u16: number)
        bytes += [0xc1 | version << 1, 0, 0] + content
        bytes.append(u32: CRC32.of(bytes.span))
        return bytes
    }

    mutating func pes(_ pid: UInt16, streamID: UInt8, pts: Int64?, _ payload: [UInt8]) {
        var bytes: [UInt8] = [0, 0, 1, streamID]
        let times = pts.map { pts -> [UInt8] in
            let time = UInt64(pts)
            return [
                0x21 | UInt8(time >> 30 & 7) << 1, UInt8(time >> 22 & 0xff), UInt8(time >> 15 & 0x7f) << 1 | 1,
                UInt8(time >> 7 & 0xff), UInt8(time & 0x7f) << 1 | 1,
            ]
        }
        bytes.append(u16: UInt16(3 + (times?.count ?? 0) + payload.count))
        bytes += [0x80, times == nil ? 0 : 0x80, UInt8(times?.count ?? 0)]
        unit(pid, bytes + (times ?? []) + payload)
    }

    mutating func unit(_ pid: UInt16, _ unit: [UInt8]) {
        var position = 0
        while position < unit.count {
            let part = min(184, unit.count - position)
            let stuffing = 184 - part
            let counter = counters[pid, default: 0]
            counters[pid] = (counter + 1) & 0xf
            bytes += [0x47, (position == 0 ? 0x40 : 0) | UInt8(pid >> 8), UInt8(pid & 0xff)]
            bytes.append((stuffing > 0 ? 0x30 : 0x10) | counter)
            if stuffing > 0 { bytes.append(UInt8(stuffing - 1)) }
            if stuffing > 1 { bytes += [0] + [UInt8](repeating: 0xff, count: stuffing - 2) }
            bytes += unit[position..<position + part]
            position += part
        }
    }

    /// Sections one behind the other, without anything between them, as multiplexers that save packets lay them; the last
    /// packet is filled up.
    mutating func sections(_ pid: UInt16, _ sections: [[UInt8]]) {
        var rest = sections.flatMap(\.self)[...]
        // Where the sections begin that have not begun yet.
        var starts: [Int] = []
        var at = 0
        for section in sections {
            starts.append(at)
            at += section.count
        }
        while !rest.isEmpty {
            let position = rest.startIndex
            let first = starts.first { $0 >= position && $0 < position + 183 }
            let room = first == nil ? 184 : 183
            let part = rest.prefix(room)
            rest = rest.dropFirst(part.count)
            let pointer = first.map { [UInt8($0 - position)] } ?? []
            let counter = counters[pid, default: 0]
            counters[pid] = (counter + 1) & 0xf
            bytes += [0x47, (first == nil ? 0 : 0x40) | UInt8(pid >> 8), UInt8(pid & 0xff), 0x10 | counter]
            bytes += pointer + part + [UInt8](repeating: 0xff, count: room - part.count)
        }
    }
}

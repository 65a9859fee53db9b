import Media

/// The PAT and PMT of a muxer as whole packets, made anew when the program changes; only their continuity counters change
/// from one repetition to the next.
struct MuxTables: Sendable {
    static let program: UInt16 = 1
    static let mapPID: UInt16 = 0x1000
    private static let transportStream: UInt16 = 1

    private(set) var packets: [UInt8] = []
    /// The first packet of each PID says that its counter follows on nothing.
    var marksStart = false
    /// What the map says, its version left out.
    private var map: [UInt8] = []
    private var version: UInt8 = 0
    /// The map that readers have: one that changes and changes back before it was sent is no news.
    private var sent: (map: [UInt8], version: UInt8)?
    private var associationCounter: UInt8 = 15
    private var mapCounter: UInt8 = 15

    var size: Int { packets.count }

    /// Readers have this very map.
    var areKnown: Bool { sent.map { $0.version == version } ?? false }

    mutating func make(_ tracks: [MuxTrack], clockPID: UInt16) {
        var association: [UInt8] = []
        association.append(u16: Self.program)
        association.append(u16: 0xe000 | Self.mapPID)
        // The PAT says the same all along: its version stays.
        packets = Self.packet(Self.section(0, Self.transportStream, version: 0, association), pid: 0)

        map = []
        map.append(u16: 0xe000 | clockPID)
        let program = Self.programDescriptors(tracks)
        map.append(u16: 0xf000 | UInt16(program.count))
        map += program
        // Players that take the first of all tracks find sound or pictures.
        for track in tracks.filter({ $0.kind != .script }) + tracks.filter({ $0.kind == .script }) {
            map.append(track.streamType)
            map.append(u16: 0xe000 | track.pid)
            map.append(u16: 0xf000 | UInt16(track.descriptors.count))
            map += track.descriptors
        }
        version = sent.map { $0.map == map ? $0.version : ($0.version + 1) & 0x1f } ?? 0
        packets += Self.packet(Self.section(2, Self.program, version: version, map), pid: Self.mapPID)
    }

    /// What is said of data tracks where the whole program is described.
    private static func programDescriptors(_ tracks: [MuxTrack]) -> [UInt8] {
        var descriptors: [[UInt8]] = []
        for track in tracks {
            guard case .data(let data) = track.codec else { continue }
            let descriptor = data.programDescriptor(of: program)
            if !descriptors.contains(descriptor) { descriptors.append(descriptor) }
        }
        return descriptors.flatMap(\.self)
    }

    private static func section(_ table: UInt8, _ number: UInt16, version: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [table]
        bytes.append(u16: 0xb000 | UInt16(content.count + 9))
        bytes.append(u16: number)
        bytes += [0xc1 | version << 1, 0, 0]
        bytes += content
        bytes.append(u32: CRC32.of(bytes.span))
        return bytes
    }

    private static func packet(_ section: [UInt8], pid: UInt16) -> [UInt8] {
        let content = [0] + section
        var packets: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty {
            // The first packet leaves room for `marked`.
            let isFirst = packets.isEmpty
            let part = rest.prefix(isFirst ? PacketWriter.payload - markSize : PacketWriter.payload)
            rest = rest.dropFirst(part.count)
            packets += [TSPacket.sync, (isFirst ? 0x40 : 0) | UInt8(pid >> 8), UInt8(pid & 0xff), 0x10]
            packets += part
            packets += [UInt8](repeating: 0xff, count: PacketWriter.payload - part.count)
        }
        return packets
    }

    private static let markSize = 2

    /// The same packets, with an adaptation field in the first that tells of a discontinuity.
    private static func marked(_ packets: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = Array(packets)
        bytes.insert(contentsOf: [1, 0x80], at: 4)
        bytes.removeSubrange(TSPacket.size..<(TSPacket.size + markSize))
        return bytes
    }

    mutating func put(into writer: inout PacketWriter) {
        let first = packets[0..<TSPacket.size]
        let second = packets[TSPacket.size...]
        if marksStart, sent == nil {
            writer.putTable(Self.marked(first)[...], counter: &associationCounter, isMarked: true)
            writer.putTable(Self.marked(second)[...], counter: &mapCounter, isMarked: true)
        } else {
            writer.putTable(first, counter: &associationCounter)
            writer.putTable(second, counter: &mapCounter)
        }
        if !areKnown { sent = (map, version) }
    }
}

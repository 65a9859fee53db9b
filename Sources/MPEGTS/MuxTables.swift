import Media

/// The PAT and PMT of a muxer as whole packets, made anew when the program changes; only their continuity counters change
/// from one repetition to the next.
struct MuxTables: Sendable {
    static let program: UInt16 = 1
    static let mapPID: UInt16 = 0x1000
    private static let transportStream: UInt16 = 1

    private(set) var packets: [UInt8] = []
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
        map.append(u16: 0xf000)
        for track in tracks {
            map.append(track.streamType)
            map.append(u16: 0xe000 | track.pid)
            map.append(u16: 0xf000 | UInt16(track.descriptors.count))
            map += track.descriptors
        }
        version = sent.map { $0.map == map ? $0.version : ($0.version + 1) & 0x1f } ?? 0
        packets += Self.packet(Self.section(2, Self.program, version: version, map), pid: Self.mapPID)
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
        for start in stride(from: 0, to: content.count, by: PacketWriter.payload) {
            let part = content[start..<min(content.count, start + PacketWriter.payload)]
            packets += [TSPacket.sync, (start == 0 ? 0x40 : 0) | UInt8(pid >> 8), UInt8(pid & 0xff), 0x10]
            packets += part
            packets += [UInt8](repeating: 0xff, count: PacketWriter.payload - part.count)
        }
        return packets
    }

    mutating func put(into writer: inout PacketWriter) {
        writer.putTable(packets[0..<TSPacket.size], counter: &associationCounter)
        writer.putTable(packets[TSPacket.size...], counter: &mapCounter)
        if !areKnown { sent = (map, version) }
    }
}

/// Where the last whole frame ends of a file that a crash has cut off. A killed process may leave half of a write, and
/// players complain of half a frame at the end.
///
/// The only place here that knows what files of a format are made of: as much as their frames' sizes, which it follows
/// from the first to the last. What it does not understand it leaves as it is. It reads through `window`, and holds no
/// more of the file than that.
struct WholeFrames {
    typealias Read = (_ offset: Int64, _ count: Int) throws(DiskError) -> [UInt8]

    private let size: Int64
    private let read: Read
    private var start: Int64 = 0
    private var window: [UInt8] = []

    /// Bytes read at once: several frames of most streams.
    private static let windowBytes = 64 << 10
    /// Transport packets that are gone back over for the start of the last frame: 16 MB, more than any has.
    private static let longestFrame = 90_000

    private init(_ size: Int64, _ read: @escaping Read) {
        self.size = size
        self.read = read
    }

    /// The file's size without the frame that is cut off at its end; nil for a file that is not what it is called.
    static func end(of format: RecordingFormat, size: Int64, _ read: @escaping Read) throws(DiskError) -> Int64? {
        var file = WholeFrames(size, read)
        return switch format {
        case .flv: try file.endOfTags()
        case .ts: try file.endOfPackets()
        case .fmp4: try file.endOfFragments()
        }
    }

    /// Fewer than `count` at the end of the file.
    private mutating func bytes(at offset: Int64, _ count: Int) throws(DiskError) -> ArraySlice<UInt8> {
        let stop = min(offset + Int64(count), size)
        guard offset < stop else { return [] }
        if offset < start || stop > start + Int64(window.count) {
            window = try read(offset, WholeFrames.windowBytes)
            start = offset
        }
        let first = Int(offset - start)
        return window[min(first, window.count)..<min(Int(stop - start), window.count)]
    }

    private mutating func number(at offset: Int64, _ count: Int) throws(DiskError) -> Int64? {
        let found = try bytes(at: offset, count)
        return found.count == count ? found.reduce(0) { $0 << 8 | Int64($1) } : nil
    }

    /// FLV: tags, each with its size behind it (Adobe FLV 10.1, E.4).
    private mutating func endOfTags() throws(DiskError) -> Int64? {
        guard try bytes(at: 0, 3).elementsEqual("FLV".utf8) else { return nil }
        var at: Int64 = 13
        while let body = try number(at: at + 1, 3), at + 15 + body <= size { at += 15 + body }
        return min(at, size)
    }

    /// Nothing tells of packets that are missing at the end; of a packet that is cut off it is known that there are some.
    /// A frame begins where the payload of a packet begins with a PES header (ISO/IEC 13818-1, 2.4.3).
    private mutating func endOfPackets() throws(DiskError) -> Int64? {
        guard try bytes(at: 0, 1).first == 0x47 else { return nil }
        let whole = size / 188 * 188
        guard whole < size else { return size }
        // The packet that is cut off may be a frame's first, or one of the tables before it: the frame before is whole.
        let torn = Array(try bytes(at: whole, 2))
        if torn.count == 2, torn[1] & 0x40 != 0 { return whole }
        var at = whole
        for _ in 0..<WholeFrames.longestFrame where at >= 188 {
            at -= 188
            // Backwards: each window ends with what is looked at.
            let packet = Array(try read(at, 188))
            guard packet.count == 188, packet[0] == 0x47 else { return whole }
            guard packet[1] & 0x40 != 0, packet[3] & 0x10 != 0 else { continue }
            let payload = packet[3] & 0x20 == 0 ? 4 : 5 + Int(packet[4])
            if payload + 3 <= packet.count, packet[payload..<payload + 3].elementsEqual([0, 0, 1]) { return at }
        }
        return whole
    }

    /// Fragmented MP4: boxes (ISO/IEC 14496-12, 4.2). A fragment ends with its `mdat`.
    private mutating func endOfFragments() throws(DiskError) -> Int64? {
        guard try bytes(at: 4, 4).elementsEqual("ftyp".utf8) else { return nil }
        var (at, whole): (Int64, Int64) = (0, 0)
        while var length = try number(at: at, 4) {
            let type = Array(try bytes(at: at + 4, 4))
            if length == 1, let long = try number(at: at + 8, 8) { length = long }
            // Size 0 is a box without an end, which nobody writes here; below 8 it is none.
            guard length >= 8, length <= size - at else { break }
            at += length
            if ["ftyp", "moov", "mdat"].contains(where: { type.elementsEqual($0.utf8) }) { whole = at }
        }
        return whole
    }
}

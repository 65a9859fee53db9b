import FLV

/// Writes the head of a PES packet (ISO/IEC 13818-1 §2.4.3.6), which has a PTS always and a DTS where it differs.
///
/// It says its length wherever 16 bits hold it, for video too: a reader then has the frame with its last byte and need
/// not wait for the next.
enum PESWriter {
    private static let longest = 0xffff
    /// Bytes of a header up to the one that counts the rest of it.
    static let fixedSize = 9
    private static let timeSize = 5

    static func size(pts: Int64, dts: Int64) -> Int { pts == dts ? 14 : 19 }

    /// `count` is that of the payload.
    static func put(_ streamID: UInt8, pts: Int64, dts: Int64, count: Int, into writer: inout PacketWriter) {
        var head: [19 of UInt8] = .init(repeating: 0)
        let size = size(pts: pts, dts: dts)
        let length = size - PESHeader.prefix + count
        head[2] = 1
        head[3] = streamID
        if length <= longest {
            head[4] = UInt8(length >> 8)
            head[5] = UInt8(length & 0xff)
        }
        head[6] = 0x84  // data_alignment_indicator: each packet begins with a frame
        head[7] = pts == dts ? 0x80 : 0xc0
        head[8] = UInt8(size - 9)
        put(pts, mark: pts == dts ? 0x21 : 0x31, at: 9, into: &head)
        if pts != dts { put(dts, mark: 0x11, at: 14, into: &head) }
        writer.put(head, size)
    }

    // MARK: Data

    /// Bytes of the header of a data packet; nil if such a packet cannot say how long it is.
    static func size(_ data: DataMessage) -> Int? {
        var size = PESHeader.prefix
        if !PESHeader.isBare(data.streamID) { size = fixedSize + dataHeaderSize(data) }
        return size - PESHeader.prefix + data.payload.count <= longest ? size : nil
    }

    /// As long as the source's was, or longer if the time needs it.
    private static func dataHeaderSize(_ data: DataMessage) -> Int {
        max(Int(data.headerSize), data.pts == nil ? 0 : timeSize)
    }

    /// The header of a data packet, whose time is `pts`.
    static func put(_ data: DataMessage, pts: Int64, into writer: inout PacketWriter) {
        guard let size = size(data) else { return }
        var head: [19 of UInt8] = .init(repeating: 0xff)
        let length = size - PESHeader.prefix + data.payload.count
        (head[0], head[1], head[2], head[3]) = (0, 0, 1, data.streamID)
        (head[4], head[5]) = (UInt8(length >> 8), UInt8(length & 0xff))
        if size > PESHeader.prefix {
            head[6] = data.isAligned ? 0x84 : 0x80
            head[7] = data.pts == nil ? 0 : 0x80
            head[8] = UInt8(size - fixedSize)
            if data.pts != nil { put(pts, mark: 0x21, at: 9, into: &head) }
        }
        let used = min(size, fixedSize + timeSize)
        writer.put(head, used)
        writer.putStuffing(size - used)
    }

    private static func put(_ time: Int64, mark: UInt8, at i: Int, into head: inout [19 of UInt8]) {
        let time = UInt64(truncatingIfNeeded: time)
        head[i] = mark | UInt8(truncatingIfNeeded: time >> 30 & 7) << 1
        head[i + 1] = UInt8(truncatingIfNeeded: time >> 22)
        head[i + 2] = UInt8(truncatingIfNeeded: time >> 15 & 0x7f) << 1 | 1
        head[i + 3] = UInt8(truncatingIfNeeded: time >> 7)
        head[i + 4] = UInt8(truncatingIfNeeded: time & 0x7f) << 1 | 1
    }
}

import Media

/// A box, read by the letter of ISO/IEC 14496-12 §4.2 and without the module that writes them.
public struct Box {
    public var type: String
    /// Where it starts in the file, and its bytes without size and type.
    public var start: Int
    public var payload: [UInt8]
    public var children: [Box] = []

    public struct Malformed: Error { public var what: String }

    private static let containers: Set<String> = [
        "moov", "trak", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf",
    ]

    /// Bytes before the boxes inside a sample entry or description.
    private static func head(_ type: String) -> Int? {
        switch type {
        case "stsd", "dref": 8
        case "avc1", "avc3", "hvc1", "av01", "vp09": 78
        case "mp4a", "Opus", "fLaC", "ac-3", "ec-3": 28
        default: containers.contains(type) ? 0 : nil
        }
    }

    public static func parse(_ bytes: [UInt8], at base: Int = 0) throws -> [Box] {
        var boxes: [Box] = []
        var position = 0
        while position < bytes.count {
            guard bytes.count - position >= 8 else { throw Malformed(what: "\(bytes.count - position) bytes are left") }
            let size = Int(bytes.span.u32(at: position))
            let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
            guard size >= 8, size <= bytes.count - position else { throw Malformed(what: "\(type) has \(size) bytes") }
            var box = Box(
                type: type, start: base + position, payload: Array(bytes[position + 8..<position + size]))
            if let head = head(type) {
                box.children = try parse(Array(box.payload.dropFirst(head)), at: base + position + 8 + head)
            }
            boxes.append(box)
            position += size
        }
        return boxes
    }

    public subscript(_ path: String...) -> [Box] {
        var level = [self]
        for name in path { level = level.flatMap(\.children).filter { $0.type == name } }
        return level
    }

    public func u16(_ at: Int) -> Int { Int(payload.span.u16(at: at)) }
    public func u32(_ at: Int) -> Int { Int(payload.span.u32(at: at)) }
    public func u64(_ at: Int) -> Int { Int(payload.span.u64(at: at)) }
    public func i32(_ at: Int) -> Int { Int(Int32(bitPattern: payload.span.u32(at: at))) }
}

//! An FLV file in memory, as tags ready to be published in a loop.

@preconcurrency import Glibc

/// One tag of the file.
struct Tag {
    let type: UInt8
    /// Milliseconds from the start of the loop.
    let time: UInt32
    let body: Range<Int>
    /// A coded picture in H.264, which gets a stamp.
    let isPicture: Bool
    let isKeyframe: Bool
}

struct FLVFile {
    let bytes: [UInt8]
    /// Metadata and codec configurations: sent once, before anything else.
    private(set) var opening: [Tag] = []
    private(set) var media: [Tag] = []
    /// Milliseconds from one loop to the next.
    private(set) var duration: UInt32 = 0
    /// Bytes in front of each NAL unit, from the avcC.
    private(set) var lengthSize = 4

    init(path: String) throws(Failure) {
        guard let file = fopen(path, "rb") else { throw Failure.system("cannot open \(path)", errno) }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let size = max(0, ftell(file))
        rewind(file)
        bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = fread(buffer.baseAddress, 1, size, file)
        }
        guard bytes.count > 13, bytes.starts(with: [0x46, 0x4c, 0x56]) else {
            throw Failure("\(path): not an FLV file")
        }
        readTags()
        guard media.contains(where: { $0.isKeyframe }) else {
            throw Failure("\(path): no H.264 keyframe; publish a file with H.264 video")
        }
    }

    private mutating func readTags() {
        var at = 13
        var first: UInt32?
        while at + 11 <= bytes.count {
            let type = bytes[at] & 0x1f
            let length = Int(bytes[at + 1]) << 16 | Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
            var time = UInt32(bytes[at + 4]) << 16 | UInt32(bytes[at + 5]) << 8 | UInt32(bytes[at + 6])
            time |= UInt32(bytes[at + 7]) << 24
            let body = at + 11..<at + 11 + length
            at = body.upperBound + 4
            guard body.upperBound <= bytes.count else { break }
            let isConfiguration = configures(type, body)
            if type != 18, !isConfiguration, first == nil { first = time }
            let relative = time &- (first ?? time)
            let isH264 = type == 9 && length > 5 && bytes[body.lowerBound] & 0x8f == 7
            let isPicture = isH264 && bytes[body.lowerBound + 1] == 1
            let tag = Tag(
                type: type, time: relative, body: body, isPicture: isPicture,
                isKeyframe: isPicture && bytes[body.lowerBound] >> 4 == 1)
            if type == 18 || isConfiguration {
                opening.append(tag)
                if isH264, length > 9 { lengthSize = Int(bytes[body.lowerBound + 9] & 3) + 1 }
            } else if type == 8 || isPicture {
                media.append(tag)
            }
        }
        measure()
    }

    /// Whether a tag is an AVC or AAC sequence header.
    private func configures(_ type: UInt8, _ body: Range<Int>) -> Bool {
        guard body.count > 1, type == 9 || type == 8 else { return false }
        let first = bytes[body.lowerBound]
        return bytes[body.lowerBound + 1] == 0 && (type == 9 ? first & 0x8f == 7 : first >> 4 == 10)
    }

    /// A loop lasts as long as its pictures do, the last one included.
    private mutating func measure() {
        let pictures = media.filter { $0.isPicture }
        guard let first = pictures.first, let last = pictures.last else { return }
        let span = Int(last.time - first.time)
        let interval = pictures.count > 1 ? Double(span) / Double(pictures.count - 1) : 40
        let end = UInt32((Double(pictures.count) * interval).rounded())
        duration = max(first.time + end, (media.map { $0.time }.max() ?? 0) + 5)
    }

    /// Appends a tag's body; a picture gets its stamp, in front of everything but an access unit delimiter.
    func append(_ tag: Tag, stamp: Stamp?, to out: inout [UInt8]) {
        guard let stamp, tag.isPicture else {
            out += bytes[tag.body]
            return
        }
        var head = tag.body.lowerBound + 5
        let unit = head + lengthSize
        if unit < tag.body.upperBound, bytes[unit] & 0x1f == 9 {
            let length = bytes[head..<unit].reduce(0) { $0 << 8 | Int($1) }
            head = min(unit + length, tag.body.upperBound)
        }
        out += bytes[tag.body.lowerBound..<head]
        stamp.append(to: &out, lengthSize: lengthSize)
        out += bytes[head..<tag.body.upperBound]
    }
}

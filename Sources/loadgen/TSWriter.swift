//! FLV tags to an MPEG transport stream (ISO/IEC 13818-1): H.264 and AAC in one program, nothing else.
//!
//! The program's own, and as small as that allows: it shares no line, and so no mistake, with the server that it tests.
//! Everything that it appends is whole packets of 188 bytes.

struct TSWriter {
    static let packetSize = 188
    static let videoPID: UInt16 = 0x100
    static let audioPID: UInt16 = 0x101
    private static let tablePID: UInt16 = 0x1000
    /// Ticks of 90 kHz: tables are repeated so often, far below the half second that ETSI TR 101 290 allows.
    private static let tablesEvery: UInt64 = 9000
    /// How much later than the clock in the stream a frame is decoded.
    private static let decodeDelay: UInt64 = 9000
    /// 33 bits.
    private static let clockMask: UInt64 = 1 << 33 - 1

    private let clockStart: UInt64
    private let lengthSize: Int
    /// SPS and PPS, each behind a start code.
    private let parameterSets: [UInt8]
    /// ADTS header but for the length; nil without audio.
    private let adts: [UInt8]?
    private var counters: [UInt16: UInt8] = [:]
    private var tablesDue: UInt64 = 0
    private var unit: [UInt8] = []

    /// `clockStart` is where the 33-bit clock stands when the file's time is zero, in ticks of 90 kHz.
    init(_ file: FLVFile, clockStart: UInt64 = 0) throws(Failure) {
        self.clockStart = clockStart
        lengthSize = file.lengthSize
        var sets: [UInt8] = []
        var header: [UInt8]?
        for tag in file.opening {
            let body = Array(file.bytes[tag.body])
            if tag.type == 9 { sets = try TSWriter.parameterSets(body) }
            if tag.type == 8 { header = try TSWriter.adts(body) }
        }
        guard !sets.isEmpty else { throw Failure("the file has no H.264 configuration before its first picture") }
        parameterSets = sets
        adts = header
    }

    /// The sets of an AVC decoder configuration record (ISO/IEC 14496-15 §5.3.3.1), behind five bytes of FLV.
    private static func parameterSets(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        var sets: [UInt8] = []
        var at = 10
        for mask in [0x1f, 0xff] as [UInt8] {
            guard at < body.count else { throw Failure("the file's H.264 configuration is cut short") }
            let count = Int(body[at] & mask)
            at += 1
            for _ in 0..<count {
                guard at + 2 <= body.count else { throw Failure("the file's H.264 configuration is cut short") }
                let end = at + 2 + (Int(body[at]) << 8 | Int(body[at + 1]))
                guard end <= body.count else { throw Failure("the file's H.264 configuration is cut short") }
                sets += [0, 0, 0, 1] + body[(at + 2)..<end]
                at = end
            }
        }
        return sets
    }

    /// From an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) behind two bytes of FLV to ADTS (§1.A.2.2).
    private static func adts(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        guard body.count >= 4, body[0] >> 4 == 10 else { throw Failure("the file's sound is not AAC") }
        let frequency = (body[2] & 7) << 1 | body[3] >> 7
        let channels = body[3] >> 3 & 15
        guard frequency < 13, channels < 8 else { throw Failure("the file's AAC configuration does not fit into ADTS") }
        // What is above low complexity says so inside its frames.
        let profile = min(max(body[2] >> 3, 1), 2) - 1
        return [0xff, 0xf1, profile << 6 | frequency << 2 | channels >> 2, (channels & 3) << 6, 0, 0x1f, 0xfc]
    }

    /// Appends a media tag's packets. `body` is its FLV body, `time` its milliseconds.
    mutating func append(_ tag: Tag, _ body: [UInt8], time: UInt64, to out: inout [UInt8]) {
        let clock = clockStart &+ time * 90
        let decode = clock + TSWriter.decodeDelay
        if tag.isKeyframe || clock >= tablesDue {
            tablesDue = clock + TSWriter.tablesEvery
            appendTables(to: &out)
        }
        unit.removeAll(keepingCapacity: true)
        if tag.isPicture {
            // The composition offset is signed (ISO/IEC 14496-12, and the FLV specification after it).
            let offset = Int32(bitPattern: UInt32(body[2]) << 24 | UInt32(body[3]) << 16 | UInt32(body[4]) << 8) >> 8
            let shown = decode &+ UInt64(bitPattern: Int64(offset) * 90)
            let start = unit.count
            appendHeader(0xe0, shown: shown, decoded: offset == 0 ? nil : decode)
            appendAccessUnit(body, withSets: tag.isKeyframe)
            setLength(from: start)
            packetize(TSWriter.videoPID, clock: clock, randomAccess: tag.isKeyframe, to: &out)
        } else if let adts, tag.type == 8, body.count > 2 {
            appendHeader(0xc0, shown: decode, decoded: nil)
            let length = body.count - 2 + adts.count
            var header = adts
            header[3] |= UInt8(truncatingIfNeeded: length >> 11)
            header[4] = UInt8(truncatingIfNeeded: length >> 3)
            header[5] |= UInt8(truncatingIfNeeded: length << 5)
            unit += header
            unit += body[2...]
            setLength(from: 0)
            packetize(TSWriter.audioPID, clock: nil, randomAccess: false, to: &out)
        }
    }

    /// A PES header (§2.4.3.6); the length comes later.
    private mutating func appendHeader(_ stream: UInt8, shown: UInt64, decoded: UInt64?) {
        unit += [0, 0, 1, stream, 0, 0, 0x84, decoded == nil ? 0x80 : 0xc0, decoded == nil ? 5 : 10]
        appendTime(decoded == nil ? 2 : 3, shown)
        if let decoded { appendTime(1, decoded) }
    }

    private mutating func appendTime(_ prefix: UInt8, _ time: UInt64) {
        let time = time & TSWriter.clockMask
        unit.append(prefix << 4 | UInt8(time >> 30) << 1 | 1)
        unit.append(UInt8(time >> 22 & 0xff))
        unit.append(UInt8(time >> 15 & 0x7f) << 1 | 1)
        unit.append(UInt8(time >> 7 & 0xff))
        unit.append(UInt8(time & 0x7f) << 1 | 1)
    }

    /// A picture too long for the field has a length of 0, as is allowed for video.
    private mutating func setLength(from start: Int) {
        let length = unit.count - start - 6
        guard length <= 0xffff else { return }
        unit[start + 4] = UInt8(length >> 8)
        unit[start + 5] = UInt8(length & 0xff)
    }

    /// NAL units behind start codes, an access unit delimiter in front (ITU-T H.222.0 §2.14.1).
    private mutating func appendAccessUnit(_ body: [UInt8], withSets: Bool) {
        unit += [0, 0, 0, 1, 9, 0xf0]
        if withSets { unit += parameterSets }
        var at = 5
        while at + lengthSize < body.count {
            let length = body[at..<(at + lengthSize)].reduce(0) { $0 << 8 | Int($1) }
            at += lengthSize
            let end = min(at + length, body.count)
            if length > 0, body[at] & 0x1f != 9 {
                unit += [0, 0, 0, 1]
                unit += body[at..<end]
            }
            at = end
        }
    }

    /// Cuts the unit into packets; the last one is filled up in its adaptation field.
    private mutating func packetize(_ pid: UInt16, clock: UInt64?, randomAccess: Bool, to out: inout [UInt8]) {
        var at = 0
        while at < unit.count {
            var field: [UInt8] = []
            if at == 0, let clock {
                let base = clock & TSWriter.clockMask
                field = [0x10 | (randomAccess ? 0x40 : 0)]
                for shift in [25, 17, 9, 1] as [UInt64] { field.append(UInt8(truncatingIfNeeded: base >> shift)) }
                field += [UInt8(base & 1) << 7 | 0x7e, 0]
            }
            let left = unit.count - at
            var room = 184 - (field.isEmpty ? 0 : field.count + 1)
            var hasField = !field.isEmpty
            if left < room {
                // The field's length byte alone fills one byte, its flags a second one.
                if !hasField, left < 183 { field = [0] }
                hasField = true
                field += [UInt8](repeating: 0xff, count: 183 - left - field.count)
                room = left
            }
            appendHeader(pid, isStart: at == 0, hasField: hasField, to: &out)
            if hasField { out.append(UInt8(field.count)) }
            out += field
            out += unit[at..<(at + room)]
            at += room
        }
    }

    private mutating func appendHeader(_ pid: UInt16, isStart: Bool, hasField: Bool, to out: inout [UInt8]) {
        let counter = counters[pid, default: 0]
        counters[pid] = (counter + 1) & 15
        out += [
            0x47, (isStart ? 0x40 : 0) | UInt8(pid >> 8), UInt8(pid & 0xff), (hasField ? 0x30 : 0x10) | counter,
        ]
    }

    /// One program association and one program map section (§2.4.4.3, §2.4.4.8).
    private mutating func appendTables(to out: inout [UInt8]) {
        let table = TSWriter.pid(TSWriter.tablePID)
        appendSection(0, pid: 0, [0, 1] + table, to: &out)
        var map = TSWriter.pid(TSWriter.videoPID) + [0xf0, 0]
        map += [0x1b] + TSWriter.pid(TSWriter.videoPID) + [0xf0, 0]
        if adts != nil { map += [0x0f] + TSWriter.pid(TSWriter.audioPID) + [0xf0, 0] }
        appendSection(2, pid: TSWriter.tablePID, map, to: &out)
    }

    private static func pid(_ pid: UInt16) -> [UInt8] { [0xe0 | UInt8(pid >> 8), UInt8(pid & 0xff)] }

    private mutating func appendSection(_ table: UInt8, pid: UInt16, _ body: [UInt8], to out: inout [UInt8]) {
        var section: [UInt8] = [table, 0xb0, UInt8(body.count + 9), 0, 1, 0xc1, 0, 0] + body
        let check = TSWriter.checksum(section[...])
        withUnsafeBytes(of: check.bigEndian) { section.append(contentsOf: $0) }
        appendHeader(pid, isStart: true, hasField: false, to: &out)
        out.append(0)
        out += section
        out += [UInt8](repeating: 0xff, count: TSWriter.packetSize - 5 - section.count)
    }

    /// CRC-32 of MPEG-2 (Annex A); 0 over a section with its own checksum.
    static func checksum<Bytes: Sequence<UInt8>>(_ bytes: Bytes) -> UInt32 {
        var check: UInt32 = 0xffff_ffff
        for byte in bytes {
            check ^= UInt32(byte) << 24
            for _ in 0..<8 { check = check << 1 ^ (check >> 31) * 0x04c1_1db7 }
        }
        return check
    }
}

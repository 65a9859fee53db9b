//! Finds the pictures in an MPEG transport stream (ISO/IEC 13818-1): the first program's H.264 video, each picture's
//! stamp, time and wholeness. Reads nothing else of it, and keeps no media.
//!
//! A picture is told when its last byte is known to have come: at its PES packet's length, or, where that says 0, when
//! the next one begins; `arrived` is when the last byte came in both cases.

struct TSScanner {
    struct Picture: Equatable {
        var stamp: Stamp?
        var isKeyframe = false
        /// Half the decoding time's ticks of 90 kHz: 33 bits made 32, so that differences roll over as they should.
        var timestamp: UInt32 = 0
        var arrived: UInt64 = 0
        /// No packet of it is missing, as far as the counters tell.
        var isWhole = true
    }

    /// Bytes of a picture that are looked at: parameter sets and an encoder's own SEI stand before the slice.
    private static let prefixSize = 2048

    private var tablePID: Int?
    private var videoPID: Int?
    /// The last continuity counter of each PID; 0xff before the first packet.
    private var counters = [UInt8](repeating: 0xff, count: 8192)
    private var picture: Picture?
    private var prefix: [UInt8] = []
    /// Bytes of the picture's PES packet that are still to come; nil where it does not say.
    private var left: Int?
    private var second: Picture?
    /// Holes in the counters, of all PIDs.
    private(set) var discontinuities: UInt64 = 0

    /// Takes packets off the front of `input` until a picture is complete; nil when all are used up. `input` holds
    /// whole packets, as SRT's messages do.
    mutating func next(_ input: inout UnsafeRawBufferPointer, at time: UInt64) throws(Failure) -> Picture? {
        if let waiting = second {
            second = nil
            return waiting
        }
        while input.count > 0 {
            guard input.count >= TSWriter.packetSize, input[0] == 0x47 else {
                throw Failure("this is no MPEG-TS: a packet of \(input.count) bytes that starts with \(input[0])")
            }
            let packet = UnsafeRawBufferPointer(rebasing: input[..<TSWriter.packetSize])
            input = UnsafeRawBufferPointer(rebasing: input[TSWriter.packetSize...])
            if let done = take(packet, time) { return done }
        }
        return nil
    }

    private mutating func take(_ packet: UnsafeRawBufferPointer, _ time: UInt64) -> Picture? {
        let pid = Int(packet[1] & 0x1f) << 8 | Int(packet[2])
        let isStart = packet[1] & 0x40 != 0
        var at = 4
        var isJump = false
        var isEntry = false
        if packet[3] & 0x20 != 0 {
            at += 1 + Int(packet[4])
            isJump = packet[4] > 0 && packet[5] & 0x80 != 0
            isEntry = packet[4] > 0 && packet[5] & 0x40 != 0
        }
        guard packet[3] & 0x10 != 0, at < packet.count, pid != 0x1fff else { return nil }
        guard follows(packet[3] & 15, pid, isJump) else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: packet[at...])
        if pid == 0, isStart { readAssociation(payload) }
        if pid == tablePID, isStart { readMap(payload) }
        guard pid == videoPID else { return nil }
        var done: Picture?
        if isStart {
            done = finish()
            begin(payload, isEntry: isEntry, time)
        } else {
            gather(payload, time)
        }
        guard let left, left <= 0 else { return done }
        let short = finish()
        if done == nil { return short }
        second = short
        return done
    }

    /// Checks the continuity counter (§2.4.3.3); false for a packet that is there a second time.
    private mutating func follows(_ counter: UInt8, _ pid: Int, _ isJump: Bool) -> Bool {
        let last = counters[pid]
        counters[pid] = counter
        if last == 0xff || isJump || counter == (last + 1) & 15 { return true }
        if counter == last { return false }
        discontinuities += 1
        if pid == videoPID { picture?.isWhole = false }
        return true
    }

    /// The program map's PID, of the first program.
    private mutating func readAssociation(_ payload: UnsafeRawBufferPointer) {
        guard let section = TSScanner.section(payload, table: 0) else { return }
        var at = 8
        while at + 4 <= section.count - 4 {
            let number = Int(section[at]) << 8 | Int(section[at + 1])
            if number != 0 {
                tablePID = Int(section[at + 2] & 0x1f) << 8 | Int(section[at + 3])
                return
            }
            at += 4
        }
    }

    private mutating func readMap(_ payload: UnsafeRawBufferPointer) {
        guard let section = TSScanner.section(payload, table: 2), section.count > 16 else { return }
        var at = 12 + (Int(section[10] & 15) << 8 | Int(section[11]))
        while at + 5 <= section.count - 4 {
            if section[at] == 0x1b {
                videoPID = Int(section[at + 1] & 0x1f) << 8 | Int(section[at + 2])
                return
            }
            at += 5 + (Int(section[at + 3] & 15) << 8 | Int(section[at + 4]))
        }
    }

    /// A section that lies in one packet whole, and whose checksum is right.
    private static func section(_ payload: UnsafeRawBufferPointer, table: UInt8) -> UnsafeRawBufferPointer? {
        let start = 1 + Int(payload[0])
        guard start + 12 <= payload.count, payload[start] == table else { return nil }
        let end = start + 3 + (Int(payload[start + 1] & 15) << 8 | Int(payload[start + 2]))
        guard end <= payload.count, end - start >= 12 else { return nil }
        let section = UnsafeRawBufferPointer(rebasing: payload[start..<end])
        return TSWriter.checksum(section) == 0 ? section : nil
    }

    private mutating func begin(_ payload: UnsafeRawBufferPointer, isEntry: Bool, _ time: UInt64) {
        prefix.removeAll(keepingCapacity: true)
        left = nil
        guard payload.count >= 9, payload[0] == 0, payload[1] == 0, payload[2] == 1, payload[3] & 0xf0 == 0xe0 else {
            return
        }
        let length = Int(payload[4]) << 8 | Int(payload[5])
        let header = 9 + Int(payload[8])
        guard header <= payload.count else { return }
        picture = Picture(isKeyframe: isEntry)
        // The decoding time stands behind the presentation time, where it differs.
        let place = payload[7] & 0xc0 == 0xc0 ? 14 : 9
        if payload[7] & 0x80 != 0, place + 5 <= header {
            picture?.timestamp = TSScanner.time(payload, place)
        }
        if length > 0 { left = 6 + length - header }
        gather(UnsafeRawBufferPointer(rebasing: payload[header...]), time)
    }

    private static func time(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        var ticks = UInt64(bytes[at] >> 1 & 7) << 30
        ticks |= UInt64(bytes[at + 1]) << 22 | UInt64(bytes[at + 2] >> 1) << 15
        ticks |= UInt64(bytes[at + 3]) << 7 | UInt64(bytes[at + 4] >> 1)
        return UInt32(ticks >> 1)
    }

    private mutating func gather(_ payload: UnsafeRawBufferPointer, _ time: UInt64) {
        guard picture != nil else { return }
        picture?.arrived = time
        if let left { self.left = left - payload.count }
        if prefix.count < TSScanner.prefixSize { prefix += payload.prefix(TSScanner.prefixSize - prefix.count) }
    }

    /// The picture that was being gathered, if one was.
    private mutating func finish() -> Picture? {
        guard var done = picture else { return nil }
        picture = nil
        // What ends before its length says so lacks its end.
        if let left, left > 0 { done.isWhole = false }
        left = nil
        prefix.withUnsafeBytes { TSScanner.look($0, &done) }
        return done
    }

    /// Goes through the NAL units up to the first slice.
    private static func look(_ bytes: UnsafeRawBufferPointer, _ picture: inout Picture) {
        var at = 0
        while at + 4 <= bytes.count {
            guard bytes[at + 2] <= 1 else {
                at += 3
                continue
            }
            guard bytes[at] == 0, bytes[at + 1] == 0, bytes[at + 2] == 1 else {
                at += 1
                continue
            }
            let kind = bytes[at + 3] & 0x1f
            if kind == 6, picture.stamp == nil {
                picture.stamp = Stamp(unit: UnsafeRawBufferPointer(rebasing: bytes[(at + 3)...]))
            }
            if kind == 1 || kind == 5 {
                picture.isKeyframe = kind == 5
                return
            }
            at += 4
        }
    }
}

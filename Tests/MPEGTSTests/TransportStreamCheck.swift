import MPEGTS
import Media

/// Looks for what is wrong with a transport stream: ISO/IEC 13818-1's rules for packets, tables and PES packets, and the
/// errors of priority 1 and 2 of TR 101 290. It shares no code with what it checks but the constants of the format.
///
/// Time is that of the program clock: a packet's is interpolated between the clocks around it. The reference to a
/// constant rate that PCR accuracy (2.4) needs does not exist in a stream of variable rate; in its place clocks must
/// advance and be multiples of 90 kHz, and no frame may begin after its decoding time.
struct TransportStreamCheck {
    private(set) var complaints: [String] = []
    private var counters: [UInt16: UInt8] = [:]
    private var clockPID: UInt16?
    private var mapPID: UInt16?
    private var known: Set<UInt16> = [0]
    /// Streams that are neither sound nor picture: they may pause as they like.
    private var data: Set<UInt16> = []
    /// Those of them that hold sections, and what has come of the one in progress.
    private var sections: [UInt16: [UInt8]] = [:]
    /// What each map names, and where it came.
    private var maps: [(packet: Int, pids: Set<UInt16>)] = []
    private var clocks: [(packet: Int, time: Int64, isNew: Bool)] = []
    private var tables: [UInt16: [Int]] = [:]
    private var frames: [(pid: UInt16, packet: Int, pts: Int64, dts: Int64)] = []
    /// Bytes of the PES packet in progress and of what it says to have, by PID.
    private var units: [UInt16: (has: Int, says: Int)] = [:]

    private static let circle: Int64 = 1 << 33

    static func complaints(_ bytes: [UInt8]) -> [String] {
        var check = TransportStreamCheck()
        check.run(bytes)
        return check.complaints
    }

    private mutating func complain(_ what: String, _ packet: Int) { complaints.append("packet \(packet): \(what)") }

    private mutating func run(_ bytes: [UInt8]) {
        if bytes.count % 188 != 0 { complaints.append("1.1 TS_sync_loss: \(bytes.count) bytes are no whole packets") }
        for start in stride(from: 0, to: bytes.count - 187, by: 188) {
            packet(Array(bytes[start..<start + 188]), start / 188)
        }
        checkCadence()
    }

    private mutating func packet(_ p: [UInt8], _ index: Int) {
        guard p[0] == 0x47 else { return complain("1.2 Sync_byte_error", index) }
        if p[1] & 0x80 != 0 { complain("2.1 Transport_error", index) }
        if p[3] & 0xc0 != 0 { complain("1.3 or 1.5: scrambled", index) }
        let pid = UInt16(p[1] & 0x1f) << 8 | UInt16(p[2])
        guard pid != 0x1fff else { return }
        let hasPayload = p[3] & 0x10 != 0
        var start = 4
        var isDiscontinuous = false
        if p[3] & 0x20 != 0 {
            let length = Int(p[4])
            start = 5 + length
            if hasPayload ? length > 182 : length != 183 { complain("adaptation_field_length \(length)", index) }
            if length > 0 {
                isDiscontinuous = p[5] & 0x80 != 0
                let used = p[5] & 0x10 != 0 ? 7 : 1
                if p[5] & 0x10 != 0 { clock(p, pid, index, isDiscontinuous) }
                if p[(5 + used)..<start].contains(where: { $0 != 0xff }) { complain("stuffing is not 0xff", index) }
            }
        }
        if p[3] & 0x30 == 0 { complain("adaptation_field_control 0", index) }
        continuity(pid, p[3] & 0xf, hasPayload, isDiscontinuous, index)
        guard hasPayload else { return }
        let payload = Array(p[start...])
        let startsUnit = p[1] & 0x40 != 0
        if pid == 0 || pid == mapPID {
            table(payload, pid, startsUnit, index)
        } else if sections[pid] != nil {
            section(payload, pid, startsUnit, index)
        } else if known.contains(pid) {
            unit(payload, pid, startsUnit, index)
        } else {
            complain("PID \(pid) is in no table", index)
        }
    }

    private mutating func continuity(
        _ pid: UInt16, _ counter: UInt8, _ hasPayload: Bool, _ isNew: Bool, _ index: Int
    ) {
        if let last = counters[pid], !isNew {
            let expected = hasPayload ? (last + 1) & 0xf : last
            if counter != expected { complain("1.4 Continuity_count_error on PID \(pid)", index) }
        }
        counters[pid] = counter
    }

    private mutating func clock(_ p: [UInt8], _ pid: UInt16, _ index: Int, _ isNew: Bool) {
        if let clockPID, pid != clockPID { return complain("a clock on PID \(pid)", index) }
        let base =
            Int64(p[6]) << 25 | Int64(p[7]) << 17 | Int64(p[8]) << 9 | Int64(p[9]) << 1 | Int64(p[10] >> 7)
        if p[10] & 1 != 0 || p[11] != 0 { complain("2.4 PCR_accuracy: not a multiple of 90 kHz", index) }
        var time = base
        if let last = clocks.last {
            time = Self.unwrap(base, near: last.time)
            let step = time - last.time
            if step <= 0 && !isNew { complain("2.4 PCR_accuracy: the clock stands or goes back", index) }
            if step > 3_600 && !isNew { complain("2.3a PCR_repetition_error: \(step / 90) ms", index) }
            if step > 9_000 && !isNew { complain("2.3b PCR_discontinuity_indicator_error", index) }
        }
        clocks.append((index, time, isNew))
    }

    private static func unwrap(_ time: Int64, near reference: Int64) -> Int64 {
        var step = (time - reference) & (circle - 1)
        if step >= circle / 2 { step -= circle }
        return reference + step
    }

    /// Tables of one packet each, as all but very large programs have.
    private mutating func table(_ payload: [UInt8], _ pid: UInt16, _ startsUnit: Bool, _ index: Int) {
        guard startsUnit, payload[0] == 0 else { return complain("a table that spans packets", index) }
        let expected: UInt8 = pid == 0 ? 0 : 2
        let name = pid == 0 ? "1.3 PAT_error" : "1.5 PMT_error"
        guard payload[1] == expected else { return complain("\(name): table \(payload[1])", index) }
        let length = Int(payload[2] & 0xf) << 8 | Int(payload[3])
        let section = Array(payload[1..<4 + length])
        if Self.checksum(section) != 0 { complain("2.2 CRC_error", index) }
        if payload[(4 + length)...].contains(where: { $0 != 0xff }) { complain("table stuffing", index) }
        tables[pid, default: []].append(index)
        if pid == 0 {
            mapPID = UInt16(section[10] & 0x1f) << 8 | UInt16(section[11])
        } else {
            map(section, index)
        }
    }

    private mutating func map(_ section: [UInt8], _ index: Int) {
        clockPID = UInt16(section[8] & 0x1f) << 8 | UInt16(section[9])
        var at = 12 + (Int(section[10] & 0xf) << 8 | Int(section[11]))
        var pids: Set<UInt16> = []
        while at < section.count - 4 {
            let pid = UInt16(section[at + 1] & 0x1f) << 8 | UInt16(section[at + 2])
            let end = at + 5 + (Int(section[at + 3] & 0xf) << 8 | Int(section[at + 4]))
            guard end <= section.count - 4 else { return complain("1.5 PMT_error: descriptors go on too long", index) }
            pids.insert(pid)
            if Self.isData(section[at], Array(section[(at + 5)..<end])) { data.insert(pid) }
            if section[at] == 0x86, sections[pid] == nil { sections[pid] = [] }
            at = end
        }
        known.formUnion(pids)
        if maps.last?.pids != pids { maps.append((index, pids)) }
    }

    /// Private packets are sound or pictures where a registration says which.
    private static func isData(_ type: UInt8, _ descriptors: [UInt8]) -> Bool {
        guard type == 0x06 else { return type == 0x86 || type == 0x15 }
        guard descriptors.count >= 6, descriptors[0] == 0x05 else { return true }
        return !["Opus", "AC-3", "EAC3", "AV01"].contains(String(decoding: descriptors[2..<6], as: UTF8.self))
    }

    private mutating func section(_ payload: [UInt8], _ pid: UInt16, _ startsUnit: Bool, _ index: Int) {
        var bytes = sections[pid] ?? []
        if startsUnit {
            guard bytes.isEmpty, payload[0] == 0 else { return complain("a section begins in another", index) }
            bytes = Array(payload[1...])
        } else {
            guard !bytes.isEmpty else { return complain("a section without its head", index) }
            bytes += payload
        }
        let size = 3 + (Int(bytes[1] & 0xf) << 8 | Int(bytes[2]))
        sections[pid] = bytes.count < size ? bytes : []
        guard bytes.count >= size else { return }
        if Self.checksum(Array(bytes[..<size])) != 0 { complain("2.2 CRC_error on PID \(pid)", index) }
        if bytes[size...].contains(where: { $0 != 0xff }) { complain("section stuffing", index) }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xffff_ffff
        for byte in bytes {
            for bit in (0..<8).reversed() {
                let isSet = (value >> 31 == 1) != (byte >> UInt8(bit) & 1 == 1)
                value = value << 1 ^ (isSet ? 0x04c1_1db7 : 0)
            }
        }
        return value
    }

    private mutating func unit(_ payload: [UInt8], _ pid: UInt16, _ startsUnit: Bool, _ index: Int) {
        guard startsUnit else {
            guard units[pid] != nil else { return complain("a PES packet without its head", index) }
            units[pid]?.has += payload.count
            return
        }
        if let last = units[pid], last.says > 6, last.has != last.says {
            complain("the PES packet before has \(last.has) bytes and says \(last.says)", index)
        }
        guard payload.count >= 9, payload[0] == 0, payload[1] == 0, payload[2] == 1, payload[6] & 0xc0 == 0x80 else {
            return complain("no PES head", index)
        }
        let says = 6 + (Int(payload[4]) << 8 | Int(payload[5]))
        if says == 6 && payload[3] & 0xf0 != 0xe0 { complain("no PES length outside video", index) }
        units[pid] = (payload.count, says)
        if data.contains(pid) {
            if payload[7] & 0x80 != 0 { _ = timestamp(payload, 9, 2, index) }
            return
        }
        guard payload.count >= 14, payload[7] & 0x80 != 0 else { return complain("no PTS", index) }
        let pts = timestamp(payload, 9, payload[7] & 0x40 != 0 ? 3 : 2, index)
        let dts = payload[7] & 0x40 != 0 ? timestamp(payload, 14, 1, index) : pts
        frames.append((pid, index, pts, dts))
    }

    private mutating func timestamp(_ p: [UInt8], _ at: Int, _ mark: UInt8, _ index: Int) -> Int64 {
        if p[at] >> 4 != mark || p[at] & 1 == 0 || p[at + 2] & 1 == 0 || p[at + 4] & 1 == 0 {
            complain("marker bits of a timestamp", index)
        }
        return Int64(p[at] >> 1 & 7) << 30 | Int64(p[at + 1]) << 22 | Int64(p[at + 2] >> 1) << 15
            | Int64(p[at + 3]) << 7 | Int64(p[at + 4] >> 1)
    }

    // MARK: Cadence

    /// Interpolated between the clocks around a packet.
    private func time(of packet: Int) -> Int64 {
        guard let next = clocks.firstIndex(where: { $0.packet >= packet }) else { return clocks.last?.time ?? 0 }
        guard next > 0, clocks[next].packet != packet else { return clocks[next].time }
        // The old time base holds up to the packet that tells of the new one.
        guard !clocks[next].isNew else { return clocks[next - 1].time }
        let (a, b) = (clocks[next - 1], clocks[next])
        return a.time + (b.time - a.time) * Int64(packet - a.packet) / Int64(b.packet - a.packet)
    }

    private func hasNewBase(_ from: Int, _ to: Int) -> Bool {
        clocks.contains { $0.isNew && $0.packet >= from && $0.packet <= to + 2 }
    }

    /// A map in between does without the stream.
    private func wasAway(_ pid: UInt16, _ from: Int, _ to: Int) -> Bool {
        maps.contains { $0.packet > from && $0.packet <= to && !$0.pids.contains(pid) }
    }

    private mutating func checkCadence() {
        guard let first = clocks.first, let last = clocks.last else { return complaints.append("no clock at all") }
        for (pid, name) in [(UInt16(0), "1.3 PAT_error"), (mapPID ?? 0x1fff, "1.5 PMT_error")] {
            var places = tables[pid] ?? []
            places.append(last.packet)
            var previous = first.packet
            for place in places {
                let gap = time(of: place) - time(of: previous)
                // TR 101 290 allows 500 ms; the muxer promises 100, and one clock's interval for the interpolation.
                if gap > 9_000 + 3_600 && !hasNewBase(previous, place) { complain("\(name): \(gap / 90) ms", place) }
                previous = place
            }
        }
        var shown: [UInt16: Int64] = [:]
        var decoded: [UInt16: Int64] = [:]
        var places: [UInt16: Int] = [:]
        for frame in frames {
            let lead = Self.unwrap(frame.dts, near: time(of: frame.packet)) - time(of: frame.packet)
            if lead < 0 { complain("a frame begins \(-lead / 90) ms after its decoding time", frame.packet) }
            if lead > 10 * 90_000 { complain("a frame comes \(lead / 90) ms early", frame.packet) }
            let pts = Self.unwrap(frame.pts, near: frame.dts)
            if pts < frame.dts { complain("PTS before DTS", frame.packet) }
            if let last = decoded[frame.pid] {
                let dts = Self.unwrap(frame.dts, near: last)
                if dts < last { complain("DTS goes back", frame.packet) }
                decoded[frame.pid] = dts
            } else {
                decoded[frame.pid] = frame.dts
            }
            if let last = shown[frame.pid], Self.unwrap(pts, near: last) - last > 63_000 {
                let from = places[frame.pid] ?? 0
                if !hasNewBase(from, frame.packet) && !wasAway(frame.pid, from, frame.packet) {
                    complain("2.5 PTS_error", frame.packet)
                }
            }
            shown[frame.pid] = pts
            places[frame.pid] = frame.packet
        }
        for pid in known.subtracting(data) where pid != 0 && !frames.contains(where: { $0.pid == pid }) {
            complaints.append("1.6 PID_error: nothing on PID \(pid)")
        }
    }
}

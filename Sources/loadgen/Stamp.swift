//! The mark that every published video frame carries, and by which a viewer knows its age and its place.
//!
//! It is an H.264 SEI message, user_data_unregistered (ITU-T H.264 §D.2.7, payload type 5), under a UUID of our
//! own. No byte of it is zero, so that it needs no emulation prevention: numbers are written in groups of seven
//! bits with the top bit set.

/// A frame's clock and number.
struct Stamp: Equatable {
    /// CLOCK_MONOTONIC when the frame was handed to the socket, in nanoseconds.
    var clock: UInt64
    /// The publisher's run; a new one starts the numbers anew.
    var run: UInt32
    var sequence: UInt64
    var stream: UInt32

    private static let clockGroups = 9
    private static let runGroups = 2
    private static let sequenceGroups = 5
    private static let streamGroups = 3

    private static let uuid: [UInt8] = [
        0x53, 0x4c, 0x55, 0x49, 0x43, 0x45, 0x4c, 0x47, 0xb1, 0x6d, 0x8e, 0x2a, 0x77, 0xc3, 0x5f, 0x91,
    ]
    private static let payload = uuid.count + clockGroups + runGroups + sequenceGroups + streamGroups

    /// Bytes of the whole NAL unit: header, payload type, payload size, payload, trailing bits.
    static let unitLength = 3 + payload + 1

    /// Appends the NAL unit with its length in front, in as many bytes as the stream's avcC says.
    func append(to bytes: inout [UInt8], lengthSize: Int) {
        for place in stride(from: lengthSize - 1, through: 0, by: -1) {
            bytes.append(UInt8(truncatingIfNeeded: Stamp.unitLength >> (8 * place)))
        }
        bytes.append(6)
        bytes.append(5)
        bytes.append(UInt8(Stamp.payload))
        bytes.append(contentsOf: Stamp.uuid)
        Stamp.append(clock, groups: Stamp.clockGroups, to: &bytes)
        Stamp.append(UInt64(run), groups: Stamp.runGroups, to: &bytes)
        Stamp.append(sequence, groups: Stamp.sequenceGroups, to: &bytes)
        Stamp.append(UInt64(stream), groups: Stamp.streamGroups, to: &bytes)
        bytes.append(0x80)
    }

    /// Finds the mark near the start of an FLV video tag's body: it stands first, or behind an access unit delimiter.
    init?(videoBody bytes: UnsafeRawBufferPointer) {
        guard let at = Stamp.locate(bytes) else { return nil }
        self.init(numbers: bytes, at: at)
    }

    /// The mark in a NAL unit that starts where `bytes` does.
    init?(unit bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Stamp.unitLength, bytes[0] == 6, bytes[1] == 5, Int(bytes[2]) == Stamp.payload,
            Stamp.carriesOurUUID(bytes, 3)
        else { return nil }
        self.init(numbers: bytes, at: 3 + Stamp.uuid.count)
    }

    /// The first mark in media of any container that keeps NAL units whole.
    init?(within bytes: UnsafeRawBufferPointer) {
        let head = 3 + Stamp.uuid.count
        var at = 0
        while at + Stamp.unitLength <= bytes.count {
            if bytes[at] == 6, bytes[at + 1] == 5, Int(bytes[at + 2]) == Stamp.payload,
                Stamp.carriesOurUUID(bytes, at + 3)
            {
                self.init(numbers: bytes, at: at + head)
                return
            }
            at += 1
        }
        return nil
    }

    private init(numbers bytes: UnsafeRawBufferPointer, at start: Int) {
        var at = start
        clock = Stamp.read(bytes, &at, groups: Stamp.clockGroups)
        run = UInt32(Stamp.read(bytes, &at, groups: Stamp.runGroups))
        sequence = Stamp.read(bytes, &at, groups: Stamp.sequenceGroups)
        stream = UInt32(Stamp.read(bytes, &at, groups: Stamp.streamGroups))
    }

    /// Where the numbers start, behind the UUID.
    private static func locate(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 5
        for _ in 0..<4 {
            guard at + 4 + unitLength <= bytes.count else { return nil }
            let length = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).bigEndian)
            if length == unitLength, bytes[at + 4] == 6, bytes[at + 5] == 5, carriesOurUUID(bytes, at + 7) {
                return at + 7 + uuid.count
            }
            guard length < bytes.count else { return nil }
            at += 4 + length
        }
        return nil
    }

    private static func carriesOurUUID(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        for place in 0..<uuid.count where bytes[at + place] != uuid[place] { return false }
        return true
    }

    init(clock: UInt64, run: UInt32, sequence: UInt64, stream: UInt32) {
        self.clock = clock
        self.run = run
        self.sequence = sequence
        self.stream = stream
    }

    /// A run's number, taken from the clock: two runs within one process lifetime differ with near certainty.
    static func newRun() -> UInt32 { UInt32((now() >> 20) & 0x3fff) }

    private static func append(_ value: UInt64, groups: Int, to bytes: inout [UInt8]) {
        for group in stride(from: groups - 1, through: 0, by: -1) {
            bytes.append(0x80 | UInt8(truncatingIfNeeded: value >> (7 * UInt64(group)) & 0x7f))
        }
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, groups: Int) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<groups {
            value = value << 7 | UInt64(bytes[at] & 0x7f)
            at += 1
        }
        return value
    }
}

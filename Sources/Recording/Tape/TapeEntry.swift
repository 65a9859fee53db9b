/// A segment on a tape, and the name of its file, which says all of it: a folder of such files is its own index, and none
/// of them can be torn, because they get their names when they are whole.
///
/// `<place>-<discontinuity>-<number>-<date>-<duration>-<target>-<bytes>-<initialisation>.m4s`, decimal but for the last,
/// which is the hash that names the initialisation section, in hexadecimal. Every entry has one spelling.
public struct TapeEntry: Sendable, Hashable {
    public enum Container: String, Sendable {
        case transportStream = "ts"
        case fragmentedMP4 = "m4s"
    }

    /// In the window's playlist: rises by one from segment to segment, over gaps and restarts (its media sequence number).
    public internal(set) var place: UInt64
    /// Rises by one where a segment does not continue the one before it.
    public internal(set) var discontinuity: UInt64
    /// As live.
    public var number: UInt32
    /// Of its first frame, in microseconds of Unix time.
    public var date: Int64
    /// Microseconds; rounded to seconds, no more than the target.
    public var duration: Int64
    /// The target duration of its playlist when it was live, in seconds.
    public var target: Int
    /// The hash of its initialisation section; 0 where there is none.
    public var initialisation: UInt64
    public var container: Container
    /// Of its file.
    public var bytes: Int
    /// Its file is not what it was to be, as after a crash of the machine: its place is a gap.
    public var isTorn = false

    public init(
        number: UInt32, date: Int64, duration: Int64, target: Int, bytes: Int, initialisation: UInt64,
        container: Container
    ) {
        place = 0
        discontinuity = 0
        self.number = number
        self.date = min(max(0, date), TapeEntry.latest)
        self.target = min(max(1, target), TapeEntry.longest)
        // As live: a pause that no frame announced may have made it longer (RFC 8216bis §4.4.3.1).
        self.duration = min(max(1_000, duration), Int64(self.target) * 1_000_000 + 499_000)
        self.bytes = min(max(0, bytes), TapeEntry.mostBytes)
        self.initialisation = initialisation
        self.container = container
    }

    /// Bytes of the longest name: eight numbers, their separators and the ending.
    static let longestName = 160
    /// Seconds of the longest segment that is believed of a file's name.
    static let longest = 3_600
    /// Bytes of the largest.
    static let mostBytes = 1 << 40
    /// Microseconds of Unix time, in the year 5138: sums of times stay far from what overflows.
    static let latest: Int64 = 100_000_000_000_000_000

    /// Microseconds of Unix time at its end.
    public var end: Int64 { date + duration }

    var file: String {
        let numbers = "\(place)-\(discontinuity)-\(number)-\(date)-\(duration)-\(target)-\(bytes)"
        return "\(numbers)-\(String(initialisation, radix: 16)).\(container.rawValue)"
    }

    /// Nil for every other file.
    init?(file: String) {
        guard file.utf8.count <= TapeEntry.longestName, let dot = file.lastIndex(of: "."),
            let container = Container(rawValue: String(file[file.index(after: dot)...]))
        else { return nil }
        let parts = file[..<dot].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 8, let place = UInt64(parts[0]), let discontinuity = UInt64(parts[1]),
            let number = UInt32(parts[2]), let date = Int64(parts[3]), let duration = Int64(parts[4]),
            let target = Int(parts[5]), let bytes = Int(parts[6]), let initialisation = UInt64(parts[7], radix: 16)
        else { return nil }
        self.init(
            number: number, date: date, duration: duration, target: target, bytes: bytes,
            initialisation: initialisation, container: container)
        self.place = place
        self.discontinuity = discontinuity
        // Numbers that others have written may be of any size: those at the end of all leave no room for the next.
        guard self.file == file, place < .max / 2, discontinuity < .max / 2 else { return nil }
    }

    /// Of an initialisation section.
    static func initialisation(_ hash: UInt64) -> String { "init-\(String(hash, radix: 16)).mp4" }

    static func initialisation(file: String) -> UInt64? {
        guard file.hasPrefix("init-"), file.hasSuffix(".mp4"),
            let hash = UInt64(file.dropFirst(5).dropLast(4), radix: 16), initialisation(hash) == file
        else { return nil }
        return hash
    }

    /// What a crash leaves of a file in the making.
    static let unfinished = ".unfinished"
}

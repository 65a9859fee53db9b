/// A segment of a further audio track, beside the entry of the same number, and the name of its file, which says all of it.
///
/// `audio-<track>-<number>-<date>-<duration>-<bytes>-<initialisation>.m4s`, spelt as an entry's name is. It has no place of
/// its own: what a playlist says of order, discontinuities and the target is its entry's.
public struct TapeCompanion: Sendable, Hashable {
    /// The number of the audio track.
    public var track: UInt8
    /// As live.
    public var number: UInt32
    /// Of its first frame, in microseconds of Unix time.
    public var date: Int64
    /// Microseconds.
    public var duration: Int64
    /// The hash of its initialisation section.
    public var initialisation: UInt64
    /// Of its file.
    public var bytes: Int
    /// Its file is not what it was to be.
    public var isTorn = false

    public init(track: UInt8, number: UInt32, date: Int64, duration: Int64, bytes: Int, initialisation: UInt64) {
        self.track = track
        self.number = number
        self.date = min(max(0, date), TapeEntry.latest)
        self.duration = min(max(1_000, duration), Int64(TapeEntry.longest) * 1_000_000)
        self.bytes = min(max(0, bytes), TapeEntry.mostBytes)
        self.initialisation = initialisation
    }

    var file: String {
        "audio-\(track)-\(number)-\(date)-\(duration)-\(bytes)-\(String(initialisation, radix: 16)).m4s"
    }

    /// Nil for every other file.
    init?(file: String) {
        guard file.utf8.count <= TapeEntry.longestName, file.hasPrefix("audio-"), file.hasSuffix(".m4s") else {
            return nil
        }
        let parts = file.dropFirst(6).dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 6, let track = UInt8(parts[0]), let number = UInt32(parts[1]),
            let date = Int64(parts[2]), let duration = Int64(parts[3]), let bytes = Int(parts[4]),
            let initialisation = UInt64(parts[5], radix: 16)
        else { return nil }
        self.init(
            track: track, number: number, date: date, duration: duration, bytes: bytes, initialisation: initialisation)
        guard self.file == file else { return nil }
    }
}

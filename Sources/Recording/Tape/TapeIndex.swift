/// The segments of one stream that are on the disk, oldest first, with their places in the window's playlist, and those of
/// its further audio tracks beside them. Pure.
///
/// Invariants: places rise by one; discontinuities by one at most; numbers rise. Places and discontinuities never repeat,
/// though nothing but the entries themselves is kept: they begin with the number of the first segment, and numbers, which
/// never repeat, rise at least as fast. So an emptied tape goes on above everything that it has ever said. What has left
/// the window is listed no more, but stays for `grace`, for who has just been told of it. A companion goes with the entry
/// of its number.
public struct TapeIndex: Sendable, Equatable {
    /// All that are on the disk.
    public private(set) var entries: ArraySlice<TapeEntry> = []
    /// By track and number; also of numbers of which there is no entry yet.
    private var companions: [UInt8: [UInt32: TapeCompanion]] = [:]
    /// Rises with every change.
    public private(set) var version: UInt64 = 0
    /// Bytes of all their files.
    public private(set) var bytes = 0
    /// The first that is listed.
    private var firstListed = 0
    /// Microseconds of Unix time: the end of the newest that is listed no more.
    private var left = Int64.min
    /// Of the last segment, as live.
    private var lastDiscontinuity: UInt32?

    /// Segments of one tape: two days of two seconds each.
    public static let mostEntries = 100_000
    /// Microseconds that a segment stays behind its time.
    public static let grace: Int64 = 60_000_000

    public init() {}

    /// What a window's playlist may name.
    public var listed: ArraySlice<TapeEntry> { entries[max(firstListed, entries.startIndex)...] }

    // MARK: Growing

    /// What a folder holds, by the names and sizes of its files, in any order; names that are none of ours are left out.
    ///
    /// Where places repeat or leave something out, because files were lost, the newest that fit together are kept, and
    /// the others returned.
    public mutating func load(_ files: [(name: String, bytes: Int)]) -> [String] {
        let found = files.compactMap { file -> TapeEntry? in
            guard var entry = TapeEntry(file: file.name) else { return nil }
            entry.isTorn = entry.bytes != file.bytes
            return entry
        }.sorted { ($0.place, $0.number) < ($1.place, $1.number) }
        var start = found.count
        while start > 0, found.count - start < Self.mostEntries {
            if start < found.count {
                let (one, next) = (found[start - 1], found[start])
                let steps = next.discontinuity >= one.discontinuity ? next.discontinuity - one.discontinuity : 2
                guard one.place + 1 == next.place, one.number < next.number, steps <= 1 else { break }
            }
            start -= 1
        }
        entries = found[start...]
        firstListed = entries.startIndex
        bytes = entries.reduce(0) { $0 + $1.bytes }
        version += 1
        return found[..<start].map(\.file) + loadCompanions(files)
    }

    /// Those that are of no entry, or there twice, are returned.
    private mutating func loadCompanions(_ files: [(name: String, bytes: Int)]) -> [String] {
        var lost: [String] = []
        for file in files {
            guard var companion = TapeCompanion(file: file.name) else { continue }
            companion.isTorn = companion.bytes != file.bytes
            let isOfEntry = find(companion.number) != nil
            if isOfEntry && hasPlace(for: companion) { append(companion) } else { lost.append(file.name) }
        }
        return lost
    }

    /// The place of a segment that follows; nil for one that does not. `discontinuity`: as live.
    public func placed(_ entry: TapeEntry, discontinuity: UInt32) -> TapeEntry? {
        var entry = entry
        guard let last = entries.last else {
            entry.place = UInt64(entry.number)
            entry.discontinuity = UInt64(entry.number)
            return entry
        }
        guard entry.number > last.number else { return nil }
        entry.place = last.place + 1
        let continues =
            lastDiscontinuity == discontinuity && entry.number == last.number + 1
            && entry.container == last.container
        entry.discontinuity = last.discontinuity + (continues ? 0 : 1)
        return entry
    }

    /// It is on the disk now.
    public mutating func append(_ entry: TapeEntry, discontinuity: UInt32) {
        entries.append(entry)
        bytes += entry.bytes
        lastDiscontinuity = discontinuity
        version += 1
    }

    /// Whether a companion is of what is here or comes, and new.
    public func hasPlace(for companion: TapeCompanion) -> Bool {
        companion.number >= entries.first?.number ?? 0 && companions[companion.track]?[companion.number] == nil
    }

    /// It is on the disk now.
    public mutating func append(_ companion: TapeCompanion) {
        companions[companion.track, default: [:]][companion.number] = companion
        bytes += companion.bytes
        version += 1
    }

    // MARK: Shrinking

    /// Lists no more what lies outside of a window that ends now, and gives up what has been listed no more for long
    /// enough, or is above the limit. `window` is in milliseconds, `now` in microseconds of Unix time; `keepsOne`: the
    /// newest stays. Returns the files that are needed no more.
    public mutating func expire(window: Int64, now: Int64, keepsOne: Bool) -> [String] {
        let oldest = now - window * 1_000
        let most = entries.count - (keepsOne ? 1 : 0)
        var (gone, files) = (0, [String]())
        while gone < most, let first = entries.first,
            first.end < oldest - Self.grace || entries.count > Self.mostEntries
        {
            files += removeFirst()
            gone += 1
        }
        let before = firstListed
        while let first = listed.first, listed.count > (keepsOne ? 1 : 0), first.end < oldest {
            left = max(left, first.end)
            firstListed += 1
        }
        if gone > 0 || firstListed != before { version += 1 }
        if entries.startIndex > entries.count { compact() }
        return files
    }

    /// The files of the oldest, for want of space.
    public mutating func dropOldest() -> [String]? {
        guard entries.count > 1 else { return nil }
        version += 1
        return removeFirst()
    }

    private mutating func removeFirst() -> [String] {
        let entry = entries.removeFirst()
        bytes -= entry.bytes
        var files = [entry.file]
        // Also those that have lost their entry, to a full disk for example.
        for (track, old) in companions.mapValues({ $0.values.filter { $0.number <= entry.number } }) {
            for companion in old {
                companions[track]?[companion.number] = nil
                bytes -= companion.bytes
                files.append(companion.file)
            }
            if companions[track]?.isEmpty == true { companions[track] = nil }
        }
        if firstListed < entries.startIndex {
            firstListed = entries.startIndex
            left = max(left, entry.end)
        }
        return files
    }

    /// What is dropped from a slice stays in its memory.
    private mutating func compact() {
        firstListed -= entries.startIndex
        entries = ArraySlice(Array(entries))
    }

    // MARK: Looking

    public func find(_ number: UInt32) -> TapeEntry? {
        var (low, high) = (entries.startIndex, entries.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < entries.endIndex && entries[low].number == number ? entries[low] : nil
    }

    public func find(_ number: UInt32, of track: UInt8) -> TapeCompanion? { companions[track]?[number] }

    /// The tracks of which something is listed, in order.
    public var tracks: [UInt8] {
        guard let first = listed.first else { return [] }
        return companions.filter { $0.value.keys.contains { $0 >= first.number } }.keys.sorted()
    }

    /// What a track's playlist may name, of nil the main one. Companions are there when the next entry is: until then
    /// nobody knows whether the newest has one.
    public func listed(for track: UInt8?, isLive: Bool) -> ArraySlice<TapeEntry> {
        guard let track, isLive, let last = listed.last, find(last.number, of: track) == nil else { return listed }
        return listed.dropLast()
    }

    /// Whether a segment that is kept needs it.
    public func needs(_ initialisation: UInt64) -> Bool {
        entries.contains { $0.initialisation == initialisation }
            || companions.values.contains { $0.values.contains { $0.initialisation == initialisation } }
    }

    /// A part of the window by time, in microseconds of Unix time.
    public enum Cut: Sendable, Equatable {
        /// `isOver`: nothing will be added.
        case entries(ArraySlice<TapeEntry>, isOver: Bool)
        /// What it begins with has left the window.
        case gone
        /// It ends in what is not here yet.
        case tooEarly
    }

    /// From the segment that holds `from` to the last that begins before `to`. What it says once stays so, and only grows
    /// at its end, or it is gone. `track`: of an audio track, nil of the main playlist.
    public func cut(from: Int64, to: Int64?, of track: UInt8? = nil, isLive: Bool, now: Int64) -> Cut {
        guard from >= left else { return .gone }
        let all = listed(for: track, isLive: isLive)
        guard let start = all.firstIndex(where: { $0.end > from }) else { return .tooEarly }
        guard let to else { return .entries(all[start...], isOver: !isLive) }
        guard all.last.map({ $0.end >= to }) ?? false || !isLive && to <= now else { return .tooEarly }
        let end = all[start...].firstIndex { $0.date >= to } ?? all.endIndex
        return start < end ? .entries(all[start..<end], isOver: true) : .gone
    }

    /// Bits per second of what is listed: of the heaviest segment, and of all together. Nil where nothing is.
    public func rates(of track: UInt8? = nil) -> (peak: Int, average: Int)? {
        var (bytes, duration, peak) = (0, Int64(0), 0)
        for entry in listed {
            var (size, length) = (entry.bytes, entry.duration)
            if let track {
                guard let companion = find(entry.number, of: track) else { continue }
                (size, length) = (companion.bytes, companion.duration)
            }
            bytes += size
            duration += length
            // What is cut short by a session's end weighs what it weighs together with others.
            if length * 2 >= Int64(entry.target) * 1_000_000 { peak = max(peak, Self.rate(size, length)) }
        }
        guard duration > 0 else { return nil }
        let average = Self.rate(bytes, duration)
        return (max(peak, average), average)
    }

    private static func rate(_ bytes: Int, _ duration: Int64) -> Int {
        Int(Double(bytes) * 8_000_000 / Double(max(1, duration)))
    }
}

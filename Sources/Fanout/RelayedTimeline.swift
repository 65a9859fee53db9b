/// The timeline of a stream that comes from another node, where it was made continuous already.
///
/// Timestamps are taken as they are, so that every node has the same ones. Only where a new publish session entered
/// somewhere else, with a timeline of its own, is it moved to follow on what was there. Pure: time comes in.
struct RelayedTimeline {
    /// Between the ingest node's timeline and this one.
    private(set) var offset: Int64 = 0
    /// The newest input of this epoch, unrolled to 64 bits.
    private var lastInput: Int64?
    private(set) var newest: Int64?
    private var newestAt: UInt64 = 0
    private var isNewEpoch = false

    /// A new session's first frame further ahead than this, in milliseconds, is on a timeline of its own.
    private static let longestAbsence: Int64 = 600_000
    /// Audio may trail the video before it by so much, in milliseconds, and still be of one timeline.
    private static let interleaving: Int64 = 3_000

    /// `reached`: where the stream stands, if it came another way in the meantime, and since when.
    mutating func beginEpoch(reached: Int64?, at time: UInt64) {
        if let reached, reached > newest ?? -1 {
            newest = reached
            newestAt = time
        }
        lastInput = nil
        isNewEpoch = newest != nil
    }

    /// `now`: milliseconds of any clock that runs on.
    mutating func map(_ timestamp: UInt32, now: UInt64) -> Int64 {
        let input = unroll(timestamp)
        if isNewEpoch, let newest {
            isNewEpoch = false
            let ahead = input + offset - newest
            if ahead < 0 || ahead > RelayedTimeline.longestAbsence {
                let absence = Int64(clamping: now - min(now, newestAt))
                offset = newest + max(1, min(absence, RelayedTimeline.longestAbsence)) - input
            }
        }
        lastInput = max(lastInput ?? input, input)
        let output = max(input + offset, (newest ?? 0) - RelayedTimeline.interleaving, 0)
        if output > newest ?? -1 {
            newest = output
            newestAt = now
        }
        return output
    }

    /// The 64-bit time nearest to the last one that has these lower 32 bits.
    private func unroll(_ timestamp: UInt32) -> Int64 {
        guard let reference = lastInput ?? newest.map({ $0 - offset }) else { return Int64(timestamp) }
        let delta = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: reference))
        let near = reference + Int64(delta)
        return near >= 0 ? near : Int64(timestamp)
    }
}

extension Timeline {
    /// One offset from input to output, shared by every track that is on it.
    struct Clock: Sendable {
        /// The largest input that it has mapped, with the rollovers counted in.
        var furthest: Int64
        var offset: Int64

        /// `timestamp` in the 32-bit circle around the furthest input, as the nearest number without a circle.
        func unwrap(_ timestamp: UInt32, near reference: Int64) -> Int64 {
            let difference = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: reference))
            return reference &+ Int64(difference)
        }
    }

    /// What is remembered of each track.
    struct Track: Sendable {
        /// Its clock's number and its own largest input on it; nil until its first frame of a session.
        var place: (clock: Int, furthest: Int64)?
        var output: Int64?
        /// Milliseconds between its latest two frames: its nominal frame.
        var interval: Int64
        /// Frames of this session, up to 2: the first is often a sequence header at timestamp 0, whatever follows.
        var frames = 0

        /// Milliseconds at most that two frames may be apart to say how long one lasts.
        private static let longestInterval: Int64 = 200

        init(interval: Int64) { self.interval = interval }

        mutating func leaveClock() {
            place = nil
            frames = 0
        }

        /// The clock of that number is another one now.
        mutating func leave(clock: Int) {
            if place?.clock == clock { place = nil }
        }

        /// Takes a frame's place on a clock, and returns whether it is not older than the newest before it there.
        mutating func advance(clock: Int, input: Int64) -> Bool {
            frames = min(frames + 1, 2)
            guard let old = place, old.clock == clock else {
                place = (clock, input)
                return true
            }
            let step = input - old.furthest
            if step > 0 && step <= Self.longestInterval { interval = step }
            place = (clock, max(input, old.furthest))
            return step >= 0
        }
    }
}

//! Holds the numbers of one viewer's pictures against each other: which are missing, which came twice.

struct Numbering {
    enum Verdict: Equatable {
        /// The first picture, or the one that was to come.
        case next
        /// So many pictures are missing before this one.
        case gap(UInt64)
        /// Not above the one before.
        case doubled
        /// Another run of the publisher: its numbers start anew.
        case restarted
    }

    private var last: (run: UInt32, sequence: UInt64)?

    mutating func take(run: UInt32, sequence: UInt64) -> Verdict {
        guard let last else {
            self.last = (run, sequence)
            return .next
        }
        guard run == last.run else {
            self.last = (run, sequence)
            return .restarted
        }
        guard sequence > last.sequence else { return .doubled }
        self.last = (run, sequence)
        return sequence == last.sequence + 1 ? .next : .gap(sequence - last.sequence - 1)
    }
}

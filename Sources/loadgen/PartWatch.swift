//! When each part of a stream was whole, and when those who waited for it were answered.
//!
//! A part is whole when the picture comes that begins the next one: that picture's stamp says when it was handed to the
//! server. An answer is there when its last byte has come to the viewer's machine. So the times hold what the server took
//! to read, package and answer, and nothing of what the viewers take to read.

struct PartWatch {
    private struct Answer {
        let asked: UInt64
        let came: UInt64
    }

    private struct Part {
        /// The clock of its first picture's stamp.
        var began: UInt64?
        var answers: [Answer] = []
    }

    private var parts: [PartPlace: Part] = [:]

    /// Whether the stamp of its first picture is known, so that nobody has to look for it.
    func isKnown(_ place: PartPlace) -> Bool { parts[place]?.began != nil }

    mutating func learn(_ place: PartPlace, _ bytes: UnsafeRawBufferPointer) {
        guard let stamp = Stamp(within: bytes) else { return }
        parts[place, default: Part()].began = stamp.clock
    }

    mutating func answered(_ place: PartPlace, asked: UInt64, at time: UInt64) {
        parts[place, default: Part()].answers.append(Answer(asked: asked, came: time))
    }

    struct Result {
        /// Parts whose end is known.
        var parts = 0
        /// From the part's end to each answer, and to the last of its answers.
        var answers = Histogram()
        var last = Histogram()
        /// Who waited for one part: the fewest and the most.
        var fewest = 0
        var most = 0
        /// Answers to who asked when the part was whole already.
        var late = 0
    }

    /// Of the parts that ended within that time.
    func result(from start: UInt64, to end: UInt64) -> Result {
        var result = Result()
        let order = parts.keys.sorted()
        for (place, next) in zip(order, order.dropFirst()) where place.isFollowed(by: next) {
            guard let part = parts[place], let whole = parts[next]?.began, whole >= start, whole < end else { continue }
            let waited = part.answers.filter { $0.asked < whole }
            result.late += part.answers.count - waited.count
            guard !waited.isEmpty else { continue }
            result.parts += 1
            result.fewest = result.parts == 1 ? waited.count : min(result.fewest, waited.count)
            result.most = max(result.most, waited.count)
            var last: UInt64 = 0
            for answer in waited {
                let age = answer.came - min(answer.came, whole)
                result.answers.record(nanoseconds: age)
                last = max(last, age)
            }
            result.last.record(nanoseconds: last)
        }
        return result
    }
}

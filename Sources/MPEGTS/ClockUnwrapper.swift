/// Makes one continuous 64-bit time of the 33-bit timestamps of a program, which pass zero every 26.5 hours.
///
/// Each timestamp is put nearest to the newest one of any stream, so that audio and video pass zero together, in
/// whatever order they come.
struct ClockUnwrapper: Sendable {
    private var reference: Int64?

    static let period: Int64 = 1 << 33

    mutating func unwrap(_ timestamp: Int64) -> Int64 {
        let result = nearest(timestamp)
        reference = result
        return result
    }

    /// The same without moving on: a presentation time lies ahead of where the stream is.
    func nearest(_ timestamp: Int64) -> Int64 {
        reference.map { Self.nearest(timestamp, to: $0) } ?? timestamp
    }

    static func nearest(_ timestamp: Int64, to reference: Int64) -> Int64 {
        var difference = (timestamp &- reference) & (period - 1)
        if difference >= period / 2 { difference -= period }
        return reference &+ difference
    }
}

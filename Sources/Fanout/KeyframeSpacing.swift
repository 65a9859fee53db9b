/// How far apart the keyframes of a publish session lie. Times are milliseconds of the stream's timeline.
struct KeyframeSpacing {
    private var last: Int64?
    private var newest: Int64 = 0
    /// Between the two newest keyframes.
    private var interval: Int64 = 0
    private var isTold = false

    mutating func beginSession() { self = KeyframeSpacing() }

    mutating func picture(at time: Int64, isKeyframe: Bool) {
        newest = time
        guard isKeyframe else { return }
        if let last { interval = time - last }
        last = time
    }

    /// As far as is known: the next keyframe may be long overdue.
    var distance: Int64 { last.map { max(interval, newest - $0) } ?? interval }

    /// Whether it is more than `limit`, for the first time in the session.
    mutating func exceeds(_ limit: Int64) -> Bool {
        guard !isTold, distance > limit else { return false }
        isTold = true
        return true
    }
}

/// What one connection of a push has carried, or all of them together.
struct PushTraffic {
    var bytes: UInt64 = 0
    /// Frames sent; nil where that is not known.
    var frames: UInt64?
    /// Times that the destination was moved to the newest keyframe, and the frames that it missed by that.
    var skips: UInt64 = 0
    var missed: UInt64 = 0

    static func + (a: PushTraffic, b: PushTraffic) -> PushTraffic {
        var sum = a
        sum.bytes += b.bytes
        if let frames = b.frames { sum.frames = (a.frames ?? 0) + frames }
        sum.skips += b.skips
        sum.missed += b.missed
        return sum
    }
}

/// A session that carries a push.
protocol PushLeg: Session {
    var traffic: PushTraffic { get }
}

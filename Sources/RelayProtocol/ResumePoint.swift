/// Where a subscription wants to start.
public enum ResumePoint: Hashable, Sendable {
    /// With the next frame that comes.
    case live
    /// With the newest keyframe, behind what a decoder needs before it.
    case keyframe
    /// With this frame, because everything before it has arrived: how a child changes parents without a loss.
    case at(FrameNumber)
}

/// What a parent answers to a `ResumePoint`.
public enum Continuity: Hashable, Sendable {
    /// A new start: nothing was asked to follow on anything.
    case fresh
    /// The first frame is the one that was asked for.
    case exact
    /// The first frame is a later one. As many frames lie between as the parent knows of; 0 if it cannot tell.
    case lost(frames: UInt64)
}

extension ResumePoint {
    var code: UInt8 {
        switch self {
        case .live: 0
        case .keyframe: 1
        case .at: 2
        }
    }

    var number: FrameNumber {
        if case .at(let number) = self { return number }
        return FrameNumber(epoch: 0, sequence: 0)
    }

    init?(code: UInt8, number: FrameNumber) {
        switch code {
        case 0: self = .live
        case 1: self = .keyframe
        case 2 where number.isValid: self = .at(number)
        default: return nil
        }
    }
}

extension Continuity {
    var code: UInt8 {
        switch self {
        case .fresh: 0
        case .exact: 1
        case .lost: 2
        }
    }

    var lostFrames: UInt64 {
        if case .lost(let frames) = self { return frames }
        return 0
    }

    init?(code: UInt8, lostFrames: UInt64) {
        switch code {
        case 0: self = .fresh
        case 1: self = .exact
        case 2: self = .lost(frames: lostFrames)
        default: return nil
        }
    }
}

//! One viewer of a run, whatever it plays over.

enum ViewerPhase {
    case connecting
    case reading
    /// Reads no more, on purpose; the connection stays.
    case refusing
    case closed
}

protocol Viewer: AnyObject {
    var phase: ViewerPhase { get }
    var sight: Sight { get set }
    /// When the server let go of it.
    var endedAt: UInt64? { get }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer)
    /// Leaves, on the viewer's own wish.
    func leave(byReset: Bool)
    /// What its transport counted; none where it counts nothing.
    var srtCounts: SRTCounts? { get }
}

extension Viewer {
    var isPlaying: Bool { phase == .reading && sight.hasFirstFrame }

    /// Whether a stall is still going on when the run ends.
    func isStalled(at time: UInt64) -> Bool { isPlaying && sight.silence.ongoing(at: time) > Sight.stallLimit }

    /// The longest time without a picture, of the measured time and of the interval that ends now.
    func longest(until time: UInt64) -> UInt64 { sight.silence.longest(until: lastSight(time)) }

    func nextInterval(at time: UInt64) -> UInt64 { sight.nextInterval(at: lastSight(time)) }

    /// Who has left, or reads no more, waits for no picture.
    private func lastSight(_ time: UInt64) -> UInt64 {
        phase == .refusing || phase == .closed && endedAt == nil ? sight.silence.lastPicture ?? time : time
    }
}

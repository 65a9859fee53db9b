import HLS

/// A node that packages what it receives: it opens and closes segments where the numbers change.
struct SimulatedNode {
    var playlist: MediaPlaylist
    private var cutter: PartCutter
    private var current: SegmentNumber?
    /// Of the first frame that parts are cut by.
    private var start: Int64?
    private var partStart: Int64 = 0
    private var newest: Int64 = 0
    private var step: Int64 = 0
    private var size = 0
    private var partSize = 0
    private var hasKeyframe = false
    private var isWhole = false
    private let isLowLatency: Bool
    private let hasVideo: Bool
    var initialisation: UInt64 = 1

    init(settings: PlaylistSettings, hasVideo: Bool) {
        playlist = MediaPlaylist(settings: settings)
        cutter = PartCutter(setting: 200_000)
        isLowLatency = settings.form == .lowLatency
        self.hasVideo = hasVideo
    }

    /// Whether the playlist changed.
    mutating func receive(_ frame: SimulatedStream.Frame, isSessionStart: Bool = false) -> Bool {
        var changed = false
        if current?.number != frame.number.number {
            changed = true
            let isFirst = current == nil
            if let current {
                close(at: current.discontinuity == frame.number.discontinuity ? frame.time : newest + step, frame)
            }
            let isKey = frame.kind == .keyframe || frame.kind == .audio && (!hasVideo || isSessionStart)
            _ = playlist.openSegment(
                frame.number, date: frame.now * 1_000, initialisation: initialisation, isIndependent: isKey,
                now: frame.now)
            isWhole = !isFirst || isSessionStart
            current = frame.number
            start = nil
            (size, partSize, hasKeyframe) = (0, 0, false)
        }
        if (frame.kind != .audio) == hasVideo {
            if start == nil {
                start = frame.time
                partStart = frame.time
                cutter.beginSegment(at: frame.time * 1_000, isVideo: hasVideo)
            } else if isLowLatency, cutter.cut(before: frame.time * 1_000) {
                changed = true
                addPart(at: frame.time)
            }
        }
        if frame.time > newest, frame.time - newest < 1_000 { step = frame.time - newest }
        newest = frame.time
        size += frame.size
        partSize += frame.size
        hasKeyframe = hasKeyframe || frame.kind == .keyframe || !hasVideo
        return changed
    }

    private mutating func addPart(at time: Int64) {
        guard partSize > 0 else { return }
        playlist.addPart(duration: (time - partStart) * 1_000, size: partSize, isIndependent: hasKeyframe)
        partStart = time
        (partSize, hasKeyframe) = (0, false)
    }

    private mutating func close(at end: Int64, _ next: SimulatedStream.Frame) {
        if isLowLatency { addPart(at: end) }
        playlist.closeSegment(
            duration: (end - (start ?? end)) * 1_000, size: size, target: next.number.target, isWhole: isWhole,
            now: next.now)
    }
}

/// Segments of MPEG transport stream. Each begins with counters of its own, and says so. All tracks are in them: it is
/// from a segment's tables that players of this form learn what there is to choose.
import MPEGTS
import Media
import StreamLog

final class TransportMaker: SegmentMaker {
    private var muxer: TSMuxer
    private var store = Store()
    private var pending = SharedBytes()
    /// What was learnt of the tracks, the newest of each: every segment's muxer learns it anew.
    private var learnt: [(kind: MediaKind, body: [UInt8])] = []
    private let settings: TSMuxer.Settings

    let initialization: [UInt8] = []
    let version: UInt64 = 0

    init() {
        var settings = TSMuxer.Settings()
        settings.marksStart = true
        self.settings = settings
        muxer = TSMuxer(settings: settings)
    }

    var codecs: String { "" }
    var sound: Sound? { nil }
    var isEmpty: Bool { pending.count == 0 }

    func takes(_ kind: MediaKind, _ tracks: TrackSet) -> Bool { true }

    func leads(_ kind: MediaKind, _ tracks: TrackSet) -> Bool {
        kind == .video || kind == .audio && !muxer.hasVideo
    }

    func lacks(_ kind: MediaKind) -> Bool { false }
    func wouldLearn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) -> Bool { false }

    func beginSession() {
        learnt = []
        muxer = TSMuxer(settings: settings)
    }

    func learn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) {
        guard kind != .script || TSMuxer.isDeclaration(Span(_unsafeBytes: body)) else { return }
        let bytes = Array(body)
        _ = muxer.plan(kind, timestamp: 0, body: bytes.span)
        learnt.removeAll { $0.kind == kind && $0.body == bytes }
        learnt.append((kind, bytes))
        if learnt.count > TransportMaker.mostLearnt { learnt.removeFirst() }
    }

    /// Sequence headers that are kept: a stream has few tracks, and each changes seldom.
    private static let mostLearnt = 32

    func beginSegment() {
        muxer = TSMuxer(settings: settings)
        for wanted in [MediaKind.video, .audio, .script] {
            for (kind, body) in learnt where kind == wanted { _ = muxer.plan(kind, timestamp: 0, body: body.span) }
        }
    }

    func add(_ kind: MediaKind, at time: Int64, _ place: LogPlace) -> Bool {
        let body = Span<UInt8>(_unsafeBytes: place.bytes)
        let plan = muxer.plan(kind, timestamp: time, body: body, startsHere: pending.count == 0)
        if plan.size > 0 { pending.append(store.put(plan.size) { muxer.write(plan, body: body, into: $0) }) }
        return true
    }

    func take(sequence: UInt32, end: Int64?) -> SharedBytes {
        defer { pending = SharedBytes() }
        return pending
    }
}

import Media

/// Holds back what a program begins with until every stream of sound and pictures in its map has been heard of, and then
/// hands out first what they say of themselves.
///
/// Why: a map names all streams, and what is needed to decode one comes with its own first frames, sound most often behind
/// the first picture. Who was already waiting would be given a beginning without it: the initialisation segment of a movie
/// without that track, which many players never add.
///
/// Nothing is held once the program has begun: what a later map adds comes when it comes. The wait is bounded by the
/// stream's own time, by frames and by bytes, for a stream that is announced may never come.
public struct ProgramOpening: Sendable {
    private var isOpen = false
    /// Of the map.
    private var expected: Set<UInt16> = []
    private var heard: Set<UInt16> = []
    /// What says how to decode, the first of each stream; and first frames of streams that need no more than those.
    private var configurations: [TSFrame] = []
    private var leading: [TSFrame] = []
    private var held: [TSFrame] = []
    private var heldBytes = 0
    private var start: Int64?
    private var ready: [TSFrame] = []
    private var taken = 0
    /// The time of the stream at which it opened; nil where no frame of it was held back.
    private var opened: Int64?
    /// How many of `ready` were held back, and have not been handed out.
    private var delayed = 0

    /// 90 kHz of the stream's time for which a stream that was announced is waited for. Encoders put up to 0.7 s of sound
    /// into one PES packet, and who comes in the middle of a broadcast waits for a keyframe.
    static let longestWait: UInt64 = 180_000
    /// 2 s of 60 pictures a second and a few languages.
    static let frames = 512
    /// 2 s of 32 Mbit/s.
    static let bytes = 8 << 20

    public init() {}

    public mutating func take(_ event: TSEvent) {
        switch event {
        case .program(let program):
            expected = Set(program.streams.lazy.filter { $0.codec.mediaKind != nil }.map(\.pid))
            openIfDue()
        case .frame(let frame) where isOpen: ready.append(frame)
        case .frame(let frame): hold(frame)
        }
    }

    /// Milliseconds for which the frame that `next` gives was held back, by the stream's own time: it is as much older
    /// than its arrival here.
    public var delay: Int64 {
        guard delayed > 0, taken < ready.count, let opened else { return 0 }
        return max(0, min(opened - ready[taken].dts, Int64(Self.longestWait))) / 90
    }

    /// The next frame, in the stream's order but for what was said of its beginning.
    public mutating func next() -> TSFrame? {
        guard taken < ready.count else { return nil }
        delayed = max(0, delayed - 1)
        defer {
            taken += 1
            if taken == ready.count {
                ready.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return ready[taken]
    }

    /// The stream has ended: what is held is all there is.
    public mutating func finish() { open() }

    private mutating func hold(_ frame: TSFrame) {
        heldBytes += frame.body.count
        let isFirst = heard.insert(frame.pid).inserted
        if isFirst && frame.isConfiguration {
            configurations.append(frame)
        } else if isFirst && frame.kind == .audio {
            leading.append(frame)
        } else {
            held.append(frame)
        }
        if !frame.isConfiguration && start == nil { start = frame.dts }
        openIfDue(frame)
    }

    private mutating func openIfDue(_ frame: TSFrame? = nil) {
        let waited = frame.flatMap { frame in start.map { (frame.dts - $0).magnitude } } ?? 0
        guard
            expected.isSubset(of: heard) || waited >= Self.longestWait || heldBytes >= Self.bytes
                || held.count >= Self.frames
        else { return }
        open()
    }

    private mutating func open() {
        guard !isOpen else { return }
        isOpen = true
        for index in configurations.indices {
            // Where the stream begins, which may be before the frame that told it.
            configurations[index].dts = start ?? configurations[index].dts
            configurations[index].pts = start ?? configurations[index].pts
        }
        ready += configurations + leading + held
        delayed = ready.count
        // Of the streams, which are interleaved, some are behind.
        opened = held.reduce(start) { max($0 ?? $1.dts, $1.dts) }
        (configurations, leading, held) = ([], [], [])
    }
}

//! A file played in a loop, in real time: which tag is next, and when.

struct Timeline {
    let file: FLVFile
    private(set) var begin: UInt64 = 0
    private var loops: UInt64 = 0
    private var position = 0
    /// The file's time that is zero on the wire.
    private var origin: UInt64 = 0

    init(_ file: FLVFile) { self.file = file }

    var isBegun: Bool { begin != 0 }
    var tag: Tag { file.media[position] }
    private var elapsed: UInt64 { loops * UInt64(file.duration) + UInt64(tag.time) }
    /// When the next tag is due, on the machine's clock.
    var due: UInt64 { begin + elapsed * nanosecondsPerMillisecond }
    /// The next tag's time on the wire, in milliseconds.
    var time: UInt64 { elapsed &- origin }

    /// Streams start apart from each other, so that they do not all send their pictures in the same millisecond.
    private static func offset(ofStream index: Int) -> UInt64 { UInt64(index % 97) * 10_309_278 }

    /// A connection is ready to publish on: the first one begins, later ones go on.
    mutating func goOn(asStream index: Int) {
        if isBegun { seek(now()) } else { start(at: now() + Timeline.offset(ofStream: index)) }
    }

    mutating func start(at time: UInt64) { begin = time }

    mutating func step() {
        position += 1
        if position == file.media.count {
            position = 0
            loops += 1
        }
    }

    /// Moves on to the first keyframe that is due after `time`, which is zero on the wire: what was due meanwhile is
    /// nobody's.
    mutating func seek(_ time: UInt64) {
        while due < time || !tag.isKeyframe { step() }
        origin = elapsed
    }
}

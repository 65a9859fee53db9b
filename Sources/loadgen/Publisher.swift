//! One publisher of a run, whatever it publishes over.

protocol Publisher: AnyObject {
    var isPublishing: Bool { get }
    /// Why the publisher is no more.
    var failure: String? { get }
    var lastReason: String? { get }
    var reconnects: Int { get }
    var bytesSent: UInt64 { get }
    var pace: Pace { get set }
    /// When the next tag is due; far away while there is nothing to publish.
    var due: UInt64 { get }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer)
    /// Publishes every tag whose time has come.
    func publish(at time: UInt64)
    /// What its transport counted; none where it counts nothing.
    var srtCounts: SRTCounts? { get }
    /// Nanoseconds that the server holds back what is published, as negotiated.
    var negotiated: UInt64 { get }
}

/// How steadily a publisher publishes.
struct Pace {
    /// Pictures published.
    private(set) var pictures: UInt64 = 0
    /// How late, at worst, a tag was handed to the socket.
    private(set) var worstDelay: UInt64 = 0
    private var delay: UInt64 = 0
    private var silence = Silence()

    mutating func late(by time: UInt64) {
        worstDelay = max(worstDelay, time)
        delay = max(delay, time)
    }

    /// What a tag is stamped with if it is a picture.
    mutating func stamp(_ tag: Tag, at time: UInt64, run: UInt32, stream: Int) -> Stamp? {
        guard tag.isPicture else { return nil }
        return Stamp(clock: now(), run: run, sequence: picture(at: time), stream: UInt32(stream))
    }

    /// The next picture's number.
    private mutating func picture(at time: UInt64) -> UInt64 {
        defer { pictures += 1 }
        _ = silence.picture(at: time)
        return pictures
    }

    /// How late, at worst, a tag was handed to the socket since the last call.
    mutating func takeWorstDelay() -> UInt64 {
        defer { delay = 0 }
        return delay
    }

    /// The longest time without a picture, of the interval that ends now.
    mutating func nextInterval(at time: UInt64) -> UInt64 { silence.nextInterval(at: time) }
}

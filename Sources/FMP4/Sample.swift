/// What one message body holds for one track.
struct Sample: Sendable {
    /// Index of the movie's track.
    var track = 0
    var payload = 0..<0
    /// Milliseconds from decoding to showing.
    var composition: Int64 = 0
    /// How long it lasts on the track's timescale; 0 of video, which does not say.
    var duration: Int64 = 0
    /// Decoding can start at it.
    var isSync = true
    /// No other picture needs it.
    var isDisposable = false

    /// sample_flags of ISO/IEC 14496-12 §8.8.3.1.
    var flags: UInt32 { isSync ? Self.syncFlags : isDisposable ? Self.otherFlags | 0x0080_0000 : Self.otherFlags }

    /// It depends on no others.
    static let syncFlags: UInt32 = 0x0200_0000
    /// It depends on others, and is no sync sample.
    static let otherFlags: UInt32 = 0x0101_0000
}

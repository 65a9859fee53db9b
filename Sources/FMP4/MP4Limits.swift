/// What the muxer of fragmented MP4 holds at most, and the constants of its clocks.
public enum MP4Limits {
    /// Tracks of one movie that are written; further ones are left out.
    public static let tracks = 16
    /// Tracks of one multitrack message that are written.
    public static let tracksOfMessage = 8
    /// Samples that one fragment takes: ten minutes of 30 pictures a second with one audio track.
    public static let samplesOfFragment = 65_536
    /// Payload bytes that one fragment takes; data offsets have 31 bits.
    public static let bytesOfFragment = 1 << 30
    /// Milliseconds by which audio, which is placed frame after frame, may leave its timestamps before it is placed anew.
    /// Rounding to milliseconds stays within 1, jittery encoders within 10; a lost AAC frame (21) goes beyond.
    public static let audioDrift: Int64 = 15

    /// Timestamps beyond this are no time of a stream: 139 years in milliseconds.
    static let timestamp: UInt64 = 1 << 42
    /// The highest rate of audio, in Hz, that is no mistake: twice that of the fastest converters. Times of 42 bits at 20
    /// bits of rate stay within 62.
    static let sampleRate = 768_000
    /// Ticks a second of every video track: a multiple of 1,000, so that milliseconds are exact.
    static let videoTimescale: UInt32 = 90_000
    /// Ticks of a millisecond of video.
    static let videoTick: Int64 = 90
    /// How long a picture lasts of which nothing is known yet, in ticks: a thirtieth of a second.
    static let firstInterval: Int64 = 3_000
    /// The shortest and the longest time that a picture is said to last, in ticks: 5 ms and 5 s.
    static let intervals: ClosedRange<Int64> = 450...450_000
    /// How far a decoding time may go ahead of its picture to bridge a pause, in ticks: 10 s.
    static let longestBridge: Int64 = 900_000
}

/// What a transport stream may ask of its reader. Memory grows with bytes received and never beyond these; what goes
/// over a limit is passed over and counted, unless it means that the input is no transport stream at all.
public struct TSLimits: Sendable, Equatable {
    /// Bytes of one video PES packet. A keyframe of a 100 Mbit/s stream stays below 4 MiB.
    public var videoUnit = 8 << 20
    /// Bytes of one PES packet of audio or data. 64 KiB is the most that its length field can say.
    public var otherUnit = 128 << 10
    /// Programs of one stream that are told apart. A satellite transponder has some thirty.
    public var programs = 256
    /// Elementary streams of the chosen program that are read.
    public var streams = 32
    /// Bytes at the start, or after the sync was lost, in which packets must be found.
    public var unsynchronised = 64 << 10
    /// Scrambled packets, with no clear one between them, after which the stream is refused.
    public var scrambled = 2_000

    public init() {}

    /// Bytes of a private section with its header (ISO/IEC 13818-1 §2.4.4.11).
    static let section = 4_096
    /// Bytes of a data track's descriptors that are carried. A teletext descriptor of 50 pages has 252; others have tens.
    static let dataDescriptors = 254
    /// Parameter sets kept of each type. H.264 allows 32 SPS and 256 PPS; encoders use one or two.
    static let parameterSets = 32
    /// Bytes of one parameter set: real ones have tens to a few hundreds.
    static let parameterSet = 4_096
    /// Bytes of an audio frame: 8,191 is the most that ADTS can say, and more than the other codecs have.
    static let audioFrame = 8_192
}

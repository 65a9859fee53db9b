/// What a sequence header, or the first frame of a codec that has none, says of a track.
struct TrackFormat: Sendable, Equatable {
    var coding: TrackCoding
    var entry: FourCC
    /// The boxes inside the sample entry.
    var configuration: [UInt8]
    var codecString: String
    /// 0 until a keyframe has said it.
    var width = 0
    var height = 0
    var sampleRate = 0
    var channels = 0
    var sampleSize = 16
}

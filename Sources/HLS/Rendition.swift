/// One media playlist of a stream: the one that carries the video with the first audio track, or an audio track of its
/// own beside it. The main one is before all others, which are in the order of their numbers.
public enum Rendition: Hashable, Comparable, Sendable {
    case main
    /// A further audio track, by its number in the stream.
    case audio(UInt8)
}

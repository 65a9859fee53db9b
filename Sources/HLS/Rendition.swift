/// One media playlist of a stream: the one that carries the video with the first audio track, or an audio track of its
/// own beside it.
public enum Rendition: Hashable, Sendable {
    case main
    /// A further audio track, by its number in the stream.
    case audio(UInt8)
}

import HLS

/// What a publisher says of one of its audio tracks, for people to choose by.
public struct TrackLabel: Sendable, Hashable {
    /// Empty where it has none.
    public var name: String
    /// As the publisher has it: a tag of RFC 5646, or three letters of ISO 639-2; empty where it is not known.
    public var language: String

    public init(name: String = "", language: String = "") {
        self.name = name
        self.language = language
    }

    /// The track as players may choose it.
    public func choice(of rendition: Rendition, _ sound: Sound) -> MultivariantPlaylist.Audio {
        let language = LanguageTag.shortest(language)
        var choice = MultivariantPlaylist.Audio(
            rendition: rendition, name: name.isEmpty ? language : name, codec: sound.codec)
        choice.language = language
        choice.channels = sound.channels
        return choice
    }
}

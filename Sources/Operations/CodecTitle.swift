/// The name of a coding as people write it, from the short name that reports carry.
enum CodecTitle {
    private static let titles = [
        "h264": "H.264", "h265": "H.265", "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "aac": "AAC", "mp3": "MP3",
        "opus": "Opus", "ac3": "AC-3", "eac3": "E-AC-3", "flac": "FLAC", "speex": "Speex", "pcm": "PCM",
        "g711a": "G.711 A-law", "g711u": "G.711 µ-law",
    ]

    /// A coding without a title keeps its short name.
    static func of(_ codec: String) -> String { titles[codec] ?? codec }
}

/// The list of streams that the web page shows to anybody.
///
/// It says what a viewer may know: names, formats, the number of viewers. Addresses, agents and session ids stay in the
/// API.
public enum PublicList {
    /// `{"streams":[{"app","name","viewers","video","audio","kbps"}]}`; `video` and `audio` are `null` when absent.
    public static func encode(_ streams: [StreamReport]) -> [UInt8] {
        var writer = JSONWriter(pretty: false)
        writer.object { $0.member("streams") { $0.array(streams) { write($1, to: &$0) } } }
        return writer.bytes
    }

    private static func write(_ stream: StreamReport, to writer: inout JSONWriter) {
        writer.object {
            $0.member("app", stream.app)
            $0.member("name", stream.name)
            $0.member("viewers", stream.viewers.values.reduce(0, +))
            $0.member("video") { out in
                if let video = stream.video { out.string(describe(video)) } else { out.null() }
            }
            $0.member("audio") { out in
                if let audio = stream.audio { out.string(describe(audio)) } else { out.null() }
            }
            $0.member("kbps", (stream.bitrateIn / 1000).rounded())
        }
    }

    /// `H.264 1280x720 30 fps`, without what is not known.
    private static func describe(_ video: VideoReport) -> String {
        var parts = [CodecTitle.of(video.codec)]
        if video.width > 0 && video.height > 0 { parts.append("\(video.width)x\(video.height)") }
        // One decimal tells 29.97 from 30 to a person; a measured 30.003 should read as 30.
        let rate = (video.frameRate * 10).rounded() / 10
        if rate > 0, let text = Decimal3.text(rate) { parts.append("\(text) fps") }
        return parts.joined(separator: " ")
    }

    /// `AAC 48000 Hz stereo`, without what is not known.
    private static func describe(_ audio: AudioReport) -> String {
        var parts = [CodecTitle.of(audio.codec)]
        if audio.sampleRate > 0 { parts.append("\(audio.sampleRate) Hz") }
        switch audio.channels {
        case ...0: break
        case 1: parts.append("mono")
        case 2: parts.append("stereo")
        default: parts.append("\(audio.channels) channels")
        }
        return parts.joined(separator: " ")
    }
}

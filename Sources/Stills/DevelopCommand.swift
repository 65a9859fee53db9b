/// What ffmpeg is told, to make a JPEG of a keyframe: a file of one picture on its standard input, the JPEG on its
/// standard output, and its complaints, if any, on its standard error.
public enum DevelopCommand {
    /// Bytes of a picture: a JPEG of 8,192 columns stays below.
    public static let mostBytes = 16 << 20
    /// Bytes of complaints that are read; the log has the last line.
    public static let mostWords = 4 << 10
    /// Bytes of memory: a picture of 7680 × 4320 takes a tenth. A stream that makes a decoder want more gets no picture.
    public static let mostMemory = 2 << 30

    /// Without the program's own name. Pictures that are wider than `width` are made smaller; those whose pixels are not
    /// square are made so.
    public static func arguments(_ container: KeyframeFile.Container, width: Int) -> [String] {
        let scale =
            "scale=w='max(2\\,trunc(min(iw*sar\\,\(width))/2)*2)':h='max(2\\,round(ow/dar/2)*2)',setsar=1"
        return [
            "-hide_banner", "-nostdin", "-loglevel", "error",
            // One thread is enough for one picture, and viewers come first. Nothing but the pipe is opened, whatever
            // the stream says.
            "-filter_threads", "1", "-threads", "1", "-protocol_whitelist", "pipe",
            // A keyframe that is no complete restart is shown all the same.
            "-flags", "+output_corrupt", "-flags2", "+showall",
            "-f", container.rawValue, "-i", "pipe:0",
            "-map", "0:v:0", "-frames:v", "1", "-vf", scale, "-pix_fmt", "yuvj420p",
            "-c:v", "mjpeg", "-q:v", "4", "-threads", "1", "-f", "mjpeg", "pipe:1",
        ]
    }

    /// The last line of what the program said, fit for a log.
    public static func lastWords(_ bytes: [UInt8]) -> String {
        let lines = bytes.split { $0 == 0x0a || $0 == 0x0d }
        let last = lines.last { line in line.contains { $0 > 0x20 } } ?? []
        return String(decoding: last.prefix(longestWords).map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }, as: UTF8.self)
    }

    private static let longestWords = 300
}

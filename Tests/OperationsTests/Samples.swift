import Operations

/// Reports with every field filled in, for the tests to change.
enum Samples {
    /// What a hostile peer would call itself: ends a string, a line, an attribute, a script; moves the cursor; reverses
    /// the text.
    static let hostile = "a\"b\\c\nd\re\tf\u{1b}[31m\u{0}\u{7f}\u{85}\u{2028}\u{202e}</script>é\u{1F600}"

    static func stream(_ app: String = "live", _ name: String = "a") -> StreamReport {
        var report = StreamReport(
            app: app, name: name, state: "live",
            publisher: PublisherReport(
                session: "r-1", address: "127.0.0.1:5000", agent: "FMLE/3.0", since: 12.5),
            epoch: 7,
            video: VideoReport(
                codec: "h264", profile: "High", level: "3.1", width: 1280, height: 720, frameRate: 30.0003,
                keyframeInterval: 2, codecString: "avc1.64001f"),
            audio: AudioReport(
                codec: "aac", profile: "LC", sampleRate: 48000, channels: 2, codecString: "mp4a.40.2"),
            bitrateIn: 2_200_400.4, bitrateOut: 4_400_800, bytesIn: 1000, bytesOut: 2000, framesVideo: 30,
            framesAudio: 47, corrections: CorrectionReport(jumps: 1, backwards: 2, rollovers: 3),
            viewers: ["rtmp": 1, "http-flv": 2], skips: 4, stalledOut: 5, logSeconds: 6.5, logBytes: 600,
            sinceLastFrame: 0.02, uptime: 12)
        report.packaged = PackageReport(bytes: 7, viewers: 8, waiting: 9)
        report.rewind = window()
        return report
    }

    static func window() -> WindowReport {
        WindowReport(
            state: "paused", window: 3_600, segments: 1_800, bytes: 900_000, queued: 5, oldest: 1_800_000_000.25,
            newest: 1_800_003_600, viewers: 2, error: "the disk is full")
    }

    static func session(_ id: String = "h-2") -> SessionReport {
        var report = SessionReport(
            id: id, protocol: "http-flv", role: "play", app: "live", stream: "a", address: "127.0.0.1:6000",
            agent: "VLC", since: 3, bytesIn: 100, bytesOut: 900, lagBytes: 10, lagMilliseconds: 33,
            skips: 1,
            track: "audio")
        report.srt = SRTReport()
        report.srt?.rttMs = 12.5
        report.srt?.packetsSent = 7
        return report
    }

    static func node() -> NodeReport {
        NodeReport(
            version: "1.0", uptime: 3, threads: 2, sessions: 4, viewers: 3, publishers: 1, streams: 1, bytesIn: 1000,
            bytesOut: 2000, acceptedTotal: 9,
            loops: [LoopReport(index: 0, busy: 0.25, sessions: 2, flushIntervalMs: 40), LoopReport(index: 1)],
            errors: ["rtmp.chunk-size": 2], draining: false, memoryBytes: 12_000_000)
    }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

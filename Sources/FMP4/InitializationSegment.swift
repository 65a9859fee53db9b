import Media

/// Makes the `ftyp` and `moov` boxes before a movie's fragments (ISO/IEC 14496-12, 23000-19 §7.3.1). It depends on the
/// tracks alone.
///
/// There is no edit list: timestamps of all tracks are on one continuous timeline, and a message's timestamp plus its
/// composition time is when to show it. An edit list would have to move every track alike, and a player that joins in the
/// middle, or that does not apply it, would be out of step with the others.
enum InitializationSegment {
    /// Empty when there are no tracks.
    static func bytes(_ tracks: [MovieTrack]) -> [UInt8] {
        guard let last = tracks.last else { return [] }
        var builder = BoxBuilder()
        builder.box("ftyp") {
            // iso6 for offsets of composition that are negative; cmfc allows one track to a file.
            $0.put("iso6" as FourCC)
            $0.put32(0)
            $0.put("iso6" as FourCC)
            $0.put("mp41" as FourCC)
            if tracks.count == 1 { $0.put("cmfc" as FourCC) }
            if tracks.contains(where: { $0.format.coding == .av1 }) { $0.put("av01" as FourCC) }
        }
        builder.box("moov") {
            putMovieHeader(nextTrack: last.number + 1, &$0)
            let hasChoice = tracks.count { $0.kind == .audio } > 1
            for track in tracks { putTrack(track, alternates: hasChoice && track.kind == .audio, &$0) }
            $0.box("mvex") { for track in tracks { putDefaults(track, &$0) } }
        }
        return builder.bytes
    }

    private static func putMatrix(_ builder: inout BoxBuilder) {
        for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] as [UInt32] { builder.put32(value) }
    }

    private static func putMovieHeader(nextTrack: UInt32, _ builder: inout BoxBuilder) {
        builder.fullBox("mvhd") {
            $0.zeros(8)
            $0.put32(1_000)
            $0.put32(0)
            $0.put32(0x0001_0000)
            $0.put16(0x0100)
            $0.zeros(10)
            putMatrix(&$0)
            $0.zeros(24)
            $0.put32(nextTrack)
        }
    }

    private static func putTrack(_ track: MovieTrack, alternates: Bool, _ builder: inout BoxBuilder) {
        builder.box("trak") {
            // Enabled, and part of the presentation.
            $0.fullBox("tkhd", flags: 3) {
                $0.zeros(8)
                $0.put32(track.number)
                $0.zeros(18)
                $0.put16(alternates ? 1 : 0)
                $0.put16(track.kind == .audio ? 0x0100 : 0)
                $0.zeros(2)
                putMatrix(&$0)
                $0.putFixed(track.width)
                $0.putFixed(track.height)
            }
            $0.box("mdia") { putMedia(track, &$0) }
        }
    }

    private static func putMedia(_ track: MovieTrack, _ builder: inout BoxBuilder) {
        let isVideo = track.kind == .video
        builder.fullBox("mdhd") {
            $0.zeros(8)
            $0.put32(track.timescale)
            $0.put32(0)
            $0.put16(0x55c4)  // "und"
            $0.put16(0)
        }
        builder.fullBox("hdlr") {
            $0.put32(0)
            $0.put(isVideo ? "vide" : "soun")
            $0.zeros(12)
            $0.put([UInt8](isVideo ? "video".utf8 : "audio".utf8) + [0])
        }
        builder.box("minf") {
            if isVideo {
                $0.fullBox("vmhd", flags: 1) { $0.zeros(8) }
            } else {
                $0.fullBox("smhd") { $0.zeros(4) }
            }
            $0.box("dinf") {
                $0.fullBox("dref") {
                    $0.put32(1)
                    $0.fullBox("url ", flags: 1) { _ in }
                }
            }
            $0.box("stbl") { putSampleTable(track, &$0) }
        }
    }

    /// The description of the samples, which themselves are all in fragments.
    private static func putSampleTable(_ track: MovieTrack, _ builder: inout BoxBuilder) {
        builder.fullBox("stsd") {
            $0.put32(1)
            $0.box(track.format.entry) {
                if track.kind == .video { putVideoEntry(track, &$0) } else { putAudioEntry(track, &$0) }
                $0.put(track.format.configuration)
            }
        }
        for type in ["stts", "stsc"] as [FourCC] { builder.fullBox(type) { $0.put32(0) } }
        builder.fullBox("stsz") { $0.zeros(8) }
        builder.fullBox("stco") { $0.put32(0) }
    }

    private static func putVideoEntry(_ track: MovieTrack, _ builder: inout BoxBuilder) {
        builder.zeros(6)
        builder.put16(1)
        builder.zeros(16)
        builder.put16(UInt16(clamping: track.width))
        builder.put16(UInt16(clamping: track.height))
        builder.put32(0x0048_0000)
        builder.put32(0x0048_0000)
        builder.zeros(4)
        builder.put16(1)
        builder.zeros(32)
        builder.put16(24)
        builder.put16(0xffff)
    }

    private static func putAudioEntry(_ track: MovieTrack, _ builder: inout BoxBuilder) {
        builder.zeros(6)
        builder.put16(1)
        builder.zeros(8)
        builder.put16(UInt16(clamping: track.channels))
        builder.put16(UInt16(track.format.sampleSize))
        builder.zeros(4)
        // Rates that 16 bits do not hold are halved until they do ("Encapsulation of FLAC in ISOBMFF" §3.3.1).
        var rate = track.sampleRate
        while rate > 0xffff { rate /= 2 }
        builder.putFixed(rate)
    }

    private static func putDefaults(_ track: MovieTrack, _ builder: inout BoxBuilder) {
        builder.fullBox("trex") {
            $0.put32(track.number)
            $0.put32(1)
            $0.zeros(8)
            $0.put32(track.kind == .video ? Sample.otherFlags : Sample.syncFlags)
        }
    }
}

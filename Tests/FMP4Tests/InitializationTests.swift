import Fixtures
import Media
import Testing

@testable import FMP4

@Suite("The initialisation segment")
struct InitializationTests {
    private static func dolby(_ frame: [UInt8]) -> DolbyHead? { DolbyHead(frame.span, isEnhanced: true) }

    private static func learn(_ movie: inout Movie, _ kind: MediaKind, _ body: [UInt8]) {
        movie.learn(kind, body: body.span)
    }

    private func movie(_ bodies: [(MediaKind, [UInt8])], _ selection: Movie.Selection = .all) -> Movie {
        var movie = Movie(selection: selection)
        for (kind, body) in bodies { movie.learn(kind, body: body.span) }
        return movie
    }

    private func moov(_ movie: Movie) throws -> Box {
        let boxes = try Box.parse(movie.initialization)
        #expect(boxes.map(\.type) == ["ftyp", "moov"])
        return boxes[1]
    }

    private func entry(_ movie: Movie, track: Int = 0) throws -> Box {
        try moov(movie)["trak"][track]["mdia", "minf", "stbl", "stsd"][0].children[0]
    }

    @Test("says what H.264 and AAC are, with every box in its place")
    func h264AndAAC() throws {
        let movie = movie([(.audio, Bodies.aacHeader), (.video, Bodies.h264Header)])
        #expect(movie.isComplete && movie.hasVideo)
        #expect(movie.codecs == "avc1.64001f,mp4a.40.2")
        let moov = try moov(movie)
        #expect(moov["trak"].count == 2 && moov["mvex", "trex"].map { $0.u32(4) } == [1, 2])
        #expect(moov["mvhd"][0].payload.count == 100 && moov["mvhd"][0].u32(96) == 3)
        for (track, kind) in ["vide", "soun"].enumerated() {
            let trak = moov["trak"][track]
            #expect(trak["tkhd"][0].payload.count == 84 && trak["tkhd"][0].u32(12) == track + 1)
            #expect(trak["mdia", "mdhd"][0].u32(12) == [90_000, 44_100][track])
            #expect(trak["mdia", "hdlr"][0].payload[8..<12].elementsEqual(kind.utf8))
            let table = trak["mdia", "minf", "stbl"][0].children
            #expect(table.map(\.type) == ["stsd", "stts", "stsc", "stsz", "stco"])
            #expect(table.dropFirst().map(\.payload.count) == [8, 8, 12, 8])
        }
        #expect(moov["trak"][0]["tkhd"][0].u32(76) == 1_280 << 16 && moov["trak"][0]["tkhd"][0].u32(80) == 720 << 16)
        let video = try entry(movie)
        #expect(video.type == "avc1" && video.u16(24) == 1_280 && video.u16(26) == 720)
        #expect(video["avcC"][0].payload == Bodies.avcC)
        let audio = try entry(movie, track: 1)
        #expect(audio.type == "mp4a" && audio.u16(16) == 2 && audio.u32(24) == 44_100 << 16)
        #expect(
            audio["esds"][0].payload
                == hex(
                    "00000000 03 1c 0000 00 04 14 40 15 000000 00000000 00000000 05 05 121056e500 06 01 02"))
    }

    @Test("is the same whatever was learnt first, and again after another session that is like the one before")
    func order() {
        let headers = [(MediaKind.video, Bodies.h264Header), (.audio, Bodies.aacHeader)]
        var one = movie(headers)
        let two = movie(headers.reversed())
        #expect(one.initialization == two.initialization && one.version == 2)
        for (kind, body) in headers { one.learn(kind, body: body.span) }
        #expect(one.version == 2, "a header that is repeated changes nothing")
        one.beginSession()
        #expect(!one.isComplete && one.initialization.isEmpty)
        for (kind, body) in headers { one.learn(kind, body: body.span) }
        #expect(one.initialization == two.initialization && one.version == 5)
    }

    @Test("says what H.265 and AV1 are")
    func h265AndAV1() throws {
        let h265 = movie([(.video, Bodies.video("hvc1", type: 0, Bodies.hvcC))])
        #expect(h265.codecs.hasPrefix("hvc1.2.4.L120"))
        var complete = Bodies.hvcC
        for place in [23, 23 + 3 + 2 + 24, 23 + 3 + 2 + 24 + 3 + 2 + 43] { complete[place] |= 0x80 }
        let box = try entry(h265)["hvcC"][0]
        #expect(box.payload == complete, "the parameter sets are all in the record, and say so")
        let av1 = movie([(.video, Bodies.video("av01", type: 0, Bodies.av1C))])
        #expect(av1.codecs == "av01.1.05M.08")
        #expect(try entry(av1)["av1C"][0].payload == Bodies.av1C)
        #expect(av1.initialization.prefix(32).suffix(4).elementsEqual("av01".utf8))
    }

    @Test("waits for the keyframe that says how large a picture of VP9 is, and what its level must be")
    func vp9() throws {
        var movie = movie([(.video, Bodies.video("vp09", type: 0, hex("0000000082020202 0000 0000")))])
        #expect(!movie.isComplete && movie.initialization.isEmpty)
        Self.learn(&movie, .video, Bodies.video("vp09", type: 1, Bodies.vp9Keyframe))
        #expect(movie.isComplete && movie.tracks[0].width == 854 && movie.tracks[0].height == 480)
    }

    @Test("says what Opus, FLAC, MP3, AC-3 and E-AC-3 are")
    func audio() throws {
        let opus = movie([(.audio, Bodies.audio("Opus", type: 0, Bodies.opusHead))])
        #expect(opus.codecs == "opus" && !opus.hasVideo)
        #expect(try entry(opus)["dOps"][0].payload == hex("00 02 0138 0000bb80 0000 00"))
        let flac = movie([(.audio, Bodies.audio("fLaC", type: 0, Bodies.flacHead))])
        #expect(flac.codecs == "flac")
        #expect(try entry(flac)["dfLa"][0].payload == hex("00000000 80000022") + Bodies.flacHead.dropFirst(8))
        let mp3 = movie([(.audio, Bodies.audio(".mp3", type: 1, Bodies.mp3Frame))])
        #expect(mp3.codecs == "mp4a.6B" && mp3.tracks[0].sampleRate == 32_000)
        let ac3 = movie([(.audio, Bodies.audio("ac-3", type: 1, Bodies.ac3Frame))])
        #expect(ac3.codecs == "ac-3" && ac3.tracks[0].channels == 6)
        // fscod 0, bsid 8, bsmod 0, acmod 7, lfeon 1, bit rate code 15.
        #expect(try entry(ac3)["dac3"][0].payload == hex("10 3d e0"))
        var frame = hex("0b77 027f 3f87c000")
        frame += [UInt8](repeating: 7, count: 0x280 * 2 - frame.count)
        let eac3 = movie([(.audio, Bodies.audio("ec-3", type: 1, frame))])
        #expect(eac3.codecs == "ec-3")
        // 1,280 bytes in 32 ms are 320 kbit/s; fscod 0, bsid 16, acmod 7, lfeon 1.
        #expect(try entry(eac3)["dec3"][0].payload == hex("0a00 20 0f 00"))
    }

    @Test("tells a stream with further substreams of E-AC-3 by the speakers that they add")
    func dependentSubstream() {
        var frame = hex("0b77 000f 3f86 0000") + [UInt8](repeating: 0, count: 24)
        // A dependent substream of 32 bytes: strmtyp 1, bsid 16, no compression, a channel map with Lrs/Rrs.
        frame += hex("0b77 400f 3486 1020 00") + [UInt8](repeating: 0, count: 23)
        let head = Self.dolby(frame)
        #expect(head?.dependents == 1 && head?.samples == 1_536)
        // 64 bytes in 32 ms are 16 kbit/s; one dependent substream, whose location is bit 1.
        #expect(head?.configuration.dropFirst(8).elementsEqual(hex("0080 20 0f 02 02")) == true)
    }

    @Test("chooses tracks: the first video and one audio, or one audio alone")
    func selection() throws {
        var second = Bodies.audio("mp4a", type: 0, [])
        second = [0x95, 0] + Bodies.name("mp4a") + [1] + hex("1190")
        let bodies = [(MediaKind.video, Bodies.h264Header), (.audio, Bodies.aacHeader), (.audio, second)]
        #expect(movie(bodies).tracks.map(\.number) == [1, 2, 4])
        #expect(movie(bodies, .video).tracks.map(\.number) == [1])
        #expect(movie(bodies, .audio(1)).tracks.map(\.number) == [4])
        let both = movie(bodies, .videoAndAudio(1))
        #expect(both.tracks.map(\.number) == [1, 4] && both.codecs == "avc1.64001f,mp4a.40.2")
        #expect(try moov(movie(bodies))["trak"].map { $0["tkhd"][0].u16(34) } == [0, 1, 1])
        #expect(try moov(both)["trak"].map { $0["tkhd"][0].u16(34) } == [0, 0])
    }

    @Test("has no place for other codecs, and leaves a track out that turns into one")
    func held() {
        #expect(Movie.holds(VideoCodec.av1) && !Movie.holds(VideoCodec.vp8) && !Movie.holds(VideoCodec.other(1)))
        #expect(Movie.holds(AudioCodec.flac) && !Movie.holds(AudioCodec.speex) && !Movie.holds(.pcm))
        var movie = movie([(.video, Bodies.h264Header), (.audio, Bodies.aacHeader)])
        Self.learn(&movie, .video, Bodies.video("vp08", type: 0, Bodies.vpcC))
        #expect(movie.tracks.map(\.number) == [2] && !movie.hasVideo)
    }

    @Test("calls H.264 that has its picture parameter sets in band alone avc3")
    func inBand() throws {
        let record = Bodies.avcC.prefix(6 + 2 + 24)
        let movie = movie([(.video, [0x17, 0, 0, 0, 0] + record)])
        #expect(movie.codecs == "avc3.64001f")
        #expect(try entry(movie)["avcC"][0].payload == record + [0])
    }
}

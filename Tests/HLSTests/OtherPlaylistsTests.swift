import HLS
import Testing

@Suite("Multivariant and recorded playlists") struct OtherPlaylistsTests {
    @Test("a stream with two audio tracks")
    func multivariant() {
        var variant = MultivariantPlaylist.Variant(
            bandwidth: Bandwidth(peak: 2_000_000, average: 1_500_000), codecs: ["avc1.64001f", "mp4a.40.2"])
        (variant.width, variant.height, variant.milliFrameRate) = (1_280, 720, 29_970)
        var list = MultivariantPlaylist(variants: [variant])
        let single = String(decoding: list.render(), as: UTF8.self)
        #expect(
            single == """
                #EXTM3U
                #EXT-X-VERSION:4
                #EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,CODECS="avc1.64001f,mp4a.40.2",\
                RESOLUTION=1280x720,FRAME-RATE=29.970
                media.m3u8

                """)
        var english = MultivariantPlaylist.Audio(rendition: .main, name: "English", codec: "mp4a.40.2")
        (english.language, english.isDefault, english.channels) = ("en", true, 2)
        var other = MultivariantPlaylist.Audio(rendition: .audio(1), name: "Eng\"lish\n", codec: "ec-3")
        (other.language, other.isDefault, other.bandwidth) = ("d\"e", true, Bandwidth(peak: 200_000, average: 190_000))
        list.audio = [english, other]
        list.hasIndependentSegments = true
        #expect(
            String(decoding: list.render(query: "t=x"), as: UTF8.self) == """
                #EXTM3U
                #EXT-X-VERSION:4
                #EXT-X-INDEPENDENT-SEGMENTS
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",\
                DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English 2",\
                DEFAULT=NO,AUTOSELECT=YES,URI="audio-1.m3u8?t=x"
                #EXT-X-STREAM-INF:BANDWIDTH=2200000,AVERAGE-BANDWIDTH=1690000,CODECS="avc1.64001f,mp4a.40.2,ec-3",\
                RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
                media.m3u8?t=x

                """)
    }

    @Test("an event grows and ends; what would break a rule is refused")
    func event() throws {
        var list = RecordedPlaylist(kind: .event, target: 2)
        var entry = RecordedPlaylist.Entry(uri: "1.m4s", duration: 2_000_000)
        (entry.initialisation, entry.date, entry.isDiscontinuous) = ("init.mp4", 951_782_400_000_000, true)
        try list.append(entry)
        (entry.uri, entry.date, entry.isGap) = ("2.m4s", nil, true)
        try list.append(entry)
        #expect(throws: RecordedPlaylistError.tooLong(microseconds: 2_500_000, target: 2)) {
            try list.append(.init(uri: "3.m4s", duration: 2_500_000))
        }
        for uri in ["", "a b", "a\nb", "#a", "\""] {
            #expect(throws: RecordedPlaylistError.badURI) { try list.append(.init(uri: uri, duration: 1)) }
        }
        #expect(!String(decoding: list.render(), as: UTF8.self).contains("ENDLIST"))
        list.end()
        #expect(throws: RecordedPlaylistError.ended) { try list.append(entry) }
        #expect(
            String(decoding: list.render(), as: UTF8.self) == """
                #EXTM3U
                #EXT-X-VERSION:6
                #EXT-X-TARGETDURATION:2
                #EXT-X-PLAYLIST-TYPE:EVENT
                #EXT-X-MEDIA-SEQUENCE:0
                #EXT-X-MAP:URI="init.mp4"
                #EXT-X-PROGRAM-DATE-TIME:2000-02-29T00:00:00.000Z
                #EXTINF:2.000,
                1.m4s
                #EXT-X-DISCONTINUITY
                #EXT-X-GAP
                #EXTINF:2.000,
                2.m4s
                #EXT-X-ENDLIST

                """)
    }

    @Test("a complete recording has the target that its longest segment needs")
    func onDemand() throws {
        let list = try RecordedPlaylist([.init(uri: "1.ts", duration: 3_499_999), .init(uri: "2.ts", duration: 1_000)])
        let text = String(decoding: list.render(), as: UTF8.self)
        #expect(text.contains("VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n"))
        #expect(text.hasSuffix("#EXTINF:3.499999,\n1.ts\n#EXTINF:0.001,\n2.ts\n#EXT-X-ENDLIST\n"))
        #expect(throws: RecordedPlaylistError.self) { try RecordedPlaylist([.init(uri: "1.ts", duration: -1)]) }
    }

    @Test("a window says what its first segment's numbers are, has no type, and ends")
    func window() throws {
        var list = RecordedPlaylist(kind: .window(first: 41, discontinuity: 7), target: 2)
        var entry = RecordedPlaylist.Entry(uri: "5.ts", duration: 2_000_000)
        entry.isDiscontinuous = true
        try list.append(entry)
        let text =
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:41\n"
            + "#EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXTINF:2.000,\n5.ts\n"
        #expect(String(decoding: list.render(), as: UTF8.self) == text)
        list.end()
        #expect(throws: RecordedPlaylistError.ended) { try list.append(entry) }
        #expect(String(decoding: list.render(), as: UTF8.self) == text + "#EXT-X-ENDLIST\n")
    }

    @Test("the variant and the audio tracks of a window name the window's playlists")
    func windowNames() {
        let variant = MultivariantPlaylist.Variant(bandwidth: Bandwidth(peak: 2, average: 1), codecs: [])
        var playlist = MultivariantPlaylist(variants: [variant])
        playlist.isOfWindow = true
        let text = String(decoding: playlist.render(query: "from=1&v=x"), as: UTF8.self)
        #expect(text.hasSuffix("#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1\nwindow.m3u8?from=1&v=x\n"))
        playlist.audio = [.init(rendition: .audio(3), name: "de", codec: "mp4a.40.2")]
        let more = String(decoding: playlist.render(query: "v=x"), as: UTF8.self)
        #expect(more.contains("URI=\"window-3.m3u8?v=x\"") && more.hasSuffix("\nwindow.m3u8?v=x\n"))
    }

    @Test("dates are those of the calendar")
    func dates() throws {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00.000Z"), (951_868_799, "2000-02-29T23:59:59.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"), (1_709_251_200, "2024-03-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"), (1_767_225_599, "2025-12-31T23:59:59.000Z"),
        ] as [(Int64, String)] {
            var entry = RecordedPlaylist.Entry(uri: "1.ts", duration: 1)
            entry.date = seconds * 1_000_000
            let text = String(decoding: try RecordedPlaylist([entry]).render(), as: UTF8.self)
            #expect(text.contains("#EXT-X-PROGRAM-DATE-TIME:\(date)\n"))
            #expect(PlaylistChecker.milliseconds(date) == seconds * 1_000)
        }
    }

    @Test("parts of any steady frame rate keep within the part target and above 85 % of it")
    func partCutter() {
        for interval in [
            4_167, 10_000, 16_683, 20_000, 20_833, 33_333, 33_367, 40_000, 41_708, 66_667, 83_417, 100_000, 200_000,
        ] as [Int64] {
            for setting in [200_000, 333_000, 500_000, 1_000_000] as [Int64] where interval <= setting {
                let target = PartCutter.target(near: setting, frameInterval: interval)
                #expect(target >= setting && target <= setting * 3 / 2)
                var cutter = PartCutter(setting: setting)
                var start: Int64 = 0
                cutter.beginSegment(at: 0, isVideo: true)
                for index in 1..<1_000 as Range<Int64> {
                    let time = (index * interval + 500) / 1_000 * 1_000
                    guard cutter.cut(before: time) else { continue }
                    let part = time - start
                    #expect(part <= target && part * 100 >= target * 85, "\(part) of \(target) at \(interval)")
                    start = time
                }
            }
        }
    }

    @Test("sound of any codec comes in parts that are never longer than the setting")
    func soundCutter() {
        for interval in [2_500, 10_000, 20_000, 21_333, 23_220, 26_122, 32_000, 42_667, 46_440, 60_000] as [Int64] {
            var cutter = PartCutter(setting: 200_000)
            var start: Int64 = 0
            cutter.beginSegment(at: 0, isVideo: false)
            for index in 1..<1_000 as Range<Int64> {
                let time = (index * interval + 500) / 1_000 * 1_000
                guard cutter.cut(before: time) else { continue }
                #expect((170_000...200_000).contains(time - start), "\(time - start) at \(interval)")
                start = time
            }
        }
    }

    @Test(
        "languages have the shortest tags that there are",
        arguments: [
            ("eng", "en"), ("DEU", "de"), ("ger", "de"), ("en", "en"), ("pt-BR", "pt-BR"), ("und", ""), ("qaa", "qaa"),
            ("", ""), ("gsw", "gsw"), ("zxx", ""),
        ])
    func languages(said: String, tag: String) { #expect(LanguageTag.shortest(said) == tag) }

    @Test("a part cutter survives any times")
    func cutterExtremes() {
        for isVideo in [false, true] {
            var cutter = PartCutter(setting: .min)
            cutter.beginSegment(at: 0, isVideo: isVideo)
            for time in [0, .max, .min, 5, .max, -1, .min] as [Int64] { _ = cutter.cut(before: time) }
            cutter.beginSegment(at: .min, isVideo: isVideo)
            for time in [.min + 1, -1, .max] as [Int64] { _ = cutter.cut(before: time) }
        }
        #expect(PartCutter.target(near: .max, frameInterval: .max) == .max)
        #expect(PartCutter.target(near: .min, frameInterval: -1) == 1)
    }
}

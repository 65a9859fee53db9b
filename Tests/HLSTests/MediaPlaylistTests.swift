import HLS
import Testing

extension MediaPlaylist {
    /// As a client reads them.
    fileprivate var listedNumbers: Range<UInt64> {
        guard let list = render().flatMap({ try? ParsedPlaylist($0) }) else { return 0..<0 }
        return list.sequence..<list.sequence + UInt64(list.entries.count)
    }
}

@Suite("A live window") struct MediaPlaylistTests {
    /// A playlist with segments of two seconds, from number 10 on.
    private func playlist(
        _ form: PlaylistSettings.Form = .fragmentedMP4, segments: Int, minimum: Int = 3
    ) -> MediaPlaylist {
        var settings = PlaylistSettings(form: form)
        settings.minimumSegments = minimum
        var playlist = MediaPlaylist(settings: settings)
        for index in 0..<segments { add(&playlist, 10 + UInt32(index)) }
        return playlist
    }

    @discardableResult
    private func add(
        _ playlist: inout MediaPlaylist, _ number: UInt32, discontinuity: UInt32 = 4, initialisation: UInt64 = 0xab,
        isIndependent: Bool = true, isWhole: Bool = true, date: Int64? = nil
    ) -> Bool {
        let start = Int64(number) * 2_000
        let isOpen = playlist.openSegment(
            SegmentNumber(number: number, discontinuity: discontinuity, target: 2), date: date ?? start * 1_000,
            initialisation: initialisation, isIndependent: isIndependent, now: start)
        guard isOpen else { return false }
        if playlist.settings.form == .lowLatency {
            for index in 0..<10 { playlist.addPart(duration: 200_000, size: 1_000, isIndependent: index == 0) }
        }
        playlist.closeSegment(duration: 2_000_000, size: 10_000, target: 2, isWhole: isWhole, now: start + 2_000)
        return true
    }

    private func text(_ playlist: MediaPlaylist, query: String = "") -> String {
        String(decoding: playlist.render(query: query) ?? [], as: UTF8.self)
    }

    @Test("nothing is rendered before the first segment is whole")
    func notReady() {
        var playlist = playlist(.lowLatency, segments: 0)
        _ = playlist.openSegment(.init(number: 1, discontinuity: 1, target: 0), date: 0, now: 0)
        playlist.addPart(duration: 200_000, size: 1, isIndependent: true)
        #expect(!playlist.isReady && playlist.render() == nil && playlist.report == nil && playlist.bandwidth == nil)
        playlist.closeSegment(duration: 1_400_000, size: 0, target: 2, now: 0)
        #expect(playlist.isReady && playlist.target == 2)
    }

    @Test("fragmented MP4 with a viewer's token")
    func fragmented() {
        let expected = """
            #EXTM3U
            #EXT-X-VERSION:6
            #EXT-X-TARGETDURATION:2
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6.000
            #EXT-X-MEDIA-SEQUENCE:11
            #EXT-X-DISCONTINUITY-SEQUENCE:4
            #EXT-X-MAP:URI="init-00000000000000ab.mp4?t=x"
            #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:22.000Z
            #EXTINF:2.000,
            11.m4s?t=x
            #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:24.000Z
            #EXTINF:2.000,
            12.m4s?t=x
            #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:26.000Z
            #EXTINF:2.000,
            13.m4s?t=x

            """
        #expect(text(playlist(segments: 4), query: "t=x") == expected)
    }

    @Test("a low-latency playlist lists its parts, hints the next one and reports the other rendition")
    func lowLatency() throws {
        var playlist = playlist(.lowLatency, segments: 6, minimum: 4)
        let next = SegmentNumber(number: 16, discontinuity: 5, target: 2)
        _ = playlist.openSegment(next, date: 32_000_000, initialisation: 7, now: 0)
        #expect(text(playlist).contains("#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init-0000000000000007.mp4\"\n"))
        playlist.addPart(duration: 200_000, size: 500, isIndependent: true)
        let bytes = try #require(
            playlist.render(reports: [
                RenditionReport(rendition: .audio(1), lastNumber: 16, lastPart: 0),
                RenditionReport(rendition: .main, lastNumber: 1),
            ]))
        let expected = """
            #EXTM3U
            #EXT-X-VERSION:6
            #EXT-X-TARGETDURATION:2
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=0.600
            #EXT-X-PART-INF:PART-TARGET=0.200
            #EXT-X-MEDIA-SEQUENCE:12
            #EXT-X-DISCONTINUITY-SEQUENCE:4
            """
        let edge = """
            15.m4s
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="init-0000000000000007.mp4"
            #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:32.000Z
            #EXT-X-PART:DURATION=0.200,URI="16.0.m4s",INDEPENDENT=YES
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI="16.1.m4s"
            #EXT-X-RENDITION-REPORT:URI="audio-1.m3u8",LAST-MSN=16,LAST-PART=0

            """
        let rendered = String(decoding: bytes, as: UTF8.self)
        #expect(rendered.hasPrefix(expected) && rendered.hasSuffix(edge))
        #expect(!rendered.contains("13.0.m4s") && rendered.contains("14.0.m4s"))
        #expect(playlist.report == RenditionReport(rendition: .main, lastNumber: 16, lastPart: 0))
        #expect(playlist.state.lastPart == LivePosition(number: 16, part: 0))
        #expect(playlist.hintedPart == LivePosition(number: 16, part: 1))
    }

    @Test("numbers and names of transport streams and of another rendition")
    func otherForms() {
        var settings = PlaylistSettings(form: .transportStream, rendition: .audio(3))
        settings.canBlockReload = true
        var playlist = MediaPlaylist(settings: settings)
        add(&playlist, 1)
        #expect(text(playlist).contains("VERSION:3\n") && text(playlist).hasSuffix("\naudio-3-1.ts\n"))
        #expect(text(playlist).contains("CAN-BLOCK-RELOAD=YES") && !text(playlist).contains("EXT-X-MAP"))
    }

    @Test("a playlist keeps three target durations and as many segments as it is told")
    func window() {
        #expect(playlist(segments: 9, minimum: 0).listedNumbers == 16..<19)
        #expect(playlist(segments: 9, minimum: 5).listedNumbers == 14..<19)
        var settings = PlaylistSettings(form: .fragmentedMP4)
        settings.window = 13_000_000
        var long = MediaPlaylist(settings: settings)
        for number in 1...20 as ClosedRange<UInt32> { add(&long, number) }
        #expect(long.listedNumbers == 14..<21)
    }

    @Test("a segment that left can be fetched for its duration and that of the longest playlist")
    func expiry() {
        var playlist = playlist(segments: 4)
        // Segment 10 left at 28 s: 2 s of its own and 8 s of playlist.
        #expect(playlist.availability(ofSegment: 10) == .here(offset: 0, size: 10_000))
        var expired = playlist.expire(now: 37_999)
        #expect(expired == 0 && playlist.firstRetained == 10)
        expired = playlist.expire(now: 38_000)
        #expect(expired == 1)
        #expect(playlist.availability(ofSegment: 10) == .notFound)
        #expect(playlist.firstRetained == 11)
        expired = playlist.expire(now: .max)
        #expect(expired == 0)
        #expect(playlist.availability(ofSegment: 14) == .notFound)
    }

    @Test("where numbers jump, the old segments leave together when the first new one is whole")
    func jump() {
        var playlist = playlist(.lowLatency, segments: 4)
        let before = text(playlist)
        _ = playlist.openSegment(.init(number: 900, discontinuity: 900, target: 0), date: 90_000_000, now: 90_000)
        playlist.addPart(duration: 200_000, size: 1, isIndependent: true)
        #expect(text(playlist) == before)
        #expect(playlist.availability(ofPart: LivePosition(number: 900, part: 0)) == .here(offset: 0, size: 1))
        playlist.closeSegment(duration: 2_000_000, size: 1, target: 2, now: 92_000)
        #expect(playlist.listedNumbers == 900..<901)
        #expect(
            text(playlist).contains("DISCONTINUITY-SEQUENCE:900") && !text(playlist).contains("#EXT-X-DISCONTINUITY\n"))
        #expect(playlist.availability(ofSegment: 13) == .here(offset: 0, size: 10_000))
    }

    @Test("a number that is not above all before changes nothing")
    func stale() {
        var playlist = playlist(segments: 4)
        let version = playlist.version
        let answers = [13, 2, .max, .max].map { add(&playlist, $0) }
        #expect(answers == [false, false, true, false] && playlist.version == version + 2)
        #expect(playlist.hintedPart == nil)
    }

    @Test("segments that this node has not whole are gaps, but never the first of a window")
    func gaps() {
        var playlist = playlist(segments: 0, minimum: 9)
        add(&playlist, 10, isWhole: false)
        #expect(!playlist.isReady)
        add(&playlist, 11)
        add(&playlist, 12, isWhole: false)
        add(&playlist, 15)
        let rendered = text(playlist)
        #expect(playlist.listedNumbers == 11..<16)
        for number in 12...14 { #expect(rendered.contains("#EXT-X-GAP\n#EXTINF:2.000,\n\(number).m4s\n")) }
        #expect(playlist.availability(ofSegment: 13) == .notFound)
        add(&playlist, 15 + MediaPlaylist.mostGaps + 2)
        #expect(playlist.listedNumbers.count == 1)
    }

    @Test("a segment that its packager leaves open becomes a gap when the next one begins")
    func leftOpen() {
        var playlist = playlist(segments: 2)
        _ = playlist.openSegment(.init(number: 12, discontinuity: 4, target: 2), date: 24_000_000, now: 0)
        add(&playlist, 13)
        #expect(text(playlist).contains("#EXT-X-GAP\n#EXTINF:0.001,\n12.m4s\n"))
    }

    @Test("the tag of independent segments goes with the first that is not, and does not come back")
    func independence() {
        var playlist = playlist(segments: 2)
        add(&playlist, 12, isIndependent: false)
        for number in 13...20 as ClosedRange<UInt32> { add(&playlist, number) }
        #expect(!text(playlist).contains("INDEPENDENT"))
        add(&playlist, 900, discontinuity: 900)
        #expect(text(playlist).contains("INDEPENDENT"))
    }

    @Test("a date that would make the mapping ambiguous is left out")
    func dates() {
        var playlist = playlist(segments: 2)
        add(&playlist, 12, date: 23_500_000)
        add(&playlist, 13, date: 20_000_000)
        #expect(text(playlist).contains("1970-01-01T00:00:23.500Z"))
        #expect(!text(playlist).contains("1970-01-01T00:00:20.000Z\n#EXTINF:2.000,\n13"))
        add(&playlist, 14, date: .max)
        #expect(text(playlist).contains("9999-12-31T23:59:59.999Z"))
    }

    @Test("the end closes what is open, forbids hints and deltas, and a stream that comes back begins anew")
    func end() {
        var playlist = playlist(.lowLatency, segments: 20, minimum: 12)
        #expect(playlist.render(skip: .segments) != playlist.render())
        _ = playlist.openSegment(.init(number: 30, discontinuity: 4, target: 2), date: 60_000_000, now: 60_000)
        playlist.addPart(duration: 200_000, size: 9, isIndependent: true)
        playlist.end(now: 60_200)
        #expect(text(playlist).hasSuffix("#EXTINF:0.200,\n30.m4s\n#EXT-X-ENDLIST\n"))
        #expect(playlist.render(skip: .segments) == playlist.render())
        #expect(playlist.state.isEnded && playlist.hintedPart == nil)
        add(&playlist, 31, discontinuity: 5)
        #expect(playlist.listedNumbers == 31..<32 && !text(playlist).contains("ENDLIST"))
    }

    @Test("a delta replaces what is further than six targets from the end")
    func delta() throws {
        let playlist = playlist(.lowLatency, segments: 30, minimum: 20)
        let delta = String(decoding: try #require(playlist.render(skip: .segmentsAndDateRanges)), as: UTF8.self)
        #expect(delta.contains("#EXT-X-VERSION:10\n"))
        #expect(delta.contains("#EXT-X-MEDIA-SEQUENCE:20\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n"))
        #expect(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=13,RECENTLY-REMOVED-DATERANGES=\"\"\n"))
        #expect(delta.contains("\n33.m4s") && !delta.contains("\n32.m4s") && !delta.contains("EXT-X-MAP"))
    }

    @Test("parts are ranges of their segment; the hinted one is awaited, others are not there")
    func parts() {
        let playlist = playlist(.lowLatency, segments: 4)
        #expect(playlist.availability(ofPart: .init(number: 12, part: 3)) == .here(offset: 3_000, size: 1_000))
        #expect(playlist.availability(ofPart: .init(number: 12, part: 10)) == .notFound)
        #expect(playlist.availability(ofPart: .init(number: 14, part: 0)) == .awaited)
        #expect(playlist.availability(ofPart: .init(number: 14, part: 1)) == .notFound)
        #expect(playlist.availability(ofPart: .init(number: .max, part: .max)) == .notFound)
    }

    @Test("bandwidth is the peak of contiguous segments, and the average")
    func bandwidth() {
        var playlist = playlist(segments: 3)
        #expect(playlist.bandwidth == Bandwidth(peak: 40_000, average: 40_000))
        _ = playlist.openSegment(.init(number: 13, discontinuity: 4, target: 2), date: 26_000_000, now: 0)
        playlist.closeSegment(duration: 1_000_000, size: 10_000, target: 2, now: 0)
        #expect(playlist.bandwidth == Bandwidth(peak: 80_000, average: 45_715))
    }

    @Test("a segment never says more than the target allows")
    func clamp() {
        var playlist = playlist(.lowLatency, segments: 2)
        _ = playlist.openSegment(.init(number: 12, discontinuity: 4, target: 2), date: 24_000_000, now: 0)
        playlist.addPart(duration: 700_000, size: 1, isIndependent: true)
        playlist.closeSegment(duration: .max, size: 1, target: 2, now: 0)
        #expect(
            text(playlist).contains("#EXT-X-PART:DURATION=0.200,URI=\"12.0")
                && text(playlist).contains("#EXTINF:2.499,\n12"))
    }
}

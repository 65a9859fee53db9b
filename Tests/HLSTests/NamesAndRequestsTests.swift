import Fixtures
import HLS
import Testing

@Suite("Names, requests and ranges") struct NamesAndRequestsTests {
    @Test(
        "every name is read and written in one spelling",
        arguments: [
            ("index.m3u8", ResourceName.multivariant), ("media.m3u8", .playlist(.main)),
            ("audio-2.m3u8", .playlist(.audio(2))), ("191865618.m4s", .segment(.main, 191_865_618, .fragmentedMP4)),
            ("0.ts", .segment(.main, 0, .transportStream)), ("7.12.m4s", .part(.main, 7, index: 12)),
            ("audio-255-4294967295.4294967295.m4s", .part(.audio(255), .max, index: .max)),
            ("audio-1-5.ts", .segment(.audio(1), 5, .transportStream)),
            ("init-00000000000000ff.mp4", .initialisation(255)), ("rewind.m3u8", .rewind),
            ("window.m3u8", .window(.main)),
            ("window-7.m3u8", .window(.audio(7))),
        ])
    func names(text: String, name: ResourceName) {
        #expect(ResourceName(text) == name)
        #expect(name.text == text)
    }

    @Test(
        "anything else is no name",
        arguments: [
            "", ".", "..", "../index.m3u8", "index.m3u8/", "/index.m3u8", "INDEX.m3u8", "index.m3u8?x", "%2e%2e",
            "01.m4s", "4294967296.m4s", "-1.m4s", "+1.m4s", "1.ts.m4s", "1..m4s", ".1.m4s", "1.1.1.m4s", "1.1.ts",
            "1.m4s ", "audio-256.m3u8", "audio-.m3u8", "audio-01.m3u8", "audio-1-.m4s", "audio--1.m4s", "init-.mp4",
            "init-00000000000000FF.mp4", "init-ff.mp4", "init-00000000000000ff0.mp4", "1.m4s\0", "audio-1-2",
            String(repeating: "1", count: 10_000) + ".m4s", "٣.m4s",
        ])
    func noNames(text: String) { #expect(ResourceName(text) == nil) }

    @Test("random strings neither trap a parser nor are read as what they are not")
    func fuzz() throws {
        let alphabet = Array("0123456789.-=&,_ bytesaudioinitmediaindexm3u8m4stsmp4HLSskipartYESv2%/\\\n\"é\0")
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            for _ in 0..<500 {
                let length = Int.random(in: 0...60, using: &random)
                let text = String((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "x" })
                if let name = ResourceName(text) { #expect(name.text == text, "seed \(seed)") }
                if let token = ViewerToken(text) { #expect(token.text == text, "seed \(seed)") }
                _ = try? PlaylistRequest(query: text)
                _ = try? WindowRequest(query: "from=\(text)&to=\(text)")
                _ = try? PlaylistRequest(query: "_HLS_msn=\(text)&_HLS_part=\(text)&_HLS_skip=\(text)")
                let body = Int.random(in: 0...1_000, using: &random)
                for header in [text, "bytes=\(text)", "bytes=\(Int.random(in: 0...2_000, using: &random))-\(text)"] {
                    if case .part(let range) = ByteRange(header: header, length: body) {
                        #expect(range.lowerBound >= 0 && range.upperBound <= body && !range.isEmpty, "seed \(seed)")
                    }
                }
            }
        }
    }

    @Test("directives are read from among other parameters, in any order")
    func directives() throws {
        #expect(try PlaylistRequest(query: "") == PlaylistRequest())
        #expect(
            try PlaylistRequest(query: "a=1&_HLS_part=3&_HLS_msn=17&&token=x&_HLS_skip=YES&_HLS_future")
                == PlaylistRequest(number: 17, part: 3, skip: .segments))
        #expect(try PlaylistRequest(query: "_HLS_skip=v2").skip == .segmentsAndDateRanges)
    }

    @Test(
        "a wrong directive is refused with the reason",
        arguments: [
            ("_HLS_msn=", PlaylistRequestError.notANumber(.msn)), ("_HLS_msn", .notANumber(.msn)),
            ("_HLS_msn=-1", .notANumber(.msn)), ("_HLS_msn=+1", .notANumber(.msn)), ("_HLS_msn=1e3", .notANumber(.msn)),
            ("_HLS_msn=99999999999999999999999", .notANumber(.msn)), ("_HLS_part=4294967296", .tooLarge(.part)),
            ("_HLS_msn=1&_HLS_msn=1", .repeated(.msn)), ("_HLS_skip=yes", .unknownSkip),
            ("_HLS_skip=YES&_HLS_skip=v2", .repeated(.skip)),
            (String(repeating: "x", count: 5_000), .tooLong),
        ])
    func wrong(query: String, error: PlaylistRequestError) {
        #expect(throws: error) { try PlaylistRequest(query: query) }
        #expect(!error.description.isEmpty && error.reason.hasPrefix("hls_"))
    }

    @Test("times of a window are read from among other parameters, and written in one spelling")
    func times() throws {
        #expect(try WindowRequest(query: "v=x&a") == WindowRequest())
        #expect(try WindowRequest(query: "to=20&v=x&from=007") == WindowRequest(from: 7, to: 20))
        #expect(try WindowRequest(query: "from=99999999999").query == "from=99999999999")
        #expect(try WindowRequest(query: "to=20&v=x&from=007").query == "from=7&to=20")
        #expect(WindowRequest().query.isEmpty)
    }

    @Test(
        "a wrong time is refused with the reason",
        arguments: [
            ("from=", WindowRequestError.notATime(.from)), ("from", .notATime(.from)), ("from=-1", .notATime(.from)),
            ("from=1.5", .notATime(.from)), ("from=1&to=x", .notATime(.to)), ("from=100000000000", .notATime(.from)),
            ("from=1&from=1", .repeated(.from)), ("to=1", .endWithoutBeginning), ("from=2&to=2", .backwards),
            (String(repeating: "x", count: 5_000), .tooLong),
        ])
    func wrongTime(query: String, error: WindowRequestError) {
        #expect(throws: error) { try WindowRequest(query: query) }
        #expect(!error.description.isEmpty && error.reason.hasPrefix("hls_"))
    }

    @Test(
        "a single range of bytes is honoured, what cannot be met is told, the rest is the whole",
        arguments: [
            ("bytes=0-99", ByteRange.part(0..<100)), ("bytes=100-", .part(100..<1_000)),
            ("bytes=-100", .part(900..<1_000)), ("bytes=-5000", .part(0..<1_000)), ("BYTES= 5-5 ", .part(5..<6)),
            ("bytes=0-9007199254740991", .part(0..<1_000)), ("bytes=999-999999999999999999999999", .part(999..<1_000)),
            ("bytes=1000-", .unsatisfiable), ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=-0", .unsatisfiable), ("bytes=0-1,5-6", .whole), ("bytes=5-4", .whole), ("bytes=-", .whole),
            ("bytes=", .whole), ("bytes", .whole), ("items=0-1", .whole), ("bytes=a-b", .whole), ("", .whole),
        ])
    func ranges(header: String, range: ByteRange) {
        #expect(ByteRange(header: header, length: 1_000) == range)
    }

    @Test("without a header it is the whole, and nothing of nothing can be met")
    func noRange() {
        #expect(ByteRange(header: String?.none, length: 5) == .whole)
        #expect(ByteRange(header: "bytes=0-", length: 0) == .unsatisfiable)
        #expect(ByteRange(header: "bytes=-1", length: 0) == .unsatisfiable)
    }

    @Test("a content hash is FNV-1a of 64 bits")
    func hash() {
        #expect(ContentHash().value == 0xcbf2_9ce4_8422_2325)
        #expect(ContentHash(Array("foobar".utf8).span).value == 0x8594_4171_f739_67e8)
    }
}

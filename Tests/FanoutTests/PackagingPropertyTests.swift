import Fixtures
import HLS
import Packaging
import RelayProtocol
import Testing

@testable import Fanout

/// Streams put together by chance, packaged at nodes that come to them at any time.
@Suite("Any stream is packaged the same wherever it is", .serialized, .timeLimit(.minutes(10)))
struct PackagingPropertyTests {
    /// With some that have been hard.
    private static let seeds: [UInt64] = Array(1...14) + [166, 216, 381, 443]
    private static let playlists = ["media.m3u8"] + (1...3).map { "audio-\($0).m3u8" }

    @Test(
        "the same segments of the same tracks, byte for byte, from the first that a node has on",
        arguments: [PlaylistSettings.Form.fragmentedMP4, .lowLatency, .transportStream])
    func identical(_ form: PlaylistSettings.Form) throws {
        var compared = 0
        for seed in Self.seeds {
            let programme = Programme(seed: seed)
            let whole = try Self.package(programme, form, .init(joins: 0, begins: 0))
            var random = SeededGenerator(seed: seed)
            for _ in 0..<3 {
                let joins = Int.random(in: 0..<programme.frames.count, using: &random)
                let begins = Int.random(in: joins..<min(joins + 700, programme.frames.count), using: &random)
                let course = Course(joins: joins, begins: begins)
                let late = try Self.package(programme, form, course)
                // The main rendition may wait for its sound to be heard.
                let firsts = [Self.first(late.prefix(1))] + late.dropFirst().map { _ in Self.first(late) }
                compared += Self.compare(whole, late, from: firsts, "seed \(seed), \(course)")
            }
        }
        #expect(compared > 30)
    }

    @Test(
        "who misses some of a stream has the same on both sides of it",
        arguments: [PlaylistSettings.Form.fragmentedMP4, .lowLatency, .transportStream])
    func gaps(_ form: PlaylistSettings.Form) throws {
        var compared = 0
        for seed in Self.seeds {
            let programme = Programme(seed: seed)
            let whole = try Self.package(programme, form, .init(joins: 0, begins: 0))
            var random = SeededGenerator(seed: seed)
            var ends = (0..<2).map { _ in Int.random(in: 0..<programme.frames.count, using: &random) }
            ends.sort()
            let course = Course(joins: 0, begins: 0, misses: ends[0]..<ends[1])
            let torn = try Self.package(programme, form, course)
            // What comes late may be of the segment before.
            let next = UInt64(programme.frames[ends[1]].header.segment.number) + 2
            compared += Self.compare(whole, torn, from: torn.map { _ in next }, "seed \(seed), \(course)")
        }
        #expect(compared > 30)
    }

    /// How many names there are to compare. Segments from numbers of `firsts` on have to be in both, in each playlist.
    private static func compare(
        _ whole: [[String: [UInt8]]], _ part: [[String: [UInt8]]], from firsts: [UInt64], _ label: String
    ) -> Int {
        for (list, (first, (one, other))) in zip(playlists, zip(firsts, zip(whole, part))) {
            let expected = Set(one.keys.filter { segment($0).map { $0 >= first } ?? false })
            let found = Set(other.keys.filter { segment($0).map { $0 >= first } ?? false })
            let (missing, additional) = (expected.subtracting(found), found.subtracting(expected))
            let different = other.keys.filter { one[$0] != nil && one[$0] != other[$0] }
            let isSame = missing.isEmpty && additional.isEmpty && different.isEmpty
            #expect(
                isSame,
                """
                \(label), \(list) from \(first) on: missing \(missing.sorted()), \
                only there \(additional.sorted()), other \(different.sorted())
                """)
        }
        return part.map(\.count).reduce(0, +)
    }

    @Test(
        "whatever is in a segment is in its initialisation section, and all playlists have one target",
        arguments: [PlaylistSettings.Form.fragmentedMP4, .lowLatency])
    func tracks(_ form: PlaylistSettings.Form) throws {
        for seed in Self.seeds {
            let studio = Studio(settings: Studio.patient)
            let shelf = try Self.packaged(Programme(seed: seed), form, in: studio, .init(joins: 0, begins: 0))
            var targets: Set<Substring> = []
            for list in Self.playlists {
                let text = studio.text(shelf, list)
                targets.formUnion(text.split(separator: "\n").filter { $0.hasPrefix("#EXT-X-TARGETDURATION:") })
                let contents = studio.contents(shelf, list)
                for (segment, section) in Self.sections(text) {
                    guard let bytes = contents[segment], !bytes.isEmpty else { continue }
                    let told = try Box.parse(contents[section] ?? []).flatMap { $0["trak", "tkhd"].map { $0.u32(12) } }
                    let used = try Box.parse(bytes).flatMap { $0["traf", "tfhd"].map { $0.u32(4) } }
                    #expect(!used.isEmpty && Set(told).isSuperset(of: used), "seed \(seed), \(list): \(segment)")
                }
            }
            #expect(targets.count <= 1, "seed \(seed): \(targets)")
        }
    }

    /// Segments by name, each with the name of its initialisation section.
    private static func sections(_ playlist: String) -> [(segment: String, section: String)] {
        var section = ""
        return playlist.split(separator: "\n").compactMap { line in
            if line.hasPrefix("#EXT-X-MAP:") { section = String(line.split(separator: "\"")[1]) }
            return line.hasPrefix("#") ? nil : (String(line), section)
        }
    }

    /// The number in a name of a whole segment: for how long parts are told of depends on what a node has had before.
    private static func segment(_ name: String) -> UInt64? {
        guard !name.hasPrefix("init"), name.count(where: { $0 == "." }) == 1 else { return nil }
        let digits = name.hasPrefix("audio-") ? name.split(separator: "-").last! : name[...]
        return UInt64(digits.prefix { $0.isNumber })
    }

    private static func first(_ lists: some Sequence<[String: [UInt8]]>) -> UInt64 {
        lists.flatMap { $0.keys }.compactMap(segment).min() ?? .max
    }

    /// What each playlist names in the end, gaps aside.
    private static func package(
        _ programme: Programme, _ form: PlaylistSettings.Form, _ course: Course
    ) throws -> [[String: [UInt8]]] {
        let studio = Studio(settings: Studio.patient)
        let shelf = try packaged(programme, form, in: studio, course)
        return playlists.map { studio.contents(shelf, $0).filter { !$0.value.isEmpty } }
    }

    private static func packaged(
        _ programme: Programme, _ form: PlaylistSettings.Form, in studio: Studio, _ course: Course
    ) throws -> Shelf {
        studio.follow()
        let stream = studio.stream()
        func relay(_ frames: some Sequence<Programme.Frame>) throws {
            for (header, body) in frames { try stream.append(relayed: header, body: body) }
        }
        try relay(programme.prologue(at: course.joins))
        try relay(programme.frames[course.joins..<course.begins])
        let shelf = studio.shelf(PackageSettings(form: form, window: 120_000))
        let misses = course.misses ?? programme.frames.count..<programme.frames.count
        try relay(programme.frames[course.begins..<misses.lowerBound])
        if course.misses != nil { try relay(programme.prologue(at: misses.upperBound)) }
        try relay(programme.frames[misses.upperBound...])
        return shelf
    }

    /// What a node has of a stream, by the numbers of frames.
    private struct Course {
        /// The first that it gets, and when it begins to package.
        var joins: Int
        var begins: Int
        var misses: Range<Int>?
    }
}

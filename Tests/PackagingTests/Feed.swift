import EventLoop
import FLV
import Fixtures
import HLS
import Media
import StreamLog

@testable import Packaging

/// A publisher of H.264 and AAC on any number of tracks: frames in order, numbered as an ingest node numbers them. No
/// clock but its own frames'.
struct Feed {
    struct Frame {
        var kind: MediaKind
        var time: Int64
        var mark: FrameMark
        var body: [UInt8]
        /// The first of a publish session.
        var beginsSession = false
    }

    static let avcC = hex("0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    /// The same with another level, and so another initialisation section.
    static let otherAvcC = hex(
        "01640028ffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    static let audioHeader: [UInt8] = [0xaf, 0] + hex("121056e500")

    /// Pictures a second, if nothing else is said.
    static let rate: Int64 = 25
    var rate = Feed.rate
    /// Audio tracks beside the first: what is heard of changes with this.
    var further: [UInt8] = []

    private var generator: SeededGenerator
    private var numbering: SegmentNumbering
    private let keyframeEvery: Int
    private let hasVideo: Bool
    private var session: UInt32 = 0
    private var sequence: UInt64 = 0
    private var pictures: Int64 = 0
    private var sounds: Int64 = 0
    private var start: Int64 = 0
    private var untilKeyframe = 0
    private var newest: Int64 = 0

    init(seed: UInt64 = 1, setting: Int64 = 2_000, keyframeEvery: Int = 25, hasVideo: Bool = true) {
        generator = SeededGenerator(seed: seed)
        numbering = SegmentNumbering(target: setting)
        self.keyframeEvery = keyframeEvery
        self.hasVideo = hasVideo
    }

    /// A publish session: its headers first.
    mutating func begin(avcC: [UInt8] = Feed.avcC) -> [Frame] {
        session += 1
        sequence = 0
        start = newest + (session == 1 ? 0 : 500)
        (pictures, sounds, untilKeyframe) = (0, 0, 0)
        numbering.beginSession(mayBeBehind: false, now: now(start))
        var frames: [Frame] = []
        if hasVideo { frames.append(configure(avcC)) }
        frames.append(frame(.audio, start, Feed.audioHeader, .other, [.audio, .configuration]))
        for track in further { frames.append(configure(track)) }
        frames[0].beginsSession = true
        return frames
    }

    private func now(_ time: Int64) -> Int64 { 1_800_000_000_000 + time }

    private mutating func configure(_ avcC: [UInt8]) -> Frame {
        frame(.video, max(start, newest), [0x17, 0, 0, 0, 0] + avcC, .other, [.video, .configuration])
    }

    /// The tracks change from the next keyframe on.
    mutating func change(avcC: [UInt8]) -> Frame {
        numbering.changeConfiguration()
        untilKeyframe = 0
        return configure(avcC)
    }

    /// A further audio track is told of: mono.
    mutating func configure(_ track: UInt8) -> Frame {
        frame(.audio, max(start, newest), Feed.header(of: track), .other, [.audio, .configuration])
    }

    /// A multitrack message of one track.
    static func header(of track: UInt8) -> [UInt8] { [0x95, 0] + Array("mp4a".utf8) + [track] + hex("1208") }

    /// An ID3 tag, or without a number what tells of its track.
    mutating func data(_ number: UInt8?) -> Frame {
        var message = DataMessage(track: 0, streamType: 0x15)
        message.isDeclaration = number == nil
        message.clock = newest * 90
        message.pts = newest * 90
        let tag: [UInt8] = number.map { [0x49, 0x44, 0x33, $0] } ?? []
        return frame(.script, newest, message.encode(payload: tag.span), .other, [.script, .data])
    }

    /// The same frames as a transport stream brings them: sound comes when there is so much of it, in milliseconds. The
    /// numbers are those of an ingest node that gets them so.
    static func inBursts(_ frames: [Frame], of length: Int64) -> [Frame] {
        var (order, held): ([Frame], [Frame]) = ([], [])
        for frame in frames {
            guard frame.kind == .audio, !frame.mark.flags.contains(.configuration) else {
                order.append(frame)
                continue
            }
            held.append(frame)
            guard let first = held.first, frame.time - first.time >= length else { continue }
            order += held
            held = []
        }
        var current = SegmentNumber.none
        for index in order.indices {
            // A picture takes its number along; what comes behind it is given the same.
            if order[index].kind == .video { current = order[index].mark.segment }
            order[index].mark.sequence = UInt64(index + 1)
            order[index].mark.segment = current
        }
        return order
    }

    mutating func next(_ seconds: Int64) -> [Frame] {
        let end = start + max(pictures * 1_000 / rate, sounds * 1_024_000 / 44_100) + seconds * 1_000
        var frames: [Frame] = []
        while true {
            frames += next()
            if frames[frames.count - 1].time >= end { return frames }
        }
    }

    private mutating func next() -> [Frame] {
        let (picture, sound) = (pictures * 1_000 / rate, sounds * 1_024_000 / 44_100)
        guard hasVideo, picture <= sound else {
            sounds += 1
            var frames = [frame(.audio, start + sound, [0xaf, 1] + payload(1...100), .audio, .audio)]
            for track in further {
                let body = [0x95, 1] + Array("mp4a".utf8) + [track] + payload(1...100)
                frames.append(frame(.audio, start + sound, body, .audio, .audio))
            }
            return frames
        }
        pictures += 1
        let isKey = untilKeyframe == 0
        untilKeyframe = (isKey ? keyframeEvery : untilKeyframe) - 1
        let unit = [isKey ? 0x65 : 0x41] + payload(1...400)
        var body: [UInt8] = [isKey ? 0x17 : 0x27, 1, 0, 0, 0]
        body.append(u32: UInt32(unit.count))
        return [
            frame(
                .video, start + picture, body + unit, isKey ? .keyframe : .video, isKey ? [.video, .keyframe] : .video)
        ]
    }

    private mutating func payload(_ sizes: ClosedRange<Int>) -> [UInt8] {
        [UInt8](
            repeating: .random(in: 1...255, using: &generator), count: .random(in: sizes, using: &generator))
    }

    private mutating func frame(
        _ kind: MediaKind, _ time: Int64, _ body: [UInt8], _ role: SegmentNumbering.Frame, _ flags: FrameMark.Flags
    ) -> Frame {
        sequence += 1
        newest = max(newest, time)
        let number = numbering.number(role, at: time, now: now(time))
        let mark = FrameMark(
            size: UInt32(body.count), timestamp: time, sequence: sequence, origin: now(time) * 1_000, flags: flags,
            session: session, segment: number)
        return Frame(kind: kind, time: time, mark: mark, body: body)
    }
}

/// A node that packages what reaches it, by the time of what reaches it.
final class Node {
    let shelf: Shelf
    let packager: Packager
    /// In the order in which frames are given to them.
    private var packagers: [Packager] = []
    let loop = Loop(index: 0)
    let time = Lock<UInt64>(0)
    private var writer = LogWriter(retention: .init(milliseconds: 3_000, bytes: 1 << 20))

    /// `audio`: further tracks that are packaged apart; `rate`: pictures a second, as it was measured.
    init(
        _ form: PlaylistSettings.Form, window: Int64 = 8_000, hasVideo: Bool = true, rate: Int64 = Feed.rate,
        audio: [UInt8] = [], keeper: SegmentKeeper? = nil
    ) {
        let time = time
        shelf = Shelf(
            PackageSettings(form: form, window: window), clock: { time.with { $0 } }, keeper: keeper)
        packager = Packager(.main, for: shelf, frameInterval: hasVideo ? 1_000_000 / rate : 0)
        packagers = audio.map { Packager(.audio($0), for: shelf) } + [packager]
    }

    /// Who comes in the middle is told of the tracks first.
    func learn(avcC: [UInt8] = Feed.avcC) {
        for (kind, body) in [(MediaKind.video, [0x17, 0, 0, 0, 0] + avcC), (.audio, Feed.audioHeader)] {
            body.withUnsafeBytes { packager.learn(kind, $0) }
        }
        for packager in packagers {
            guard case .audio(let track) = packager.rendition else { continue }
            Feed.header(of: track).withUnsafeBytes { packager.learn(.audio, $0) }
        }
    }

    func receive(_ frames: some Sequence<Feed.Frame>) { for frame in frames { receive(frame) } }

    func receive(_ frame: Feed.Frame) {
        time.with { $0 = max($0, UInt64(frame.time)) }
        if frame.beginsSession { for packager in packagers { packager.beginSession() } }
        writer.append(frame.mark) { target in
            frame.body.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
        let tracks = frame.kind == .audio ? AudioPacket.tracks(of: frame.body.span) : TrackSet()
        for packager in packagers {
            packager.add(frame.kind, tracks, frame.mark, at: frame.time, writer.newestPlace!)
        }
    }

    func end() {
        for packager in packagers { packager.end() }
        shelf.end()
    }

    func offer(_ name: String, query: String = "", wake: Shelf.Wake? = nil) -> Offer {
        shelf.take(ResourceName(name)!, query: Array(query.utf8)[...], from: loop.mailbox, wake)
    }

    var playlistBytes: [UInt8]? { text("media.m3u8") }

    func text(_ name: String) -> [UInt8]? {
        guard case .playlist(let text, _) = offer(name) else { return nil }
        return text.file(isSettled: false, takesGzip: false).bytes.copy
    }

    var playlist: ParsedPlaylist? { playlist("media.m3u8") }

    func playlist(_ name: String) -> ParsedPlaylist? { text(name).flatMap { try? ParsedPlaylist($0) } }

    var multivariant: PreparedMultivariant? {
        if case .multivariant(let made) = offer("index.m3u8") { made } else { nil }
    }

    /// As somebody reads it.
    var index: String {
        let token = ViewerToken(high: 1, low: 2)
        return String(decoding: multivariant?.body(for: token).copy ?? [], as: UTF8.self)
    }

    func bytes(_ name: String) -> [UInt8]? {
        guard case .file(let file) = offer(name) else { return nil }
        return file.bytes.copy
    }

    /// Everything that the playlist names, by name.
    func contents(_ name: String = "media.m3u8") -> [String: [UInt8]] {
        guard let playlist = playlist(name) else { return [:] }
        var names = playlist.entries.filter { !$0.isGap }.map(\.uri) + playlist.entries.compactMap(\.map)
        names += (playlist.entries + [playlist.open]).flatMap { $0.parts.map(\.uri) }
        return Dictionary(names.map { ($0, bytes($0) ?? []) }) { one, _ in one }
    }
}

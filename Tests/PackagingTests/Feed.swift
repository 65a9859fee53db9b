import EventLoop
import FLV
import Fixtures
import HLS
import Media
import StreamLog

@testable import Packaging

/// A publisher of H.264 and AAC: frames in order, numbered as an ingest node numbers them. No clock but its own frames'.
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

    /// Pictures a second.
    static let rate: Int64 = 25

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

    /// An ID3 tag, or without a number what tells of its track.
    mutating func data(_ number: UInt8?) -> Frame {
        var message = DataMessage(track: 0, streamType: 0x15)
        message.isDeclaration = number == nil
        message.clock = newest * 90
        message.pts = newest * 90
        let tag: [UInt8] = number.map { [0x49, 0x44, 0x33, $0] } ?? []
        return frame(.script, newest, message.encode(payload: tag.span), .other, [.script, .data])
    }

    mutating func next(_ seconds: Int64) -> [Frame] {
        let end = start + max(pictures * 1_000 / Feed.rate, sounds * 1_024_000 / 44_100) + seconds * 1_000
        var frames: [Frame] = []
        while true {
            let frame = next()
            frames.append(frame)
            if frame.time >= end { return frames }
        }
    }

    private mutating func next() -> Frame {
        let (picture, sound) = (pictures * 1_000 / Feed.rate, sounds * 1_024_000 / 44_100)
        guard hasVideo, picture <= sound else {
            sounds += 1
            let body = [0xaf, 1] + payload(1...100)
            return frame(.audio, start + sound, body, .audio, .audio)
        }
        pictures += 1
        let isKey = untilKeyframe == 0
        untilKeyframe = (isKey ? keyframeEvery : untilKeyframe) - 1
        let unit = [isKey ? 0x65 : 0x41] + payload(1...400)
        var body: [UInt8] = [isKey ? 0x17 : 0x27, 1, 0, 0, 0]
        body.append(u32: UInt32(unit.count))
        return frame(
            .video, start + picture, body + unit, isKey ? .keyframe : .video, isKey ? [.video, .keyframe] : .video)
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
    let loop = Loop(index: 0)
    let time = Lock<UInt64>(0)
    private var writer = LogWriter(retention: .init(milliseconds: 3_000, bytes: 1 << 20))

    init(
        _ form: PlaylistSettings.Form, window: Int64 = 8_000, hasVideo: Bool = true, keeper: SegmentKeeper? = nil
    ) {
        let time = time
        shelf = Shelf(
            PackageSettings(form: form, window: window), clock: { time.with { $0 } }, keeper: keeper)
        packager = Packager(.main, for: shelf, frameInterval: hasVideo ? 1_000_000 / Feed.rate : 0)
    }

    /// Who comes in the middle is told of the tracks first.
    func learn(avcC: [UInt8] = Feed.avcC) {
        for (kind, body) in [(MediaKind.video, [0x17, 0, 0, 0, 0] + avcC), (.audio, Feed.audioHeader)] {
            body.withUnsafeBytes { packager.learn(kind, $0) }
        }
    }

    func receive(_ frames: some Sequence<Feed.Frame>) { for frame in frames { receive(frame) } }

    func receive(_ frame: Feed.Frame) {
        time.with { $0 = max($0, UInt64(frame.time)) }
        if frame.beginsSession { packager.beginSession() }
        writer.append(frame.mark) { target in
            frame.body.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
        packager.add(frame.kind, frame.mark, at: frame.time, writer.newestPlace!)
    }

    func end() {
        packager.end()
        shelf.end()
    }

    func offer(_ name: String, query: String = "", wake: (@Sendable (Loop) -> Void)? = nil) -> Offer {
        shelf.take(ResourceName(name)!, query: Array(query.utf8)[...], from: loop.mailbox, wake)
    }

    var playlistBytes: [UInt8]? {
        guard case .playlist(let text, _) = offer("media.m3u8") else { return nil }
        return text.file(isSettled: false, takesGzip: false).bytes.copy
    }

    var playlist: ParsedPlaylist? { playlistBytes.flatMap { try? ParsedPlaylist($0) } }

    func bytes(_ name: String) -> [UInt8]? {
        guard case .file(let file) = offer(name) else { return nil }
        return file.bytes.copy
    }

    /// Everything that the playlist names, by name.
    func contents() -> [String: [UInt8]] {
        guard let playlist else { return [:] }
        var names = playlist.entries.filter { !$0.isGap }.map(\.uri) + playlist.entries.compactMap(\.map)
        names += (playlist.entries + [playlist.open]).flatMap { $0.parts.map(\.uri) }
        return Dictionary(names.map { ($0, bytes($0) ?? []) }) { one, _ in one }
    }
}

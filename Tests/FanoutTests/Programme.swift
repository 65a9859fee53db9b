import Fixtures
import HLS
import Media
import RelayProtocol

@testable import Fanout

/// A stream as it travels between nodes, put together by chance: publish sessions in which tracks begin, fall silent and
/// come back at any time, sound comes late and many frames at once, and encoders change their minds. No clock but its
/// own frames'.
struct Programme {
    typealias Frame = (header: RelayFrame.Header, body: [UInt8])

    private(set) var frames: [Frame] = []
    private var isConfiguration: [Bool] = []
    private var random: SeededGenerator
    /// The first audio track is of a codec that says what it is with each frame, in this session; the third always is.
    private var describesItself = false
    private var numbering = SegmentNumbering(target: 2_000)

    /// What an encoder sends at some time, and what of it is of which time.
    private struct Message {
        let arrival: Int64
        let kind: MediaKind
        let time: Int64
        let role: SegmentNumbering.Frame
        let body: [UInt8]
        var changes = false
    }

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let hasVideo = chance(4, of: 5)
        var start: Int64 = 0
        for session in 0..<Int.random(in: 1...3, using: &random) {
            if session > 0, chance(1, of: 2) { start += 3_000 }
            let length: Int64 =
                chance(1, of: 6)
                ? .random(in: 40...3_000, using: &random)
                : .random(in: 9_000...14_000, using: &random)
            describesItself = chance(1, of: 4)
            var messages = hasVideo ? pictures(length) : []
            for track in UInt8(0)...3 where track == 0 || chance(2, of: 3) { messages += sound(track, length) }
            add(messages, session: session, start: start)
            start += length
        }
    }

    private mutating func chance(_ count: Int, of all: Int) -> Bool { .random(in: 0..<all, using: &random) < count }

    // MARK: Tracks

    private mutating func pictures(_ length: Int64) -> [Message] {
        let group = Int.random(in: 12...60, using: &random)
        let change = chance(1, of: 3) ? Int.random(in: 1...200, using: &random) : .max
        var messages = [header(.video, at: 0, Broadcast.videoHeader)]
        var untilKeyframe = 0
        for number in 0..<Int(length / 40) {
            let time = Int64(number) * 40
            if number == change {
                messages.append(header(.video, at: time, Broadcast.otherVideoHeader, changes: true))
                untilKeyframe = 0
            }
            let isKey = untilKeyframe == 0
            untilKeyframe = isKey ? group - 1 : untilKeyframe - 1
            messages.append(
                Message(
                    arrival: time, kind: .video, time: time, role: isKey ? .keyframe : .video,
                    body: Broadcast.video(key: isKey, number)))
        }
        return messages
    }

    private func header(_ kind: MediaKind, at time: Int64, _ body: [UInt8], changes: Bool = false) -> Message {
        Message(arrival: time, kind: kind, time: time, role: .other, body: body, changes: changes)
    }

    private mutating func sound(_ track: UInt8, _ length: Int64) -> [Message] {
        // Often just behind the beginning of a group of pictures.
        let begins: Int64 =
            chance(1, of: 3)
            ? 0
            : .random(in: 0..<9, using: &random) * 1_000 + .random(in: 0..<700, using: &random)
        // Of a track that is told of by its frames alone and is not heard, nobody can know who comes then.
        let isAlwaysHeard = track == 0 && describesItself
        let silence =
            !isAlwaysHeard && chance(1, of: 3)
            ? Int64.random(in: begins..<max(begins + 1, length), using: &random) : length
        let resumes = silence + .random(in: 100..<7_000, using: &random)
        let lag = chance(1, of: 2) ? 0 : Int64.random(in: 0...300, using: &random)
        let burst = chance(1, of: 2) ? 1 : Int64.random(in: 1...12, using: &random)
        var messages: [Message] = []
        if let body = header(of: track) {
            messages.append(header(.audio, at: chance(1, of: 2) ? 0 : begins, body))
        }
        for number in begins / 40..<max(begins, length) / 40 {
            let time = number * 40 + 10
            guard time < silence || time >= resumes else { continue }
            let last = (number / burst * burst + burst - 1) * 40
            messages.append(
                Message(
                    arrival: max(time, last) + lag, kind: .audio, time: time, role: .audio,
                    body: frame(of: track, Int(number))))
        }
        return messages
    }

    private func header(of track: UInt8) -> [UInt8]? {
        switch track {
        case 0: describesItself ? nil : Broadcast.audioHeader
        case 3: nil
        default: Broadcast.further(track, header: true)
        }
    }

    private func frame(of track: UInt8, _ number: Int) -> [UInt8] {
        switch track {
        case 0 where !describesItself: Broadcast.audio(number)
        case 0, 3: Broadcast.mp3(track: track, number)
        default: Broadcast.further(track, header: false, number)
        }
    }

    // MARK: Frames

    private mutating func add(_ messages: [Message], session: Int, start: Int64) {
        let clock = 1_800_000_000_000 + start
        numbering.beginSession(mayBeBehind: false, now: clock)
        let order = messages.enumerated().sorted { ($0.element.arrival, $0.offset) < ($1.element.arrival, $1.offset) }
        var hasKeyframe = !messages.contains { $0.kind == .video }
        var sequence: UInt64 = 0
        for (_, message) in order {
            if message.role == .keyframe { hasKeyframe = true }
            guard hasKeyframe || message.role != .video else { continue }
            if message.changes { numbering.changeConfiguration() }
            sequence += 1
            let number = numbering.number(message.role, at: start + message.time, now: clock + message.arrival)
            let header = RelayFrame.Header(
                stream: 1, number: FrameNumber(epoch: UInt64(session) + 1, sequence: sequence), kind: message.kind,
                timestamp: UInt32(start + message.time), wallClock: (clock + message.arrival) * 1_000, segment: number)
            frames.append((header, message.body))
            isConfiguration.append(message.role == .other)
        }
    }

    /// What a node is told first that joins before the frame at `index`: the newest of what was said of each track.
    func prologue(at index: Int) -> [Frame] {
        let next = frames[index].header
        var told: [Frame] = []
        for place in 0..<index
        where isConfiguration[place] && frames[place].header.number.epoch == next.number.epoch {
            var (header, body) = frames[place]
            header.flags = .prologue
            header.number = next.number
            header.segment = .none
            // Which track it is of: the same bytes but for what decoders are told.
            told.removeAll { $0.header.kind == header.kind && $0.body.prefix(7) == body.prefix(7) }
            told.append((header, body))
        }
        return told.filter { $0.header.kind == .video } + told.filter { $0.header.kind == .audio }
    }
}

import Fixtures
import HLS
import Testing

@Suite("Segment numbers") struct SegmentNumberingTests {
    private let now: Int64 = 1_800_000_000_000

    @Test("a numbering that knows nothing begins with the wall clock in half seconds since 2024")
    func clock() {
        var numbering = SegmentNumbering()
        let first = numbering.number(.keyframe, at: 0, now: now)
        #expect(first.number == UInt32((now - 1_704_067_200_000) / 500))
        #expect(first.discontinuity == first.number)
        #expect(first.target == 0)
        #expect(SegmentNumbering.clockNumber(at: 0) == 0)
        #expect(SegmentNumbering.clockNumber(at: .max) == .max)
        #expect(SegmentNumbering.clockNumber(at: .min) == 0)
    }

    /// Numbers of frames at 25 per second with a keyframe every `gop` frames.
    private func run(
        _ numbering: inout SegmentNumbering, frames: Int, gop: Int, from start: Int64 = 0
    ) -> [(time: Int64, number: SegmentNumber)] {
        (0..<frames).map { index in
            let time = start + Int64(index) * 40
            let kind: SegmentNumbering.Frame = index % gop == 0 ? .keyframe : .video
            return (time, numbering.number(kind, at: time, now: now + time))
        }
    }

    private func cuts(_ frames: [(time: Int64, number: SegmentNumber)]) -> [Int64] {
        zip(frames, frames.dropFirst()).filter { $0.number.number != $1.number.number }.map { $1.time }
    }

    @Test("segments are cut at the first keyframe at which they are nine tenths of the target long")
    func keyframes() {
        var numbering = SegmentNumbering(target: 2_000)
        #expect(
            cuts(run(&numbering, frames: 400, gop: 23)) == [1_840, 3_680, 5_520, 7_360, 9_200, 11_040, 12_880, 14_720])
        numbering = SegmentNumbering(target: 2_000)
        #expect(cuts(run(&numbering, frames: 300, gop: 22)) == [2_640, 5_280, 7_920, 10_560])
    }

    @Test("the target is told with the second segment, and holds for all of them")
    func target() {
        var numbering = SegmentNumbering(target: 2_000)
        let frames = run(&numbering, frames: 400, gop: 80)
        #expect(cuts(frames) == [3_200, 6_400, 9_600, 12_800])
        #expect(frames.allSatisfy { $0.number.target == ($0.time < 3_200 ? 0 : 3) })
    }

    @Test("a group of pictures longer than ten seconds is cut without a keyframe")
    func longGroup() {
        var numbering = SegmentNumbering()
        let frames = run(&numbering, frames: 1_000, gop: 2_000)
        #expect(cuts(frames).first == 10_000)
        #expect(frames[260].number.target == 10)
    }

    @Test("a later segment is cut where it would round to more than the target")
    func laterSegment() {
        var numbering = SegmentNumbering(target: 2_000)
        _ = run(&numbering, frames: 50, gop: 50)
        // A group of four seconds after one of two: cut at the last frame whose segment still rounds to 2.
        #expect(cuts(run(&numbering, frames: 100, gop: 100, from: 2_000)) == [4_480])
    }

    @Test("sound without pictures is cut at the target")
    func audio() {
        var numbering = SegmentNumbering(target: 1_000)
        let frames = (0..<300).map { index in
            let time = Int64(index) * 1_024 / 48
            return (time: time, number: numbering.number(.audio, at: time, now: now + time))
        }
        #expect(cuts(frames).prefix(3) == [1_002, 2_005, 3_008])
        #expect(frames.last?.number.target == 1)
    }

    @Test("data and headers never begin a segment")
    func other() {
        var numbering = SegmentNumbering(target: 1_000)
        let first = numbering.number(.keyframe, at: 0, now: now)
        #expect(numbering.number(.other, at: 50_000, now: now).number == first.number)
    }

    @Test("a reconnect goes on with the next number and the next discontinuity")
    func reconnect() throws {
        var numbering = SegmentNumbering()
        let last = try #require(run(&numbering, frames: 200, gop: 50).last).number
        numbering.beginSession(mayBeBehind: false, now: now + 3_600_000)
        let next = numbering.number(.keyframe, at: 0, now: now + 3_600_000)
        #expect(next.number == last.number + 1 && next.discontinuity == last.discontinuity + 1)
    }

    @Test("where another publisher may have numbered meanwhile, the clock decides when it is ahead")
    func behind() throws {
        var numbering = SegmentNumbering()
        _ = run(&numbering, frames: 200, gop: 50)
        numbering.beginSession(mayBeBehind: true, now: now + 3_600_000)
        let clock = SegmentNumbering.clockNumber(at: now + 3_600_000)
        #expect(numbering.last?.number == clock && numbering.last?.discontinuity == clock)
        numbering.follow(SegmentNumber(number: clock + 100, discontinuity: clock + 7, target: 4))
        numbering.beginSession(mayBeBehind: true, now: now + 3_600_000)
        #expect(numbering.last == SegmentNumber(number: clock + 101, discontinuity: clock + 8, target: 4))
    }

    @Test("numbers that were followed only ever raise what comes next, and their end is no trap")
    func follow() {
        var numbering = SegmentNumbering()
        numbering.follow(SegmentNumber(number: 500, discontinuity: 9, target: 255))
        numbering.follow(SegmentNumber(number: 400, discontinuity: 3, target: 0))
        numbering.beginSession(mayBeBehind: false, now: now)
        #expect(numbering.last == SegmentNumber(number: 501, discontinuity: 10, target: 10))
        numbering.follow(SegmentNumber(number: .max, discontinuity: .max, target: 1))
        numbering.beginSession(mayBeBehind: false, now: now)
        #expect(run(&numbering, frames: 200, gop: 50).last?.number.number == .max)
    }

    @Test("the target of an earlier session is kept, and grows where a first segment needs it")
    func targets() {
        var numbering = SegmentNumbering(target: 2_000)
        _ = run(&numbering, frames: 300, gop: 100)
        numbering.beginSession(mayBeBehind: false, now: now + 60_000)
        #expect(run(&numbering, frames: 200, gop: 50).last?.number.target == 4)
        numbering.beginSession(mayBeBehind: false, now: now + 90_000)
        #expect(run(&numbering, frames: 300, gop: 150).last?.number.target == 6)
    }

    @Test("a leap of the timestamps and a change of the tracks begin a discontinuity")
    func discontinuities() {
        var numbering = SegmentNumbering()
        let first = numbering.number(.keyframe, at: 100_000, now: now)
        let leap = numbering.number(.video, at: 5_000, now: now + 2_000)
        #expect(leap.number == first.number + 1 && leap.discontinuity == first.discontinuity + 1)
        numbering.changeConfiguration()
        #expect(numbering.number(.video, at: 5_040, now: now + 3_000) == leap)
        let changed = numbering.number(.keyframe, at: 5_080, now: now + 3_000)
        #expect(changed.number == leap.number + 1 && changed.discontinuity == leap.discontinuity + 1)
        #expect(numbering.number(.keyframe, at: 5_120, now: now + 3_000) == changed)
    }

    @Test("an encoder that sends faster than time passes waits for the clock where nothing forces a cut")
    func burst() {
        var numbering = SegmentNumbering(target: 1_000)
        var newest = numbering.number(.keyframe, at: 0, now: now)
        let clock = newest.number
        for index in 1..<200 {
            newest = numbering.number(index % 25 == 0 ? .keyframe : .video, at: Int64(index) * 40, now: now)
        }
        #expect(newest.number == clock)
        #expect(numbering.number(.keyframe, at: 8_000, now: now + 500).number == clock + 1)
    }

    @Test("over many restarts, reconnects and odd streams numbers never repeat, go back or pass the clock")
    func property() {
        for seed in UInt64(1)...30 {
            var random = SeededGenerator(seed: seed)
            var numbering = SegmentNumbering(target: Int64.random(in: 500...12_000, using: &random))
            var wall = now
            var last = SegmentNumber(number: 0, discontinuity: 0, target: 0)
            for session in 0..<20 {
                wall += Int64.random(in: 1_000...30_000, using: &random)
                let forgets = Bool.random(using: &random)
                if forgets { numbering = SegmentNumbering(target: Int64.random(in: 1_000...4_000, using: &random)) }
                numbering.beginSession(mayBeBehind: Bool.random(using: &random), now: wall)
                let gop = Int.random(in: 1...400, using: &random)
                let begin = Int64.random(in: -10_000...10_000, using: &random)
                var start = begin
                for index in 0..<Int.random(in: 1...1_000, using: &random) {
                    let time = begin + Int64(index) * 40
                    let kind: SegmentNumbering.Frame = index % gop == 0 ? .keyframe : .video
                    let given = numbering.number(kind, at: time, now: wall + Int64(index) * 40)
                    let context = "seed \(seed) session \(session) frame \(index)"
                    if index == 0 {
                        #expect(given.number > last.number && given.discontinuity > last.discontinuity, "\(context)")
                    }
                    if given.number != last.number, index > 0 {
                        #expect(
                            given.number == last.number + 1 && given.discontinuity == last.discontinuity, "\(context)")
                        #expect(time - start < Int64(given.target) * 1_000 + 500, "\(context)")
                        start = time
                    }
                    #expect(last.target == 0 || index == 0 || given.target == last.target, "\(context)")
                    #expect(given.number <= SegmentNumbering.clockNumber(at: wall + Int64(index) * 40), "\(context)")
                    last = given
                }
                wall += 40_000
            }
        }
    }

    @Test("any times at all are survived")
    func extremes() {
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            var numbering = SegmentNumbering(target: .random(in: .min ... .max, using: &random))
            for _ in 0..<500 {
                let times: [Int64] = [.min, .max, 0, .random(in: .min ... .max, using: &random), 5_000]
                let kinds: [SegmentNumbering.Frame] = [.keyframe, .video, .audio, .other]
                _ = numbering.number(
                    kinds.randomElement(using: &random) ?? .other, at: times.randomElement(using: &random) ?? 0,
                    now: times.randomElement(using: &random) ?? 0)
                if Int.random(in: 0..<20, using: &random) == 0 { numbering.changeConfiguration() }
            }
        }
    }
}

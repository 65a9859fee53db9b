import EventLoop
import FLV
import Media
import Testing

@testable import Fanout

@Suite(.serialized, .timeLimit(.minutes(5)))
struct StreamLifeTests {
    @Test("the same publisher replaces its half-open session at once; a stranger is refused")
    func takeover() {
        let studio = Studio(loops: 2)
        let first = studio.publish(on: 0)
        #expect(first.answer == .granted)
        #expect(studio.publish(on: 1, address: "192.0.2.77").answer == .refused(.busy(publisher: "192.0.2.1")))
        #expect(first.ended.with { $0 }.isEmpty)
        let second = studio.publish(on: 1)
        #expect(second.answer == .granted)
        #expect(first.ended.with { $0 } == [.replaced(by: second.session)])
        #expect(studio.stream(on: 1).publisher?.session == second.session)
    }

    @Test("with takeover never, even the same publisher is refused")
    func never() {
        var settings = FanoutSettings()
        settings.takeover = .never
        let studio = Studio(settings: settings)
        _ = studio.publish()
        #expect(studio.publish().answer == .refused(.busy(publisher: "192.0.2.1")))
    }

    @Test("viewers stay while the encoder is away, and go on from its next keyframe on one timeline, on any loop")
    func comesBack() throws {
        let studio = Studio(loops: 2)
        let first = studio.publish(on: 0)
        var stream = studio.stream(on: 0)
        try stream.append(.video, timestamp: 500_000, body: Body.videoConfiguration)
        for number in 0..<30 as Range<UInt32> {
            try stream.append(
                .video, timestamp: 500_000 + number * 33, body: Body.video(number, keyframe: number % 10 == 0))
            stream.flushIfDue()
        }
        let near = Screen(studio, on: 0)
        let far = Screen(studio, on: 1)
        defer {
            near.leave()
            far.leave()
        }
        let epoch = stream.epoch
        stream.endPublish(session: first.session)
        #expect(stream.isLingering)
        #expect(studio.publish(on: 1).answer == .granted)
        stream = studio.stream(on: 1)
        #expect(stream.epoch > epoch)
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
        for number in 35..<60 as Range<UInt32> {
            try stream.append(.video, timestamp: number * 33, body: Body.video(number, keyframe: number % 10 == 0))
            stream.flushIfDue()
        }
        studio.settle()
        for screen in [near, far] {
            try screen.read()
            #expect(screen.pictures == Array(20..<30) + Array(40..<60))
            let times = screen.frames.map(\.timestamp)
            #expect(times == times.sorted())
            #expect(screen.ends.isEmpty)
        }
    }

    @Test("when linger is over the viewers are told and the name is free")
    func lingerEnds() throws {
        var settings = FanoutSettings()
        settings.linger = 20
        let studio = Studio(settings: settings)
        let first = studio.publish()
        let screen = Screen(studio)
        defer { screen.leave() }
        studio.stream().endPublish(session: first.session)
        #expect(studio.wait { screen.ends == [.streamEnded] })
        #expect(studio.hub.find(Studio.name) == nil)
    }

    @Test("who waits for a stream is told on its own loop when it appears; who stops waiting is not")
    func waiting() {
        let studio = Studio(loops: 2)
        let told = Lock<[Int]>([])
        for (index, fanout) in studio.fanouts.enumerated() {
            let (found, _) = studio.hub.findOrWait(Studio.name, on: fanout.loop) { loop, _ in
                told.with { $0.append(index == loop.index ? index : -1) }
            }
            #expect(found == nil)
        }
        let (_, ticket) = studio.hub.findOrWait(Studio.name, on: studio.fanouts[0].loop) { _, _ in
            told.with { $0.append(99) }
        }
        studio.hub.stopWaiting(Studio.name, ticket: ticket)
        _ = studio.publish()
        #expect(told.with { $0 }.sorted() == [0, 1])
    }

    @Test("logs of formats that nobody reads are let go of")
    func unread() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
        try stream.append(.video, timestamp: 0, body: Body.video(0, keyframe: true, size: 100_000))
        let alone = stream.logBytes
        let screen = Screen(studio, kind: WireKind(.rtmp))
        #expect(stream.logBytes > alone * 3 / 2)
        screen.leave()
        #expect(
            studio.wait {
                studio.fanouts[0].housekeep()
                return stream.logBytes == alone
            })
    }
}

struct FlushClockTests {
    @Test("a video frame is due at once; audio waits for it, or for the interval")
    func due() {
        var clock = FlushClock(interval: 40)
        #expect(clock.due(now: 1_000, pressure: 0) == .nothing)
        clock.appended(video: false, now: 1_000)
        #expect(clock.due(now: 1_000, pressure: 0) == .after(40))
        #expect(clock.due(now: 1_030, pressure: 0) == .after(10))
        clock.appended(video: true, now: 1_033)
        #expect(clock.due(now: 1_033, pressure: 0) == .now)
        clock.flushed(now: 1_033)
        #expect(clock.due(now: 1_034, pressure: 0) == .nothing)
        clock.appended(video: false, now: 1_040)
        #expect(clock.due(now: 1_080, pressure: 0) == .now)
    }

    @Test("under pressure video frames share a flush")
    func pressure() {
        var clock = FlushClock(interval: 40)
        clock.flushed(now: 1_000)
        clock.appended(video: true, now: 1_033)
        #expect(clock.due(now: 1_033, pressure: 90) == .after(57))
        clock.appended(video: true, now: 1_066)
        #expect(clock.due(now: 1_090, pressure: 90) == .now)
    }

    @Test("the distance between flushes grows while the processor is full and shrinks when it is not")
    func gauge() {
        var gauge = LoadGauge(limit: 100)
        var cpu: UInt64 = 0
        var now: UInt64 = 0
        func second(busy: UInt64) -> UInt64 {
            cpu += busy * 10_000_000
            now += 1_000_000_000
            return gauge.measure(cpu: cpu, now: now)
        }
        #expect(second(busy: 99) == 0, "the first look only takes the mark")
        for _ in 0..<20 { _ = second(busy: 99) }
        #expect(second(busy: 99) == 100)
        #expect(second(busy: 85) == 100)
        for _ in 0..<20 { _ = second(busy: 10) }
        #expect(second(busy: 10) == 0)
    }
}

import EventLoop
import FLV
import Fixtures
import Glibc
import Media
import RelayProtocol
import Testing

@testable import Fanout

private func show(_ studio: Studio, _ numbers: Range<UInt32>, size: Int = 400) throws {
    let stream = studio.stream()
    for number in numbers {
        try stream.append(
            .video, timestamp: number * 33, body: Body.video(number, keyframe: number % 10 == 0, size: size))
        stream.flushIfDue()
    }
    studio.settle()
}

/// A stream with a configuration (frame 1) and pictures 0 ..< `count` (frames 2 and on).
private func begin(_ studio: Studio, _ count: UInt32) throws -> StreamHandle {
    _ = studio.publish()
    try studio.stream().append(.video, timestamp: 0, body: Body.videoConfiguration)
    try show(studio, 0..<count)
    return studio.hub.find(Studio.name)!
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct RelayTests {
    @Test("a new child starts at the newest keyframe, behind the configurations")
    func fresh() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        child.subscribe(try begin(studio, 25), .keyframe)
        try show(studio, 25..<30)
        try child.readAll()
        #expect(child.starts.map(\.first.sequence) == [22] && child.starts[0].continuity == .fresh)
        #expect(child.frames.first?.header.flags.contains(.prologue) == true)
        #expect(child.frames.first?.body == Body.videoConfiguration)
        #expect(child.sequences == Array(22...31))
    }

    @Test(
        "a child that is itself asked for older frames starts at the newest keyframe that is not after them",
        arguments: [(1, 22), (2, 2), (15, 12), (21, 12), (22, 22), (90, 22)] as [(UInt64, UInt64)])
    func needed(sequence: UInt64, first: UInt64) throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 25)
        child.subscribe(handle, .keyframe, needed: FrameNumber(epoch: studio.stream().epoch, sequence: sequence))
        try show(studio, 25..<30)
        try child.readAll()
        #expect(child.starts.map(\.first.sequence) == [first] && child.starts[0].continuity == .fresh)
        let prologue = try #require(child.frames.first)
        #expect(prologue.body == Body.videoConfiguration && prologue.header.flags.contains(.prologue))
        #expect(prologue.header.number.sequence == first)
        #expect(child.sequences == Array(first...31))
    }

    @Test("what came before a change of the decoder's configuration is not started at")
    func neededBeforeChange() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 15)
        var changed = Body.videoConfiguration
        changed[8] += 1
        try studio.stream().append(.video, timestamp: 600, body: changed)
        try show(studio, 15..<25)
        child.subscribe(handle, .keyframe, needed: FrameNumber(epoch: studio.stream().epoch, sequence: 14))
        try child.readAll()
        #expect(child.frames.first?.body == changed)
        #expect(child.sequences.first == 23)
    }

    @Test("a child that comes from another parent goes on with the very next frame", arguments: [1, 2, 13, 26, 27])
    func resume(at sequence: UInt64) throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 25)
        child.subscribe(handle, .at(FrameNumber(epoch: studio.stream().epoch, sequence: sequence)))
        try show(studio, 25..<40)
        try child.readAll()
        #expect(child.starts.map(\.continuity) == [.exact])
        #expect(child.starts[0].first.sequence == sequence)
        #expect(child.sequences == Array(sequence...41))
        #expect(!child.frames.contains { $0.header.flags.contains(.prologue) })
    }

    @Test("a publisher that is raised numbers on from one, with its configurations, and its viewers see one stream")
    func raised() throws {
        let studio = Studio()
        let child = try Child(studio)
        let handle = try begin(studio, 12)
        let screen = Screen(studio)
        defer {
            child.leave()
            screen.leave()
        }
        child.subscribe(handle, .keyframe)
        let (stream, epoch) = (studio.stream(), studio.stream().epoch)
        #expect(!stream.raise(to: epoch) && stream.raise(to: epoch + 7))
        try show(studio, 12..<25)
        try child.readAll()
        try screen.read()
        #expect(screen.pictures == Array(10..<25))
        let numbered = child.frames.filter { !$0.header.flags.contains(.prologue) }
        let (old, new) = (
            numbered.filter { $0.header.number.epoch == epoch }, numbered.filter { $0.header.number.epoch == epoch + 7 }
        )
        #expect(old.map(\.header.number.sequence) == [12, 13])
        #expect(new.map(\.header.number.sequence) == Array(1...14))
        #expect(new[0].body == Body.videoConfiguration && new[1].body == Body.video(12, keyframe: false))
        #expect(zip(numbered, numbered.dropFirst()).allSatisfy { $0.header.timestamp <= $1.header.timestamp })
        // Whoever comes with numbers of before goes on where they end, and then in the new ones.
        let late = try Child(studio)
        defer { late.leave() }
        late.subscribe(handle, .at(FrameNumber(epoch: epoch, sequence: 13)))
        try late.readAll()
        #expect(late.starts.first?.first == FrameNumber(epoch: epoch, sequence: 13))
        #expect(late.sequences == [13] + Array(1...14))
    }

    @Test("a child that is ahead of its new parent is sent what follows")
    func ahead() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 25)
        child.subscribe(handle, .at(FrameNumber(epoch: studio.stream().epoch, sequence: 30)))
        try show(studio, 25..<40)
        try child.readAll()
        #expect(child.starts.map(\.continuity) == [.exact])
        #expect(child.sequences == Array(27...41))
    }

    @Test("a child whose next frame is gone starts anew at a keyframe, and is told how many it lost")
    func tooLate() throws {
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 500, bytes: 1 << 20)
        let studio = Studio(settings: settings)
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 1)
        try show(studio, 1..<400, size: 20_000)
        child.subscribe(handle, .at(FrameNumber(epoch: studio.stream().epoch, sequence: 3)))
        try child.readAll()
        #expect(child.starts.map(\.continuity) == [.lost(frames: 389)])
        #expect(child.sequences == Array(392...401))
    }

    @Test("a newer publish session follows without a gap")
    func newEpoch() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 5)
        let old = studio.stream().epoch
        _ = studio.publish()
        try studio.stream().append(.video, timestamp: 0, body: Body.videoConfiguration)
        try show(studio, 0..<5)
        child.subscribe(handle, .at(FrameNumber(epoch: old, sequence: 4)))
        try child.readAll()
        #expect(child.starts.map(\.continuity) == [.exact])
        #expect(child.sequences == [4, 5, 6, 1, 2, 3, 4, 5, 6])
        #expect(Set(child.frames.map(\.header.number.epoch)).count == 2)
        // One that is through with the old session starts with the new one.
        let other = try Child(studio)
        defer { other.leave() }
        other.subscribe(handle, .at(FrameNumber(epoch: old, sequence: 7)))
        try other.readAll()
        #expect(other.sequences == Array(1...6))
        // One that has seen a newer one is not served from here.
        let future = try Child(studio)
        defer { future.leave() }
        future.subscribe(handle, .at(FrameNumber(epoch: studio.stream().epoch + 1, sequence: 1)))
        #expect(future.refusals == 1 && future.starts.isEmpty)
    }

    @Test("a stream without credit waits, and holds up no other on its connection")
    func credit() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = try begin(studio, 10)
        let poor = child.subscribe(handle, .keyframe, credit: 1_000)
        let second = StreamName(app: "live", name: "b")!
        let publisher = Publisher(
            session: "b", label: "rtmp", address: "192.0.2.3", agent: "", identity: "b", since: 0, end: { _ in })
        studio.hub.publish(second, publisher, on: studio.fanouts[0]) { _, _ in }
        let other = studio.hub.find(second)!
        for number in 0..<20 as Range<UInt32> {
            try other.stream(on: studio.fanouts[0].loop)
                .append(.video, timestamp: number, body: Body.video(number, keyframe: number == 0))
        }
        try child.readAll()
        let before = child.frames.filter { $0.header.stream == handle.number }.count
        #expect(before < 6)
        child.subscribe(other, .keyframe)
        try child.readAll()
        #expect(child.frames.filter { $0.header.stream == other.number }.count == 20)
        #expect(child.frames.filter { $0.header.stream == handle.number }.count == before)
        try poor.grant(1 << 20)
        try child.readAll()
        #expect(child.frames.filter { $0.header.stream == handle.number }.count == 11)
    }

    @Test(
        "a child that falls off finishes its frame, and goes on at a keyframe", arguments: 1...6 as ClosedRange<UInt64>)
    func fallsOff(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 300, bytes: 1 << 20)
        let studio = Studio(settings: settings)
        let child = try Child(studio, sendBuffer: 4_096)
        defer { child.leave() }
        let outlet = child.subscribe(try begin(studio, 5), .keyframe)
        var number: UInt32 = 5
        for _ in 0..<60 {
            let burst = UInt32.random(in: 1...40, using: &random)
            try show(studio, number..<(number + burst), size: Int.random(in: 100...60_000, using: &random))
            number += burst
            try child.read(limit: Int.random(in: 1...200_000, using: &random))
        }
        try child.readAll()
        #expect(outlet.skips > 0, "seed \(seed)")
        let sequences = child.sequences
        #expect(sequences == sequences.sorted() && Set(sequences).count == sequences.count)
        #expect(sequences.last == UInt64(number) + 1)
        for (before, after) in zip(child.frames, child.frames.dropFirst())
        where after.header.number.sequence > before.header.number.sequence + 1 {
            #expect(after.header.flags.contains(.keyframe), "seed \(seed)")
        }
    }

    @Test("a relayed stream keeps numbers, times and clocks, and what is relayed on is the same")
    func relayed() throws {
        let origin = Studio()
        let first = try Child(origin)
        first.subscribe(try begin(origin, 20), .keyframe)
        defer { first.leave() }
        try first.readAll()

        let relay = Studio(loops: 2)
        let publisher = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true,
            end: { _ in })
        relay.hub.publish(Studio.name, publisher, on: relay.fanouts[0]) { _, _ in }
        let second = try Child(relay, on: 1)
        defer { second.leave() }
        second.subscribe(relay.hub.find(Studio.name)!, .keyframe, on: 1)
        let screen = Screen(relay)
        defer { screen.leave() }
        for frame in first.frames { try relay.stream().append(relayed: frame.header, body: frame.body) }
        relay.stream().flushIfDue()
        relay.settle()
        try second.readAll()
        try screen.read()
        let numbered = { (child: Child) in child.frames.filter { !$0.header.flags.contains(.prologue) } }
        #expect(numbered(second).map(\.body) == numbered(first).map(\.body))
        #expect(numbered(second).map(\.header.number) == numbered(first).map(\.header.number))
        #expect(numbered(second).map(\.header.timestamp) == numbered(first).map(\.header.timestamp))
        #expect(numbered(second).map(\.header.wallClock) == numbered(first).map(\.header.wallClock))
        #expect(numbered(first).allSatisfy { $0.header.wallClock > 0 })
        #expect(screen.pictures == Array(10..<20))
    }

    @Test("a parent that repeats things under a number far ahead does no harm to those who resume")
    func numberedAhead() throws {
        let origin = Studio()
        let first = try Child(origin)
        defer { first.leave() }
        first.subscribe(try begin(origin, 20), .keyframe)
        try first.readAll()
        let relay = Studio()
        let publisher = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true,
            end: { _ in })
        relay.hub.publish(Studio.name, publisher, on: relay.fanouts[0]) { _, _ in }
        relay.settle()
        for frame in first.frames {
            var header = frame.header
            if header.flags.contains(.prologue) { header.number.sequence += 1_000 }
            try relay.stream().append(relayed: header, body: frame.body)
            relay.stream().flushIfDue()
            guard header.flags.contains(.prologue) else { continue }
            let second = try Child(relay)
            defer { second.leave() }
            let wanted = FrameNumber(epoch: header.number.epoch, sequence: 15)
            second.subscribe(relay.hub.find(Studio.name)!, .at(wanted))
            try second.readAll()
        }
        let last = try Child(relay)
        defer { last.leave() }
        last.subscribe(
            relay.hub.find(Studio.name)!, .at(FrameNumber(epoch: relay.stream().epoch, sequence: 15)))
        try last.readAll()
        #expect(last.starts.map(\.continuity) == [.exact])
        #expect(last.sequences == Array(15...21))
    }

    @Test("a session that enters elsewhere follows on for viewers, and keeps its own times for other nodes")
    func ownTimes() throws {
        let relay = Studio()
        let publisher = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true,
            end: { _ in })
        relay.hub.publish(Studio.name, publisher, on: relay.fanouts[0]) { _, _ in }
        let stream = relay.stream()
        let child = try Child(relay)
        defer { child.leave() }
        let screen = Screen(relay)
        defer { screen.leave() }
        func show(epoch: UInt64, from start: UInt32) throws {
            for number in 0..<20 as Range<UInt32> {
                let header = RelayFrame.Header(
                    stream: 9, number: FrameNumber(epoch: epoch, sequence: UInt64(number) + 1), kind: .video,
                    timestamp: start + number * 40, wallClock: 1)
                try stream.append(relayed: header, body: Body.video(number, keyframe: number == 0))
            }
            stream.flushIfDue()
            relay.settle()
        }
        try show(epoch: 5, from: 900_000)
        child.subscribe(relay.hub.find(Studio.name)!, .keyframe)
        try show(epoch: 6, from: 0)
        try child.readAll()
        try screen.read()
        let expected = (0..<20).map { 900_000 + $0 * 40 } + (0..<20).map { $0 * 40 }
        #expect(child.frames.map { Int($0.header.timestamp) } == expected)
        let times = screen.frames.map(\.timestamp)
        #expect(times.count == 40 && times == times.sorted())
        // One that reads only now is told the same.
        let late = try Child(relay)
        defer { late.leave() }
        late.subscribe(relay.hub.find(Studio.name)!, .at(FrameNumber(epoch: 5, sequence: 1)))
        try late.readAll()
        #expect(late.frames.map { Int($0.header.timestamp) } == expected)
    }

    @Test("whoever publishes here goes before an upstream; an upstream goes before nobody")
    func precedence() throws {
        let studio = Studio()
        let ended = Lock<[PublishEnd]>([])
        let upstream = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true
        ) { reason in ended.with { $0.append(reason) } }
        studio.hub.publish(Studio.name, upstream, on: studio.fanouts[0]) { _, _ in }
        let local = studio.publish(address: "192.0.2.50")
        #expect(local.answer == .granted)
        #expect(ended.with { $0 } == [.replaced(by: local.session)])
        let refused = Lock(false)
        studio.hub.publish(Studio.name, upstream, on: studio.fanouts[0]) { _, result in
            if case .failure = result { refused.with { $0 = true } }
        }
        #expect(refused.with { $0 })
        #expect(local.ended.with { $0 }.isEmpty)
    }
}

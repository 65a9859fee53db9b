import Fixtures
import Glibc
import HLS
import Testing

@Suite("Windows over long streams", .timeLimit(.minutes(5))) struct WindowPropertyTests {
    private struct Run {
        var form: PlaylistSettings.Form
        var interval: Int64
        var keyframeEvery: Int?
        var setting: Int64 = 2_000
        var window: Int64 = 0
    }

    private static let runs: [Run] = [
        Run(form: .transportStream, interval: 40_000, keyframeEvery: 50),
        Run(form: .transportStream, interval: 33_367, keyframeEvery: nil),
        Run(form: .fragmentedMP4, interval: 41_708, keyframeEvery: nil, setting: 4_000),
        Run(form: .fragmentedMP4, interval: 0, keyframeEvery: nil),
        Run(form: .lowLatency, interval: 40_000, keyframeEvery: 25, setting: 1_000),
        Run(form: .lowLatency, interval: 33_367, keyframeEvery: 30, setting: 1_000, window: 30_000_000),
        Run(form: .lowLatency, interval: 33_367, keyframeEvery: nil, setting: 2_000, window: 90_000_000),
        Run(form: .lowLatency, interval: 16_683, keyframeEvery: nil, setting: 1_500),
        Run(form: .lowLatency, interval: 0, keyframeEvery: nil, setting: 1_000, window: 20_000_000),
        Run(form: .lowLatency, interval: 83_417, keyframeEvery: 24, setting: 2_000),
    ]

    /// Streams of each kind: one for a daily test, more with `SLUICE_PROPERTY_SEEDS`.
    private static let seeds: UInt64 = getenv("SLUICE_PROPERTY_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 1

    /// Every playlist is checked alone and against the one before it; every delta against the whole; a second node
    /// that joined later against the first.
    @Test("every reload keeps the rules of RFC 8216bis", arguments: 0..<10)
    func rules(index: Int) throws {
        let run = Self.runs[index]
        for seed in 1...max(1, Self.seeds) {
            try drive(run, seed: seed &* 1_000 &+ UInt64(index))
        }
    }

    private func drive(_ run: Run, seed: UInt64) throws {
        var stream = SimulatedStream(
            seed: seed, setting: run.setting, interval: run.interval, keyframeEvery: run.keyframeEvery)
        var settings = PlaylistSettings(form: run.form)
        settings.window = run.window
        settings.partTarget = PartCutter.target(near: 200_000, frameInterval: stream.frameInterval)
        var nodes = (0..<2).map { _ in SimulatedNode(settings: settings, hasVideo: run.interval > 0) }
        var checkers = [PlaylistChecker(), PlaylistChecker()]
        var older: [ParsedPlaylist] = []
        var compared = 0
        var deltas = 0
        var changes = [0, 0]
        for session in 0..<5 {
            if session > 0 {
                // The fourth session is one of a server that knows nothing of those before it.
                stream.begin(knows: session != 3)
                for index in checkers.indices {
                    checkers[index].mayGrow = true
                    checkers[index].mayJump = session == 3
                }
                nodes[0].initialisation = UInt64(session + 1) / 2
                nodes[1].initialisation = UInt64(session + 1) / 2
            }
            let length = Int.random(in: 500...1_200, using: &stream.generator)
            let joins = session == 0 ? Int.random(in: 100...500, using: &stream.generator) : 0
            for count in 0..<length {
                let frame = stream.next()
                for index in nodes.indices where index == 0 || count >= joins {
                    let changed = nodes[index].receive(frame, isSessionStart: count == 0)
                    guard changed else { continue }
                    changes[index] += 1
                    // The second node is there to be compared: some of its reloads are enough.
                    let isChecked = index == 0 || run.form != .lowLatency || changes[1] % 4 == 0
                    guard isChecked, let bytes = nodes[index].playlist.render() else { continue }
                    // A session's target is told with its second segment.
                    if checkers[index].mayGrow && frame.number.target == 0 { checkers[index].mayGrow = true }
                    let grows = checkers[index].mayGrow
                    checkers[index].check(bytes)
                    if frame.number.target == 0 { checkers[index].mayGrow = grows }
                    guard index == 0, let full = checkers[0].last else { continue }
                    deltas += try checkDelta(nodes[0].playlist, full, older, seed: seed)
                    if !older.isEmpty, older[0].sequence > full.sequence { older = [] }
                    older = (older + [full]).suffix(10)
                }
                compared += try compare(nodes[0].playlist, nodes[1].playlist, when: count % 100 == 99, seed: seed)
            }
        }
        for index in nodes.indices {
            nodes[index].playlist.end(now: stream.now)
            checkers[index].check(try #require(nodes[index].playlist.render()))
            #expect(checkers[index].complaints.isEmpty, "seed \(seed): \(checkers[index].complaints.prefix(4))")
            #expect(checkers[index].reloads > 5, "seed \(seed)")
        }
        #expect(compared > 10, "seed \(seed)")
        if run.window > 0, run.setting == 1_000 { #expect(deltas > 5, "seed \(seed)") }
    }

    private func checkDelta(
        _ playlist: MediaPlaylist, _ full: ParsedPlaylist, _ older: [ParsedPlaylist], seed: UInt64
    ) throws -> Int {
        guard let old = older.last(where: { $0.sequence + UInt64($0.entries.count) >= full.sequence }),
            let bytes = playlist.render(skip: .segments)
        else { return 0 }
        let delta = try ParsedPlaylist(bytes)
        guard delta.skipped > 0 else { return 0 }
        #expect(delta.version == 9)
        let merged = try #require(PlaylistChecker.merge(delta, into: old), "seed \(seed): the client lacks segments")
        #expect(merged.entries == full.entries, "seed \(seed)")
        #expect(merged.open == full.open && merged.hint == full.hint && merged.target == full.target, "seed \(seed)")
        return 1
    }

    private func compare(_ one: MediaPlaylist, _ other: MediaPlaylist, when: Bool, seed: UInt64) throws -> Int {
        guard when, let one = one.render(), let other = other.render() else { return 0 }
        let first = try ParsedPlaylist(one)
        let second = try ParsedPlaylist(other)
        var count = 0
        for entry in first.entries {
            guard let same = second.entries.first(where: { $0.number == entry.number }) else { continue }
            #expect(entry == same, "seed \(seed)")
            count += 1
        }
        return count
    }
}

import Media
import Testing

@testable import RelayProtocol

struct FrameMergeTests {
    private let patience: UInt64 = 100

    private func drained(_ merge: inout FrameMerge, now: UInt64 = 0) -> [UInt64] {
        var out: [UInt64] = []
        while let (frame, verdict) = merge.next(now: now) {
            if case .accept = verdict { out.append(frame.header.number.sequence) }
        }
        return out
    }

    private func pair() -> FrameMerge {
        var merge = FrameMerge(gate: FrameGate(next: FrameNumber(epoch: 7, sequence: 1)), patience: patience)
        for source in 1...2 { merge.attach(source, at: FrameNumber(epoch: 7, sequence: 1)) }
        return merge
    }

    @Test("frames wait behind a gap until the other parent fills it")
    func fills() {
        var merge = pair()
        #expect(merge.offer(frame(2), from: 1, now: 0) == .hold)
        #expect(merge.offer(frame(3), from: 1, now: 0) == .hold)
        #expect(drained(&merge).isEmpty && merge.heldCount == 2)
        #expect(merge.offer(frame(1), from: 2, now: 0) == .hold)
        #expect(drained(&merge) == [1, 2, 3] && !merge.isHolding)
        #expect(merge.gate.counters.lost == 0)
    }

    @Test("a frame that one parent brought and the other dropped is not lost, whoever is ahead")
    func bothLossy() {
        var merge = pair()
        #expect(merge.offer(frame(4), from: 1, now: 0) == .hold)
        // Parent 2 has dropped 1 to 4: what it skips is settled, and the 4 that is held comes first.
        #expect(merge.offer(frame(5), from: 2, now: 0) == .hold)
        #expect(drained(&merge) == [4, 5])
        #expect(merge.gate.counters.lost == 3)
    }

    @Test("no frame waits longer than the patience")
    func patienceEnds() {
        var merge = pair()
        #expect(merge.deadline == nil)
        _ = merge.offer(frame(5), from: 1, now: 1000)
        _ = merge.offer(frame(3), from: 1, now: 1050)
        #expect(merge.deadline == 1100)
        #expect(drained(&merge, now: 1099) == [])
        #expect(drained(&merge, now: 1100) == [3, 5])
        #expect(merge.gate.counters.lost == 3)
    }

    @Test("a parent that goes is not waited for")
    func detach() {
        var merge = pair()
        _ = merge.offer(frame(3), from: 1, now: 0)
        merge.detach(2)
        #expect(drained(&merge) == [3])
    }

    @Test("what is held is bounded in number and in bytes")
    func bounds() {
        var merge = pair()
        for sequence in 2...UInt64(RelayLimits.heldFrames + 1) { _ = merge.offer(frame(sequence), from: 1, now: 0) }
        #expect(drained(&merge).isEmpty && merge.heldCount == RelayLimits.heldFrames)
        _ = merge.offer(frame(UInt64(RelayLimits.heldFrames + 2)), from: 1, now: 0)
        #expect(drained(&merge).count == RelayLimits.heldFrames + 1)
        #expect(merge.gate.counters.lost == 1)

        merge = pair()
        let large = [UInt8](repeating: 0, count: 5 << 20)
        _ = merge.offer(frame(2, body: large), from: 1, now: 0)
        #expect(drained(&merge).isEmpty)
        _ = merge.offer(frame(3, body: large), from: 1, now: 0)
        #expect(drained(&merge) == [2, 3])
    }

    @Test("a prologue waits before its frame")
    func prologue() {
        var merge = pair()
        _ = merge.offer(frame(3), from: 1, now: 0)
        _ = merge.offer(frame(3, flags: .prologue), from: 1, now: 0)
        merge.detach(2)
        #expect(merge.next(now: 0)?.verdict == .prologue)
        #expect(merge.next(now: 0)?.verdict == .accept(lost: 2))
        #expect(merge.next(now: 0) == nil)
    }

    @Test("two parents with delays, drops and restarts: each frame once, in order, lost only what none delivered")
    func property() {
        for seed in 1...300 as ClosedRange<UInt64> { HotHot(seed: seed).run() }
    }
}

/// One stream over two parents. Each has its own delay and drops frames of its own; each may die and resume.
private struct HotHot {
    let seed: UInt64
    var random: Random
    var merge: FrameMerge
    /// What each parent will yet bring, in order.
    var lines: [[FrameNumber]] = [[], []]
    var isUp = [true, true]
    var delivered: Set<FrameNumber> = []
    var out: [FrameNumber] = []
    var undecodable: Set<FrameNumber> = []
    let hasVideo: Bool
    /// The last number of each epoch.
    var ends: [UInt64: UInt64] = [:]

    init(seed: UInt64) {
        self.seed = seed
        random = Random(seed: seed)
        hasVideo = random.chance(50)
        let first = FrameNumber(epoch: 1, sequence: 1)
        // Patience without end: only then is a loss exactly what no parent delivers, however late.
        merge = FrameMerge(gate: FrameGate(next: first), patience: 1 << 60)
        for source in 0...1 { merge.attach(source, at: first) }
        let percent = random.below(30)
        for epoch in 1...UInt64(1 + random.below(3)) {
            let count = UInt64(20 + random.below(150))
            ends[epoch] = count
            for sequence in 1...count {
                for line in 0...1 where !random.chance(percent) {
                    lines[line].append(FrameNumber(epoch: epoch, sequence: sequence))
                }
            }
        }
    }

    private func header(_ number: FrameNumber) -> RelayFrame {
        guard hasVideo && number.sequence % 3 == 0 else { return frame(number.sequence, epoch: number.epoch) }
        let flags: RelayFrame.Flags = number.sequence % 15 == 0 ? .keyframe : []
        return frame(number.sequence, epoch: number.epoch, kind: .video, flags: flags)
    }

    mutating func take(_ frame: RelayFrame, _ verdict: FrameGate.Verdict) {
        switch verdict {
        case .accept: out.append(frame.header.number)
        case .undecodable: undecodable.insert(frame.header.number)
        default: break
        }
    }

    mutating func drain() {
        while let (frame, verdict) = merge.next(now: 0) { take(frame, verdict) }
    }

    mutating func deliver(_ line: Int) {
        let number = lines[line].removeFirst()
        let frame = header(number)
        delivered.insert(number)
        if merge.refuse(frame.header, from: line) == nil { take(frame, merge.offer(frame, from: line, now: 0)) }
        drain()
    }

    /// The parent dies; the bytes on their way are gone. The child asks it again for what it needs next.
    mutating func restart(_ line: Int) {
        merge.detach(line)
        drain()
        lines[line].removeFirst(min(lines[line].count, random.below(6)))
        isUp[line] = false
    }

    mutating func resume(_ line: Int) {
        if let next = merge.gate.next { lines[line].removeAll { $0 < next } }
        guard let first = lines[line].first else { return }
        merge.attach(line, at: first)
        isUp[line] = true
    }

    func run() {
        var world = self
        world.play()
        world.check()
    }

    mutating func play() {
        while !lines[0].isEmpty || !lines[1].isEmpty {
            let line = random.below(2)
            if !isUp[line] {
                if random.chance(10) || lines[1 - line].isEmpty { resume(line) }
                if !isUp[line] && lines[line].isEmpty && lines[1 - line].isEmpty { break }
                continue
            }
            guard !lines[line].isEmpty else { continue }
            if random.chance(2) {
                restart(line)
            } else {
                for _ in 0...random.below(12) where !lines[line].isEmpty { deliver(line) }
            }
        }
        for source in 0...1 { merge.detach(source) }
        drain()
    }

    func check() {
        #expect(!merge.isHolding, "seed \(seed)")
        #expect(zip(out, out.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed): not ascending")
        #expect(Set(out).isSubset(of: delivered), "seed \(seed)")
        let counters = merge.gate.counters
        #expect(UInt64(out.count) == counters.accepted, "seed \(seed)")
        #expect(hasVideo || undecodable.isEmpty, "seed \(seed)")
        checkLosses(counters)
    }

    /// Of every epoch, up to the last frame that came of it before the next began, what did not come out was not
    /// delivered. The tail of an epoch is cut by the newer one, and is no gap.
    private func checkLosses(_ counters: FrameGate.Counters) {
        let passed = Set(out).union(undecodable)
        var lost: UInt64 = 0
        for (epoch, end) in ends {
            let last = passed.lazy.filter { $0.epoch == epoch }.map(\.sequence).max() ?? 0
            for sequence in 1...end {
                let number = FrameNumber(epoch: epoch, sequence: sequence)
                guard sequence <= last, !passed.contains(number) else { continue }
                lost += 1
                #expect(!delivered.contains(number), "seed \(seed): \(number) was delivered and did not come out")
            }
        }
        #expect(lost == counters.lost, "seed \(seed)")
    }
}

import Media
import Testing

@testable import RelayProtocol

struct PassingTests {
    /// Two merges that are offered the same; one of them is asked first whether the frame passes.
    private struct Twins {
        var asked = FrameMerge(patience: 5)
        var other = FrameMerge(patience: 5)
        var passed = 0

        mutating func both(_ change: (inout FrameMerge) -> Void) {
            change(&asked)
            change(&other)
        }

        mutating func offer(_ frame: RelayFrame, from source: Int, now: UInt64) -> Bool {
            let verdict = other.offer(frame, from: source, now: now)
            if asked.passes(frame.header.number, frame.header.flags, from: source) {
                passed += 1
                return verdict == .accept(lost: 0)
            }
            return asked.offer(frame, from: source, now: now) == verdict
        }

        mutating func drain(now: UInt64) -> Bool {
            while true {
                let (one, two) = (asked.next(now: now), other.next(now: now))
                guard one?.frame == two?.frame, one?.verdict == two?.verdict else { return false }
                if one == nil { return true }
            }
        }

        var areAlike: Bool {
            asked.gate.counters == other.gate.counters && asked.gate.next == other.gate.next
                && asked.gate.awaitsKeyframe == other.gate.awaitsKeyframe && asked.heldCount == other.heldCount
        }
    }

    /// Runs two merges through the same hundreds of frames; how many of these passed, and the first that was not treated
    /// alike.
    private func compare(seed: UInt64) -> (passed: Int, different: FrameNumber?) {
        var random = Random(seed: seed)
        var twins = Twins()
        var now: UInt64 = 0
        for _ in 0..<300 {
            let next = twins.asked.gate.next ?? FrameNumber(epoch: 3, sequence: 10)
            let number = FrameNumber(
                epoch: max(1, next.epoch + (random.chance(3) ? 1 : 0) - (random.chance(3) ? 1 : 0)),
                sequence: max(2, next.sequence) + (random.chance(70) ? 0 : UInt64(random.below(4))) - 1
                    + (random.chance(80) ? 1 : 0))
            let source = random.below(3)
            now += UInt64(random.below(2))
            if random.chance(4) { twins.both { $0.attach(source, at: next) } }
            if random.chance(2) { twins.both { $0.detach(source) } }
            let flags = RelayFrame.Flags(rawValue: random.chance(60) ? 0 : UInt8(random.below(8)))
            let kind: MediaKind = random.chance(50) ? .video : .audio
            let offered = frame(number.sequence, epoch: number.epoch, kind: kind, flags: flags)
            guard twins.offer(offered, from: source, now: now), twins.drain(now: now), twins.areAlike else {
                return (twins.passed, number)
            }
        }
        return (twins.passed, nil)
    }

    @Test("a frame that passes is one that is accepted with nothing lost, and what follows is the same")
    func agrees() {
        var passed = 0
        for seed in 1...100 as ClosedRange<UInt64> {
            let result = compare(seed: seed)
            #expect(result.different == nil, "seed \(seed)")
            passed += result.passed
        }
        #expect(passed > 1_000)
    }
}

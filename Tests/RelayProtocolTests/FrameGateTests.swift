import Media
import Testing

@testable import RelayProtocol

struct FrameGateTests {
    private func opened(at sequence: UInt64 = 10) -> FrameGate {
        FrameGate(next: FrameNumber(epoch: 7, sequence: sequence))
    }

    private func offer(
        _ gate: inout FrameGate, _ sequence: UInt64, epoch: UInt64 = 7, kind: MediaKind = .audio,
        _ flags: RelayFrame.Flags = [], from source: Int = 1
    ) -> FrameGate.Verdict {
        gate.offer(frame(sequence, epoch: epoch, kind: kind, flags: flags).header, from: source)
    }

    @Test("a child that changes parents asks for its next frame, and loses and doubles nothing")
    func failover() {
        var gate = FrameGate()
        #expect(gate.resumePoint == .keyframe)
        #expect(offer(&gate, 41, kind: .video, .keyframe) == .accept(lost: 0))
        #expect(offer(&gate, 42) == .accept(lost: 0))
        gate.detach(1)
        #expect(gate.resumePoint == .at(FrameNumber(epoch: 7, sequence: 43)))
        gate.attach(2, at: FrameNumber(epoch: 7, sequence: 43))
        #expect(offer(&gate, 43, kind: .video, from: 2) == .accept(lost: 0))
        #expect(gate.counters == .init(accepted: 3, epochs: 1))
    }

    @Test("duplicates are dropped and counted, by their header alone where that is asked")
    func duplicates() {
        var gate = opened()
        #expect(offer(&gate, 9) == .duplicate)
        #expect(gate.refuse(frame(8).header, from: 1) == .duplicate)
        #expect(gate.refuse(frame(10).header, from: 1) == nil)
        #expect(offer(&gate, 10) == .accept(lost: 0))
        #expect(gate.counters.duplicates == 2 && gate.counters.accepted == 1)
    }

    @Test("after a gap the loss is counted, and video waits for a keyframe while the rest goes on")
    func gap() {
        var gate = opened()
        #expect(offer(&gate, 15, kind: .video) == .undecodable)
        #expect(offer(&gate, 16) == .accept(lost: 0))
        #expect(offer(&gate, 17, kind: .script) == .accept(lost: 0))
        #expect(offer(&gate, 18, kind: .video, .configuration) == .accept(lost: 0))
        #expect(offer(&gate, 19, kind: .video) == .undecodable)
        #expect(offer(&gate, 20, kind: .video, .keyframe) == .accept(lost: 0))
        #expect(offer(&gate, 21, kind: .video) == .accept(lost: 0))
        #expect(offer(&gate, 25, kind: .video, .keyframe) == .accept(lost: 3))
        #expect(gate.counters == .init(accepted: 6, lost: 8, gaps: 2, undecodable: 2))
    }

    @Test("a first join starts anywhere, without a loss, and video with a keyframe")
    func join() {
        var gate = FrameGate()
        #expect(offer(&gate, 500, .prologue) == .prologue)
        #expect(offer(&gate, 500, kind: .video) == .undecodable)
        #expect(offer(&gate, 501) == .accept(lost: 0))
        #expect(gate.counters.lost == 0)
    }

    @Test("a newer epoch begins, and shuts the older out")
    func epochs() {
        var gate = opened()
        #expect(offer(&gate, 10) == .accept(lost: 0))
        #expect(offer(&gate, 1, epoch: 8) == .accept(lost: 0))
        #expect(offer(&gate, 11) == .fenced)
        #expect(gate.refuse(frame(12).header, from: 1) == .fenced)
        #expect(offer(&gate, 2, epoch: 8, kind: .video) == .undecodable)
        #expect(offer(&gate, 5, epoch: 9, kind: .video, .keyframe) == .accept(lost: 4))
        #expect(gate.resumePoint == .at(FrameNumber(epoch: 9, sequence: 6)))
        #expect(gate.counters == .init(accepted: 3, lost: 4, gaps: 1, undecodable: 1, fenced: 2, epochs: 2))
    }

    @Test("a prologue is told apart, and passes only where the frame it belongs to would")
    func prologue() {
        var gate = opened()
        #expect(offer(&gate, 9, .prologue) == .duplicate)
        #expect(offer(&gate, 10, .prologue) == .prologue)
        #expect(offer(&gate, 10, .prologue) == .prologue)
        #expect(offer(&gate, 10) == .accept(lost: 0))
        #expect(offer(&gate, 90, epoch: 6, .prologue) == .fenced)
        #expect(offer(&gate, 3, epoch: 8, .prologue) == .prologue)
        #expect(offer(&gate, 11) == .fenced)
        #expect(gate.counters.duplicates == 0)
    }

    @Test("of two parents the one ahead waits for what the other may still bring, and for no more")
    func twoParents() {
        var gate = opened()
        gate.attach(1, at: FrameNumber(epoch: 7, sequence: 10))
        gate.attach(2, at: FrameNumber(epoch: 7, sequence: 10))
        #expect(offer(&gate, 12, from: 1) == .hold)
        #expect(offer(&gate, 10, from: 2) == .accept(lost: 0))
        #expect(offer(&gate, 12, from: 1) == .hold)
        #expect(offer(&gate, 11, from: 2) == .accept(lost: 0))
        #expect(offer(&gate, 12, from: 1) == .accept(lost: 0))
        #expect(offer(&gate, 14, from: 1) == .hold)
        gate.detach(2)
        #expect(offer(&gate, 14, from: 1) == .accept(lost: 1))
        gate.attach(2, at: FrameNumber(epoch: 7, sequence: 30))
        #expect(offer(&gate, 20, from: 1) == .accept(lost: 5))
        #expect(gate.sourceCount == 2)
    }

    @Test("a sum of losses that a liar makes up stops at the largest number")
    func liar() {
        var gate = opened(at: 1)
        for epoch in 8..<20 as Range<UInt64> { _ = offer(&gate, RelayLimits.highestNumber, epoch: epoch) }
        #expect(gate.counters.lost == .max)
    }
}

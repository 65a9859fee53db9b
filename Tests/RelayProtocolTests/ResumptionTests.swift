import Testing

@testable import RelayProtocol

struct ResumptionTests {
    private func number(_ epoch: UInt64, _ sequence: UInt64) -> FrameNumber {
        FrameNumber(epoch: epoch, sequence: sequence)
    }

    private var holding: Resumption.Holding {
        Resumption.Holding(oldest: number(7, 100), next: number(7, 200), keyframe: number(7, 180))
    }

    @Test("a child resumes exactly at what the log still holds, at its head, and ahead of it")
    func exact() {
        for sequence in [100, 150, 200, 250] as [UInt64] {
            let resumption = Resumption(.at(number(7, sequence)), in: holding)
            #expect(resumption == Resumption(first: number(7, sequence), continuity: .exact, needsPrologue: false))
        }
    }

    @Test("a child that wants what is gone continues at the newest keyframe, and the frames between are counted")
    func lost() {
        let resumption = Resumption(.at(number(7, 99)), in: holding)
        #expect(resumption == Resumption(first: number(7, 180), continuity: .lost(frames: 81), needsPrologue: true))
        let older = Resumption(.at(number(6, 5000)), in: holding)
        #expect(older == Resumption(first: number(7, 180), continuity: .lost(frames: 0), needsPrologue: true))
        let audio = Resumption.Holding(oldest: number(7, 100), next: number(7, 200), keyframe: nil)
        #expect(Resumption(.at(number(7, 90)), in: audio)?.first == number(7, 200))
    }

    @Test("a log that still holds the end of the epoch before is left at no frame's loss")
    func acrossEpochs() {
        let both = Resumption.Holding(oldest: number(6, 40), next: number(7, 20), keyframe: number(7, 2))
        #expect(Resumption(.at(number(6, 60)), in: both)?.continuity == .exact)
    }

    @Test("a child of an epoch that is gone gets the newer one from its start, where that is still here")
    func newerFromItsStart() {
        let newer = Resumption.Holding(oldest: number(7, 1), next: number(7, 90), keyframe: number(7, 80))
        #expect(
            Resumption(.at(number(6, 60)), in: newer)
                == Resumption(first: number(7, 1), continuity: .lost(frames: 0), needsPrologue: false))
        #expect(Resumption(.at(number(6, 60)), in: holding)?.first == number(7, 180))
    }

    @Test("a child that has seen a newer epoch is not served an older one")
    func fenced() {
        #expect(Resumption(.at(number(8, 1)), in: holding) == nil)
    }

    @Test("a new child starts at the newest keyframe, or live, behind a prologue")
    func fresh() {
        #expect(
            Resumption(.keyframe, in: holding)
                == Resumption(first: number(7, 180), continuity: .fresh, needsPrologue: true))
        #expect(
            Resumption(.live, in: holding)
                == Resumption(first: number(7, 200), continuity: .fresh, needsPrologue: true))
    }
}

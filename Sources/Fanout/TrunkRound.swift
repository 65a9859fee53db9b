/// The trunks of one loop that have something to write. They do at the end of the loop's turn, so that the frames of
/// streams that came together leave together; and before any viewer is written to, so that no hop adds the time that a
/// node's own audience takes.
///
/// A trunk is on the list once, however many of its streams grew.
import EventLoop

final class TrunkRound {
    /// The newest; each knows the one before it (`RelayTrunk.inRoundBefore`). They are held by hand, each once.
    private var waiting: Unmanaged<RelayTrunk>?
    private let loop: Loop
    private var turnEnd: TurnEnd?

    init(on loop: Loop) { self.loop = loop }

    deinit {
        // Before the loop, which may go with this round.
        turnEnd = nil
        while next() != nil {}
    }

    func add(_ trunk: RelayTrunk) {
        guard !trunk.isInRound else { return }
        trunk.isInRound = true
        if waiting == nil { awaitTurnEnd() }
        trunk.inRoundBefore = waiting
        waiting = .passRetained(trunk)
    }

    private func next() -> RelayTrunk? {
        guard let trunk = waiting?.takeRetainedValue() else { return nil }
        waiting = trunk.inRoundBefore
        trunk.inRoundBefore = nil
        trunk.isInRound = false
        return trunk
    }

    private func awaitTurnEnd() {
        if turnEnd == nil {
            // Sound: it goes with the round.
            let round = Unmanaged.passUnretained(self)
            turnEnd = TurnEnd(on: loop) { round._withUnsafeGuaranteedRef { $0.run() } }
        }
        turnEnd?.arm()
    }

    /// Writes what waits.
    func run() {
        while let trunk = next() { trunk.pump() }
    }
}

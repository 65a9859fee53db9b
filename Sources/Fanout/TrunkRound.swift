/// The trunks of one loop that have something to write. They do at the end of the loop's turn, so that the frames of
/// streams that came together leave together; and before any viewer is written to, so that no hop adds the time that a
/// node's own audience takes.
///
/// A trunk is on the list once, however many of its streams grew.
import EventLoop

final class TrunkRound {
    /// The newest; each knows the one before it (`RelayTrunk.inRoundBefore`).
    private var waiting: RelayTrunk?
    private let loop: Loop
    private var turnEnd: TurnEnd?

    init(on loop: Loop) { self.loop = loop }

    // Before the loop, which may go with this round.
    deinit { turnEnd = nil }

    func add(_ trunk: RelayTrunk) {
        guard !trunk.isInRound else { return }
        trunk.isInRound = true
        if waiting == nil { awaitTurnEnd() }
        trunk.inRoundBefore = waiting
        waiting = trunk
    }

    private func awaitTurnEnd() {
        if turnEnd == nil { turnEnd = TurnEnd(on: loop) { [unowned self] in run() } }
        turnEnd?.arm()
    }

    /// Writes what waits.
    func run() {
        while let trunk = waiting {
            waiting = trunk.inRoundBefore
            trunk.inRoundBefore = nil
            trunk.isInRound = false
            trunk.pump()
        }
    }
}

/// The trunks of one loop that have something to write. They do at the end of the loop's turn, so that the frames of
/// streams that came together leave together; and before any viewer is written to, so that no hop adds the time that a
/// node's own audience takes.
///
/// A trunk is on the list once, however many of its streams grew.
import EventLoop

final class TrunkRound {
    private var waiting: [RelayTrunk] = []
    private let loop: Loop
    private var turnEnd: Timer?

    init(on loop: Loop) { self.loop = loop }

    // Before the loop, which may go with this round.
    deinit { turnEnd = nil }

    func add(_ trunk: RelayTrunk) {
        guard !trunk.isInRound else { return }
        trunk.isInRound = true
        if waiting.isEmpty { arm() }
        waiting.append(trunk)
    }

    /// A timer that is due at once fires when the sockets that were ready have been seen to, before the loop waits.
    private func arm() {
        if turnEnd == nil { turnEnd = Timer(on: loop) { [unowned self] in run() } }
        turnEnd?.arm(after: 0)
    }

    /// Writes what waits.
    func run() {
        while let trunk = waiting.popLast() {
            trunk.isInRound = false
            trunk.pump()
        }
    }
}

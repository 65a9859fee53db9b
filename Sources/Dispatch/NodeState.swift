/// One node as the dispatcher sees it now: what it may be used for, whether it lives, how full it is.
struct NodeState: Sendable {
    let idc: Int
    let roles: Roles
    var condition = Condition.up
    var out: Fill
    var `in`: Fill
    var sessions: Fill
    let cpuMark: Mark
    var cpu = 0.0

    enum Condition: UInt8, Sendable {
        case up
        /// Serves what it has and is given nothing more.
        case draining
        case down
    }

    init(_ node: Topology.Node, idc: Int) {
        self.idc = idc
        roles = node.roles
        out = Fill(node.capacity.out, scale: kilobitsPerMegabit)
        `in` = Fill(node.capacity.in, scale: kilobitsPerMegabit)
        sessions = Fill(node.capacity.sessions, scale: 1)
        cpuMark = node.capacity.cpu
    }

    var isUp: Bool { condition == .up }

    /// Whether ordinary paths may lead through it.
    var isOrdinaryRelay: Bool { condition == .up && roles.contains(.relay) && !roles.contains(.reserve) }

    private var cpuPosition: Double {
        guard cpu > cpuMark.soft else { return cpu / cpuMark.soft }
        return cpu >= cpuMark.hard ? 2 : 1 + (cpu - cpuMark.soft) / (cpuMark.hard - cpuMark.soft)
    }

    /// The fullest of what counts for sending `rate` to one more child.
    func sendingPosition(_ rate: Int) -> Double {
        max(out.position(adding: rate), sessions.position(adding: 1), cpuPosition)
    }

    /// The fullest of all, for a relay that would receive `rate` and send it on once.
    func relayingPosition(_ rate: Int) -> Double {
        max(sendingPosition(rate), `in`.position(adding: rate))
    }

    /// What is short, if one more of `rank` would pass what it may use of a hard mark.
    func shortage(out extraOut: Int, in extraIn: Int, sessions extra: Int, rank: Rank, _ reserves: Reserves)
        -> Shortage?
    {
        let share = reserves.share(keptFrom: rank)
        if cpu >= cpuMark.hard * (1 - share) { return .cpu }
        // Publishers send nothing, so nothing of the output is kept for them.
        let outShare = max(0, share - reserves.publishers)
        if extraOut > 0, !out.fits(extraOut, keeping: outShare) { return .out }
        if extraIn > 0, !`in`.fits(extraIn, keeping: share) { return .in }
        if extra > 0, !sessions.fits(extra, keeping: share) { return .sessions }
        return nil
    }

    typealias Reserves = DispatchSettings.Reserves
}

/// What ran out.
public enum Shortage: UInt8, Hashable, Sendable {
    case out, `in`, sessions, cpu, link, hops
}

let kilobitsPerMegabit = 1_000.0

extension DispatchSettings.Reserves {
    func share(keptFrom rank: Rank) -> Double {
        switch rank {
        case .publisher: 0
        case .relay: publishers
        case .viewer: publishers + relays
        }
    }
}

/// Why a decision came out as it did: cases and numbers, cheap to make for every decision; text only when asked for.
public struct Why: Hashable, Sendable {
    public var trigger: Trigger
    public var choice: Choice
    public var cost: Cost
    /// What the next best would have cost; infinite when there was none.
    public var runnerUp: Double
    /// Ways that were weighed.
    public var considered: Int

    public init(
        _ trigger: Trigger, _ choice: Choice, cost: Cost = .zero, runnerUp: Double = .infinity, considered: Int = 1
    ) {
        self.trigger = trigger
        self.choice = choice
        self.cost = cost
        self.runnerUp = runnerUp
        self.considered = considered
    }

    /// What asked for the decision.
    public enum Trigger: Hashable, Sendable {
        case asked
        case published
        case nodeDied(NodeIndex)
        case nodeDrained(NodeIndex)
        case linkDied(from: IDCIndex, to: IDCIndex)
        /// The publisher that is followed is another one now.
        case sourceMoved(to: NodeIndex)
        /// A place that could not be served before is tried again.
        case retried
        /// A better place was found: what the old one cost.
        case improved(from: Double)
        case reported
    }

    /// What spoke for the answer.
    public enum Choice: Hashable, Sendable {
        /// The stream is published here.
        case source
        /// The node carries the stream already.
        case carriesAlready
        /// A node of the same IDC carries the stream: no second copy enters the IDC.
        case inside(NodeIndex)
        /// The cheapest way starts at a node that carries the stream, not at the source.
        case branch(at: NodeIndex, relays: Int)
        /// The cheapest way starts at the source.
        case fromSource(relays: Int)
        /// Every candidate path was out; this one uses what is kept in reserve.
        case lastResort(relays: Int)
        /// No branch was within the hop limit, so others were moved nearer to the source as well.
        case regrafted(moved: Int)
        /// A node does so by its own report, and it works.
        case worksAlready
        /// For admission: the best of those with room.
        case bestEntry, bestEdge
        /// For admission: where the client came is good enough.
        case goodEnough
    }

    public func describe(in topology: Topology) -> String {
        var text = "\(trigger.describe(in: topology)): \(choice.describe(in: topology))"
        if cost != .zero {
            text += "; cost \(tenths(cost.total)) (delay \(tenths(cost.delay)), price \(tenths(cost.price)),"
            text += " load \(tenths(cost.load)))"
        }
        if runnerUp.isFinite { text += "; the next best would cost \(tenths(runnerUp))" }
        if considered > 1 { text += "; \(considered) ways weighed" }
        return text
    }
}

extension Why.Trigger {
    func describe(in topology: Topology) -> String {
        switch self {
        case .asked: "asked"
        case .published: "published"
        case .nodeDied(let node): "node \(topology[node].id) died"
        case .nodeDrained(let node): "node \(topology[node].id) is draining"
        case .linkDied(let from, let to): "link \(topology[from].id) to \(topology[to].id) died"
        case .sourceMoved(let node): "the stream now comes from \(topology[node].id)"
        case .retried: "tried again"
        case .improved(let before): "improved from a cost of \(tenths(before))"
        case .reported: "reported"
        }
    }
}

extension Why.Choice {
    func describe(in topology: Topology) -> String {
        switch self {
        case .source: "the stream is published here"
        case .carriesAlready: "the node carries the stream already"
        case .inside(let node): "\(topology[node].id) carries the stream in the same IDC"
        case .branch(let node, let relays): "branches off at \(topology[node].id) with \(relays) new relays between"
        case .fromSource(let relays): "straight from the source with \(relays) new relays between"
        case .lastResort(let relays): "last resort: every candidate path is out; \(relays) new relays between"
        case .regrafted(let moved): "within the hop limit only by moving \(moved) others nearer to the source"
        case .worksAlready: "the node does so and it works"
        case .bestEntry: "the cheapest entry with room"
        case .bestEdge: "the best edge with room"
        case .goodEnough: "no other node is better by enough"
        }
    }
}

/// One decimal.
func tenths(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let scaled = Int((value * 10).rounded())
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / 10).\(abs(scaled) % 10)"
}

/// The search for the cheapest way to bring a stream into an IDC that does not carry it.
///
/// The hot path of a join: flat arrays, no allocation, no look-up by text.
extension Dispatcher {
    /// What a search is for.
    struct Quest {
        let stream: Int
        let rate: Int
        let into: Int
        /// The node that would take the stream in, -1 for a fresh relay of the IDC.
        let entry: Int
        /// Hops that hang or must be able to hang below the entry.
        let below: Int
        /// IDCs with demand that would share the delay.
        let audience: Double
        /// The IDC has a copy already, or a branch drifts that holds links of its own: no second copy over those.
        var checksCopies = false
    }

    /// A way in: a member to branch off from, the relays that join, the node that takes the stream in.
    struct Way {
        var exit: Survey.Exit
        var path: CandidatePath
        var cost: Cost
        var runnerUp = Double.infinity
        var considered = 0
        var isLastResort = false
    }

    /// Finds out where the stream can branch off. Fills `survey`.
    mutating func surveyExits(_ stream: Int, rate: Int) {
        survey.begin()
        // They are no relays for this stream, as if they were in the tree already.
        for standby in trees[stream].standbys { survey.noteMember(standby.node) }
        let root = trees[stream].source?.node ?? -1
        for place in trees[stream].members.indices {
            let member = trees[stream].members[place]
            let node = Int(member.node)
            survey.noteMember(node)
            guard member.isConnected else { continue }
            let idc = Int(member.idc)
            survey.noteCarrier(idc)
            guard member.mayRelay || node == root, !trees[stream].standsBy(node), let load = sendingLoad(node, rate)
            else { continue }
            survey.offer(
                Survey.Exit(
                    idc: idc, place: place, relay: -1, load: load, delay: Double(member.delay), hops: Int(member.hops)))
        }
        if survey.exits.count < survey.carriers || survey.exits.contains(where: { $0.load > softPenalty }) {
            surveyFreshExits(stream, rate: rate)
        }
    }

    /// Where what carries the stream in an IDC may or should not send more, a fresh relay can stand in for it.
    private mutating func surveyFreshExits(_ stream: Int, rate: Int) {
        for place in trees[stream].members.indices {
            let member = trees[stream].members[place]
            let idc = Int(member.idc)
            guard member.isConnected, trees[stream].entersIDC(place) else { continue }
            if let known = survey.exit(of: idc), known.load <= softPenalty { continue }
            guard let sender = insideParent(stream, idc, rate: rate, below: 1) else { continue }
            let relay = freshRelay(idc, rate: rate)
            guard relay.node >= 0 else { continue }
            let parent = trees[stream].members[sender.place]
            let step = links[pair(idc, idc)].quality + settings.weights.delay * settings.weights.hop
            survey.offer(
                Survey.Exit(
                    idc: idc, place: sender.place, relay: relay.node,
                    load: sender.load + relay.load + CostWeights.insideHop, delay: Double(parent.delay) + step,
                    hops: Int(parent.hops) + 1))
        }
    }

    /// The penalty of sending once more from a node, nil when it cannot.
    @inline(__always)
    func sendingLoad(_ node: Int, _ rate: Int) -> Double? {
        guard nodes[node].isUp,
            nodes[node].shortage(out: rate, in: 0, sessions: 1, rank: .relay, settings.reserves) == nil
        else { return nil }
        return fillPenalty(nodes[node].sendingPosition(rate + survey.surge[node]))
    }

    var softPenalty: Double { fillPenalty(1) }

    /// The freest ordinary relay of an IDC that is not in the surveyed tree; -1 when there is none with room.
    mutating func freshRelay(_ idc: Int, rate: Int) -> (node: Int, load: Double) {
        if let known = survey.relay(of: idc) { return known }
        var best = (node: -1, load: Double.infinity)
        for node in relaysOfIDC[idc] where nodes[node].isOrdinaryRelay && !survey.isMember(node) {
            guard let load = relayingLoad(node, rate), load < best.load else { continue }
            best = (node, load)
        }
        survey.noteRelay(best.node, load: best.load, of: idc)
        return best
    }

    func relayingLoad(_ node: Int, _ rate: Int) -> Double? {
        guard nodes[node].shortage(out: rate, in: rate, sessions: 1, rank: .relay, settings.reserves) == nil
        else { return nil }
        return fillPenalty(nodes[node].relayingPosition(rate + survey.surge[node]))
    }

    /// The best ordinary way, by the candidate paths from every IDC that carries the stream.
    mutating func search(_ quest: Quest) -> Way? {
        var best: Way?
        var bestTotal = Double.infinity
        var runnerUp = Double.infinity
        var considered = 0
        let deepest = settings.hopLimit - quest.below
        for number in survey.exits.indices {
            let exit = survey.exits[number]
            guard exit.idc != quest.into, exit.hops < deepest else { continue }
            let start = exit.load + exit.delay * quest.audience
            guard start < bestTotal else { continue }
            for rank in 0..<CandidateTable.width {
                let path = candidates.path(from: exit.idc, to: quest.into, rank: rank)
                guard path.exists else { break }
                guard exit.hops + path.relays < deepest else { continue }
                guard let step = cost(of: path, from: exit.idc, quest) else { continue }
                considered += 1
                let total = start + step.total
                if total < bestTotal {
                    runnerUp = bestTotal
                    bestTotal = total
                    let base = Cost(delay: exit.delay * quest.audience, price: 0, load: exit.load)
                    best = Way(exit: exit, path: path, cost: base + step)
                } else if total < runnerUp {
                    runnerUp = total
                }
            }
        }
        best?.runnerUp = runnerUp
        best?.considered = considered
        return best
    }

    /// What a candidate path costs this stream now, nil when it is out.
    @inline(__always)
    private mutating func cost(of path: CandidatePath, from: Int, _ quest: Quest) -> Cost? {
        guard path.first >= 0 else { return hop(from, quest.into, quest) }
        let first = Int(path.first)
        guard var cost = hop(from, first, quest), let load = pass(first, quest) else { return nil }
        cost.load += load
        var here = first
        if path.second >= 0 {
            let second = Int(path.second)
            guard let step = hop(first, second, quest), let load = pass(second, quest) else {
                return nil
            }
            cost = cost + step
            cost.load += load
            here = second
        }
        guard let step = hop(here, quest.into, quest) else { return nil }
        return cost + step
    }

    @inline(__always)
    private func hop(_ from: Int, _ to: Int, _ quest: Quest) -> Cost? {
        let number = pair(from, to)
        guard links[number].isUsable, links[number].fill.fits(quest.rate) else { return nil }
        if quest.checksCopies, trees[quest.stream].uses(from: from, to: to) { return nil }
        return hopCost(number, quest.rate, audience: quest.audience)
    }

    /// What one more copy over a link costs.
    @inline(__always)
    func hopCost(_ number: Int, _ rate: Int, audience: Double) -> Cost {
        let weights = settings.weights
        return Cost(
            delay: (links[number].quality + weights.delay * weights.hop) * audience, price: links[number].price,
            load: fillPenalty(links[number].fill.position(adding: rate)))
    }

    /// The penalty of the relay that would join in an IDC between; nil where the stream passes already (the way
    /// that starts there is the shorter one) or no relay has room.
    @inline(__always)
    private mutating func pass(_ idc: Int, _ quest: Quest) -> Double? {
        guard !survey.carries(idc), idc != quest.into else { return nil }
        let relay = freshRelay(idc, rate: quest.rate)
        return relay.node >= 0 ? relay.load : nil
    }

    /// Builds a way that was found: its relays join the tree. Gives the place below which the entry hangs.
    mutating func build(_ way: Way, _ stream: Int) -> Int {
        var parent = way.exit.place
        if way.exit.relay >= 0 { parent = recruit(stream, way.exit.relay, below: parent) }
        for idc in [way.path.first, way.path.second] where idc >= 0 {
            guard let relay = survey.relay(of: Int(idc)) else { preconditionFailure("a path's relays were surveyed") }
            parent = recruit(stream, relay.node, below: parent)
        }
        return parent
    }

    /// Puts a relay into the tree for others' sake.
    mutating func recruit(_ stream: Int, _ node: Int, below parent: Int) -> Int {
        let place = trees[stream].member(at: node) ?? addMember(stream, node)
        hang(stream, place, below: parent)
        survey.addSurge(node, trees[stream].rate)
        return place
    }
}

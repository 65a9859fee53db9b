/// Finding a node its place in a stream's tree, and putting it there.
///
/// First inside its IDC, below what carries the stream there. Else the stream comes into the IDC: by the cheapest
/// candidate path, then by the last resort, then by moving others up so that the hop limit holds. What takes the
/// stream in is a relay of the IDC, so that whoever joins there later finds it.
extension Dispatcher {
    enum Seating {
        case seated(Why)
        case refused(Refusal)
    }

    /// Hangs `node` into the tree, as a new member or as one that drifts with what is below it.
    mutating func seat(_ stream: Int, _ node: Int, trigger: Why.Trigger) -> Seating {
        seat(stream, node, place: trees[stream].member(at: node), trigger: trigger)
    }

    /// `place` is the node's, nil where it is no member yet.
    mutating func seat(_ stream: Int, _ node: Int, place: Int?, trigger: Why.Trigger) -> Seating {
        let idc = nodes[node].idc
        let rate = trees[stream].rate
        let shortage = nodes[node].shortage(out: 0, in: rate, sessions: 0, rank: .relay, settings.reserves)
        if let shortage { return .refused(.full(NodeIndex(node), shortage)) }
        var height = 0
        var audience = 1.0
        if let place {
            height = trees[stream].height(of: place)
            audience = Double(self.audience(stream, below: place))
        }
        if let why = seatInside(stream, node, place, height: height, trigger: trigger) { return .seated(why) }
        surveyExits(stream, rate: rate)
        var quest = Quest(
            stream: stream, rate: rate, into: idc, entry: node, below: max(1, height), audience: audience,
            checksCopies: survey.carries(idc) || trees[stream].hasDriftingBranch)
        var entry = -1
        if !nodes[node].isOrdinaryRelay || trees[stream].standsBy(node) { entry = freshRelay(idc, rate: rate).node }
        if entry >= 0 {
            quest = Quest(
                stream: stream, rate: rate, into: idc, entry: entry, below: 1 + height, audience: audience,
                checksCopies: quest.checksCopies)
        }
        if let way = search(quest) ?? lastResort(quest) {
            return .seated(settle(way, quest, node: node, place, trigger: trigger))
        }
        if let why = regraft(quest, node: node, trigger: trigger) { return .seated(why) }
        return .refused(isJoined(stream, to: idc) ? .noRoom : .noPath)
    }

    /// Below what carries the stream in the node's own IDC.
    private mutating func seatInside(
        _ stream: Int, _ node: Int, _ known: Int?, height: Int, trigger: Why.Trigger
    ) -> Why? {
        let idc = nodes[node].idc
        let rate = trees[stream].rate
        guard var parent = insideParent(stream, idc, rate: rate, below: 1 + height) else { return nil }
        if parent.load > softPenalty, Int(trees[stream].members[parent.place].hops) + 2 + height <= settings.hopLimit {
            surveyExits(stream, rate: rate)
            let relay = freshRelay(idc, rate: rate)
            if relay.node >= 0, relay.node != node, relay.load <= softPenalty {
                parent.place = recruit(stream, relay.node, below: parent.place)
                parent.load = relay.load
            }
        }
        let above = trees[stream].members[parent.place]
        let place = known ?? addMember(stream, node)
        hang(stream, place, below: parent.place)
        survey.addSurge(Int(above.node), rate)
        let cost = Cost(delay: Double(trees[stream].members[place].delay), price: 0, load: parent.load)
        return Why(trigger, .inside(NodeIndex(Int(above.node))), cost: cost)
    }

    /// The best member of an IDC to hang another of the IDC below: what brings the stream in, a relay or the source.
    func insideParent(_ stream: Int, _ idc: Int, rate: Int, below: Int) -> (place: Int, load: Double)? {
        var best: (place: Int, load: Double)?
        var bestScore = Double.infinity
        let root = trees[stream].source?.node ?? -1
        for place in trees[stream].members.indices where Int(trees[stream].members[place].idc) == idc {
            let member = trees[stream].members[place]
            let node = Int(member.node)
            guard member.isConnected, Int(member.hops) + below <= settings.hopLimit,
                node == root || member.mayRelay || trees[stream].entersIDC(place), !trees[stream].standsBy(node),
                let load = sendingLoad(node, rate)
            else { continue }
            let score = load + Double(member.delay)
            if score < bestScore {
                bestScore = score
                best = (place, load)
            }
        }
        return best
    }

    /// Builds the way and hangs the node at its end.
    private mutating func settle(_ way: Way, _ quest: Quest, node: Int, _ known: Int?, trigger: Why.Trigger) -> Why {
        let stream = quest.stream
        let exit = NodeIndex(Int(trees[stream].members[way.exit.place].node))
        let isFromSource = exit.position == trees[stream].source?.node && way.exit.relay < 0
        var parent = build(way, stream)
        survey.addSurge(Int(trees[stream].members[parent].node), quest.rate)
        if quest.entry != node { parent = recruit(stream, quest.entry, below: parent) }
        let place = known ?? addMember(stream, node)
        hang(stream, place, below: parent)
        let relays = way.path.relays
        let choice: Why.Choice =
            way.isLastResort
            ? .lastResort(relays: relays)
            : isFromSource ? .fromSource(relays: relays) : .branch(at: exit, relays: relays)
        return Why(trigger, choice, cost: way.cost, runnerUp: way.runnerUp, considered: way.considered)
    }

    /// IDCs with demand at or below a member.
    func audience(_ stream: Int, below place: Int) -> Int {
        guard trees[stream].members[place].children > 0 else { return 1 }
        var seen: [Int16] = []
        for other in trees[stream].members.indices {
            let member = trees[stream].members[other]
            guard member.isWanted || member.viewers > 0, !seen.contains(member.idc) else { continue }
            if trees[stream].hangs(other, below: place) { seen.append(member.idc) }
        }
        return max(1, seen.count)
    }
}

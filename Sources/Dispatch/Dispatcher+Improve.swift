/// Moving what has a better place now, where the gain is worth the move.
extension Dispatcher {
    /// Looks at the next `streams` trees in turn and moves what gains enough (`moveShare`, `moveGain`). Moves are
    /// planned: nodes make the new connection before they break the old one.
    public mutating func improve(streams: Int) -> Replan {
        var replan = Replan()
        guard !trees.isEmpty else { return replan }
        for _ in 0..<min(streams, trees.count) {
            improve(improveCursor, into: &replan)
            improveCursor = (improveCursor + 1) % trees.count
        }
        return replan
    }

    public mutating func improve(_ stream: StreamIndex) -> Replan {
        var replan = Replan()
        improve(stream.position, into: &replan)
        return replan
    }

    private mutating func improve(_ stream: Int, into replan: inout Replan) {
        guard trees[stream].members.count > 1, trees[stream].source != nil else { return }
        // The delays as they are now, not as they were when each member joined.
        relabel(stream)
        let entries = trees[stream].members.indices
            .filter { trees[stream].members[$0].parent >= 0 && trees[stream].entersIDC($0) }
            .map { Int(trees[stream].members[$0].node) }
            .sorted()
        for node in entries { improve(stream, node, into: &replan) }
    }

    /// An edge that was taken out of a tree, and can be put back.
    private struct Branch {
        let parent: Int
        let child: Int
    }

    private mutating func improve(_ stream: Int, _ node: Int, into replan: inout Replan) {
        guard let place = trees[stream].member(at: node), trees[stream].members[place].isConnected,
            trees[stream].members[place].parent >= 0
        else { return }
        let isDouble = hasTwin(stream, place)
        if !isDouble, giveWay(stream, place, into: &replan) { return }
        let audience = Double(self.audience(stream, below: place))
        let delay = Double(trees[stream].members[place].delay)
        let removed = takeOut(stream, place)
        let before = price(stream, removed) + Cost(delay: delay * audience, price: 0, load: 0)
        let threshold = max(settings.moveGain, settings.moveShare * before.total)
        let old = NodeIndex(removed[0].parent)
        let limit = before.total.isFinite ? before.total - threshold : .infinity
        if let why = better(stream, node, than: limit, audience: audience, isForced: isDouble) {
            var moved = why
            moved.trigger = .improved(from: before.total)
            noteMove(stream, node, from: old, moved, into: &replan)
            return
        }
        for branch in removed.reversed() {
            guard let parent = trees[stream].member(at: branch.parent) else { continue }
            let child = trees[stream].member(at: branch.child) ?? addMember(stream, branch.child)
            hang(stream, child, below: parent)
        }
    }

    /// A stream comes into an IDC by a relay of it. Where an edge has become the entry, as after failovers that nodes
    /// made on their own, it gives way to a relay that is there again, be it one that hangs below it by now. Whether
    /// anything moved.
    private mutating func giveWay(_ stream: Int, _ place: Int, into replan: inout Replan) -> Bool {
        let edge = Int(trees[stream].members[place].node)
        let top = Int(trees[stream].members[place].parent)
        let parent = Int(trees[stream].members[top].node)
        guard !nodes[edge].isOrdinaryRelay else { return false }
        surveyExits(stream, rate: trees[stream].rate)
        let relay = relayBelow(stream, place) ?? freshRelay(nodes[edge].idc, rate: trees[stream].rate).node
        let depth = Int(trees[stream].members[top].hops) + 2 + trees[stream].height(of: place)
        guard relay >= 0, depth <= settings.hopLimit else { return false }
        var old: NodeIndex?
        unhang(stream, place)
        if let below = trees[stream].member(at: relay) {
            old = NodeIndex(Int(trees[stream].members[Int(trees[stream].members[below].parent)].node))
            unhang(stream, below)
        }
        let entry = recruit(stream, relay, below: top)
        hang(stream, place, below: entry)
        survey.endSurge()
        // Parents are told before their children.
        let (above, inside) = (Why.Choice.branch(at: NodeIndex(parent), relays: 0), Why.Choice.inside(NodeIndex(relay)))
        note(stream, relay, from: old, to: parent, above, into: &replan)
        note(stream, edge, from: NodeIndex(parent), to: relay, inside, into: &replan)
        for child in trees[stream].children(of: place)
        where trees[stream].members[child].idc == trees[stream].members[place].idc {
            guard sendingLoad(relay, trees[stream].rate) != nil else { break }
            unhang(stream, child)
            hang(stream, child, below: entry)
            let node = Int(trees[stream].members[child].node)
            note(stream, node, from: NodeIndex(edge), to: relay, inside, into: &replan)
        }
        return true
    }

    private func note(
        _ stream: Int, _ node: Int, from: NodeIndex?, to: Int, _ choice: Why.Choice, into replan: inout Replan
    ) {
        let why = Why(.improved(from: 0), choice)
        replan.moves.append(
            Replan.Move(
                stream: StreamIndex(stream), node: NodeIndex(node), from: from, to: NodeIndex(to), why: why))
    }

    /// A relay of the same IDC that gets the stream through this member.
    private func relayBelow(_ stream: Int, _ place: Int) -> Int? {
        let tree = trees[stream]
        return tree.members.indices.first { other in
            tree.members[other].idc == tree.members[place].idc
                && nodes[Int(tree.members[other].node)].isOrdinaryRelay && tree.hangs(other, below: place)
        }.map { Int(tree.members[$0].node) }
    }

    /// Whether the stream enters the member's IDC a second time, as after failovers that nodes made on their own. A relay
    /// is not the one to yield to an edge.
    private func hasTwin(_ stream: Int, _ place: Int) -> Bool {
        let tree = trees[stream]
        let isRelay = nodes[Int(tree.members[place].node)].isOrdinaryRelay
        return tree.members.indices.contains { other in
            other != place && tree.members[other].idc == tree.members[place].idc
                && (!isRelay || nodes[Int(tree.members[other].node)].isOrdinaryRelay || tree.root == other)
                && tree.members[other].isConnected && tree.entersIDC(other) && !tree.hangs(other, below: place)
        }
    }

    /// Takes the branch off, and the relays above it that served it alone. The edges, from the branch upwards.
    private mutating func takeOut(_ stream: Int, _ place: Int) -> [Branch] {
        var removed: [Branch] = []
        var here = place
        while true {
            let node = Int(trees[stream].members[here].node)
            let parent = Int(trees[stream].members[here].parent)
            guard parent >= 0 else { break }
            let above = Int(trees[stream].members[parent].node)
            removed.append(Branch(parent: above, child: node))
            unhang(stream, here)
            if removed.count > 1 {
                // A relay that stood there for this branch alone.
                if let gone = trees[stream].member(at: node) { removeMember(stream, gone) }
            }
            guard let next = trees[stream].member(at: above) else { break }
            let member = trees[stream].members[next]
            guard member.children == 0, !member.isWanted, member.viewers == 0, member.claimed < 0,
                trees[stream].source?.node != above
            else { break }
            here = next
        }
        return removed
    }

    /// What the edges that were taken out would cost if they were built now, without their delay.
    private func price(_ stream: Int, _ branches: [Branch]) -> Cost {
        let rate = trees[stream].rate
        var sum = Cost.zero
        for branch in branches {
            let (from, to) = (nodes[branch.parent].idc, nodes[branch.child].idc)
            sum.load += fillPenalty(nodes[branch.parent].sendingPosition(rate))
            guard from != to else { continue }
            let link = links[pair(from, to)]
            let isOut = !link.isUsable || !link.fill.fits(rate)
            sum.price += isOut ? 0 : link.price
            sum.load += isOut ? .infinity : fillPenalty(link.fill.position(adding: rate))
        }
        return sum
    }

    /// Seats the branch where it costs at most `limit`, or inside the IDC when it must not enter it a second time.
    private mutating func better(
        _ stream: Int, _ node: Int, than limit: Double, audience: Double, isForced: Bool
    ) -> Why? {
        let idc = nodes[node].idc
        let rate = trees[stream].rate
        let height = trees[stream].member(at: node).map { trees[stream].height(of: $0) } ?? 0
        if isForced {
            guard insideParent(stream, idc, rate: rate, below: 1 + height) != nil else { return nil }
        } else {
            surveyExits(stream, rate: rate)
            let quest = Quest(
                stream: stream, rate: rate, into: idc, entry: node, below: max(1, height), audience: audience,
                checksCopies: survey.carries(idc) || trees[stream].hasDriftingBranch)
            guard let way = search(quest), way.cost.total < limit else { return nil }
            let parent = build(way, stream)
            guard let place = trees[stream].member(at: node) else { return nil }
            hang(stream, place, below: parent)
            let exit = NodeIndex(Int(trees[stream].members[way.exit.place].node))
            let isSource = exit.position == trees[stream].source?.node
            return Why(
                .asked, isSource ? .fromSource(relays: way.path.relays) : .branch(at: exit, relays: way.path.relays),
                cost: way.cost, runnerUp: way.runnerUp, considered: way.considered)
        }
        guard case .seated(let why) = seat(stream, node, trigger: .asked) else { return nil }
        return why
    }

    private func noteMove(_ stream: Int, _ node: Int, from: NodeIndex, _ why: Why, into replan: inout Replan) {
        guard let place = trees[stream].member(at: node), trees[stream].members[place].parent >= 0 else { return }
        var here = place
        // The relays that joined for it, then the branch itself: parents are told before their children.
        var joined: [Int] = []
        while true {
            let parent = Int(trees[stream].members[here].parent)
            guard parent >= 0 else { break }
            let member = trees[stream].members[parent]
            guard member.children == 1, !member.isWanted, member.viewers == 0, member.parent >= 0 else { break }
            joined.append(parent)
            here = parent
        }
        for relay in joined.reversed() {
            let parent = trees[stream].members[Int(trees[stream].members[relay].parent)].node
            replan.moves.append(
                Replan.Move(
                    stream: StreamIndex(stream), node: NodeIndex(Int(trees[stream].members[relay].node)), from: nil,
                    to: NodeIndex(Int(parent)), why: why))
        }
        let parent = NodeIndex(Int(trees[stream].members[Int(trees[stream].members[place].parent)].node))
        guard parent != from || !joined.isEmpty else { return }
        replan.moves.append(
            Replan.Move(stream: StreamIndex(stream), node: NodeIndex(node), from: from, to: parent, why: why))
    }
}

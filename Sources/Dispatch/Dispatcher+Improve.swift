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

    /// Whether the stream enters the member's IDC a second time, as after failovers that nodes made on their own.
    private func hasTwin(_ stream: Int, _ place: Int) -> Bool {
        let tree = trees[stream]
        return tree.members.indices.contains { other in
            other != place && tree.members[other].idc == tree.members[place].idc
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

/// Seating again what drifts, so that only it moves and the survivors fill evenly.
extension Dispatcher {
    /// Seats the tops of branches that hang on nothing. A branch that finds no place as a whole is taken apart, and
    /// its parts are seated each for itself; what still finds none is lost for now.
    mutating func reseat(
        _ stream: Int, _ orphans: [Int], from: NodeIndex?, trigger: Why.Trigger, into replan: inout Replan
    ) {
        guard !orphans.isEmpty else { return }
        guard trees[stream].source != nil else { return }
        var waiting = orphans
        var previous = Dictionary(uniqueKeysWithValues: orphans.map { ($0, from) })
        var refusals: [Int: Refusal] = [:]
        while !waiting.isEmpty {
            // Relays first: they can take the stream into their IDC themselves, and the others hang below them.
            waiting.sort { (nodes[$0].isOrdinaryRelay ? 0 : 1, $0) < (nodes[$1].isOrdinaryRelay ? 0 : 1, $1) }
            var left: [Int] = []
            for node in waiting {
                guard let place = trees[stream].member(at: node), !trees[stream].members[place].isConnected,
                    trees[stream].members[place].parent < 0
                else { continue }
                if !isNeeded(stream, place) {
                    prune(stream, from: node)
                    continue
                }
                let refusal = reseat(stream, node, from: previous[node] ?? nil, trigger: trigger, into: &replan)
                if let refusal {
                    refusals[node] = refusal
                    left.append(node)
                }
            }
            if left.count < waiting.count, !left.isEmpty {
                waiting = left
                continue
            }
            waiting = takeApart(stream, left, &previous)
        }
        settleLosses(stream, refusals, into: &replan)
    }

    /// Seats one branch and notes the moves, that of the branch and those of the relays that join for it.
    private mutating func reseat(
        _ stream: Int, _ node: Int, from: NodeIndex?, trigger: Why.Trigger, into replan: inout Replan
    ) -> Refusal? {
        let before = trees[stream].members.count
        let result = seat(stream, node, trigger: trigger)
        guard case .seated(let why) = result else {
            if case .refused(let refusal) = result { return refusal }
            return nil
        }
        for place in before..<max(before, trees[stream].members.count) {
            note(stream, place, from: nil, why, into: &replan)
        }
        if let place = trees[stream].member(at: node), place < before {
            note(stream, place, from: from, why, into: &replan)
        }
        return nil
    }

    private func note(_ stream: Int, _ place: Int, from: NodeIndex?, _ why: Why, into replan: inout Replan) {
        let member = trees[stream].members[place]
        guard member.parent >= 0 else { return }
        let to = NodeIndex(Int(trees[stream].members[Int(member.parent)].node))
        replan.moves.append(
            Replan.Move(
                stream: StreamIndex(stream), node: NodeIndex(Int(member.node)), from: from, to: to, why: why))
    }

    /// Whether anybody at or below a member wants the stream.
    private func isNeeded(_ stream: Int, _ place: Int) -> Bool {
        let member = trees[stream].members[place]
        return member.children > 0 || member.isWanted || member.viewers > 0 || member.claimed >= 0
    }

    /// Frees the children of branches that could not be seated; gives what is now to be seated.
    private mutating func takeApart(_ stream: Int, _ nodes: [Int], _ previous: inout [Int: NodeIndex?]) -> [Int] {
        var parts: [Int] = []
        for node in nodes {
            guard let place = trees[stream].member(at: node) else { continue }
            let children = trees[stream].children(of: place).map { Int(trees[stream].members[$0].node) }
            guard !children.isEmpty else { continue }
            cut(stream, children)
            for child in children { previous[child] = NodeIndex(node) }
            parts += children
            prune(stream, from: node)
        }
        return parts
    }

    private mutating func settleLosses(_ stream: Int, _ refusals: [Int: Refusal], into replan: inout Replan) {
        var isRestless = false
        for (node, refusal) in refusals.sorted(by: { $0.key < $1.key }) {
            guard let place = trees[stream].member(at: node), !trees[stream].members[place].isConnected else {
                continue
            }
            isRestless = true
            let loss = Replan.Loss(stream: StreamIndex(stream), node: NodeIndex(node), reason: refusal)
            replan.lost.append(loss)
        }
        if isRestless { restless.insert(stream) }
    }

    /// Seats whatever drifts in the stream's tree.
    mutating func reseatAdrift(_ stream: Int, trigger: Why.Trigger, into replan: inout Replan) {
        restless.remove(stream)
        let root = trees[stream].source?.node ?? -1
        // Who claims a parent has one, by its own report.
        let tops = trees[stream].members.filter {
            !$0.isConnected && $0.parent < 0 && $0.claimed < 0 && Int($0.node) != root
        }
        reseat(stream, tops.map { Int($0.node) }, from: nil, trigger: trigger, into: &replan)
        survey.endSurge()
    }
}

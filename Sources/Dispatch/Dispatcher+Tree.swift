/// The few steps that change a tree. Each keeps the members' counts and what nodes and links bear in step with it;
/// nothing else writes them.
extension Dispatcher {
    /// Puts a node into a tree, hanging on nothing.
    mutating func addMember(_ stream: Int, _ node: Int) -> Int {
        var member = Member(node: node, idc: nodes[node].idc, mayRelay: nodes[node].roles.mayRelay)
        member.slot = Int32(carried[node].count)
        carried[node].append(Int32(stream))
        trees[stream].members.append(member)
        return trees[stream].members.count - 1
    }

    /// Takes a member out that has neither parent nor children. The last member takes its place.
    mutating func removeMember(_ stream: Int, _ place: Int) {
        let member = trees[stream].members[place]
        precondition(
            member.parent < 0 && member.children == 0, "a member leaves its tree only when nothing hangs on it")
        setViewers(stream, place, 0)
        let node = Int(member.node)
        let slot = Int(member.slot)
        let last = carried[node].removeLast()
        if slot < carried[node].count {
            carried[node][slot] = last
            if let moved = trees[Int(last)].member(at: node) { trees[Int(last)].members[moved].slot = Int32(slot) }
        }
        let end = trees[stream].members.count - 1
        if place != end {
            trees[stream].members[place] = trees[stream].members[end]
            for other in trees[stream].members.indices where trees[stream].members[other].parent == Int32(end) {
                trees[stream].members[other].parent = Int32(place)
            }
        }
        trees[stream].members.removeLast()
    }

    /// Hangs a member that hangs on nothing below another.
    mutating func hang(_ stream: Int, _ place: Int, below parent: Int) {
        precondition(trees[stream].members[place].parent < 0 && place != parent)
        trees[stream].members[place].parent = Int32(parent)
        trees[stream].members[place].claimed = -1
        trees[stream].members[parent].children += 1
        bear(stream, place, sign: 1)
        label(stream, place)
        if trees[stream].members[place].children > 0, trees[stream].members[place].isConnected {
            labelAdrift(stream)
        }
    }

    /// Takes a member off its parent; what is below it stays with it.
    mutating func unhang(_ stream: Int, _ place: Int) {
        guard trees[stream].members[place].parent >= 0 else { return }
        bear(stream, place, sign: -1)
        let parent = Int(trees[stream].members[place].parent)
        trees[stream].members[parent].children -= 1
        trees[stream].members[place].parent = -1
        trees[stream].members[place].hops = Member.adrift
        guard trees[stream].members[place].children > 0 else { return }
        var isDone = false
        while !isDone {
            isDone = true
            for other in trees[stream].members.indices where trees[stream].members[other].isConnected {
                let above = Int(trees[stream].members[other].parent)
                guard above >= 0, !trees[stream].members[above].isConnected else { continue }
                trees[stream].members[other].hops = Member.adrift
                isDone = false
            }
        }
    }

    mutating func setViewers(_ stream: Int, _ place: Int, _ viewers: Int) {
        let member = trees[stream].members[place]
        let more = viewers - Int(member.viewers)
        guard more != 0 else { return }
        let node = Int(member.node)
        trees[stream].members[place].viewers = Int32(viewers)
        nodes[node].out.planned += more * trees[stream].rate
        nodes[node].sessions.planned += more
    }

    /// Adds what a publisher brings into its node, or takes it away again.
    mutating func bearSource(_ stream: Int, node: Int, sign: Int) {
        nodes[node].in.planned += sign * trees[stream].rate
        nodes[node].sessions.planned += sign
    }

    /// What the edge above a member puts on its parent, itself and the link.
    private mutating func bear(_ stream: Int, _ place: Int, sign: Int) {
        let member = trees[stream].members[place]
        let parent = trees[stream].members[Int(member.parent)]
        let rate = trees[stream].rate * sign
        nodes[Int(parent.node)].out.planned += rate
        nodes[Int(parent.node)].sessions.planned += sign
        nodes[Int(member.node)].in.planned += rate
        if parent.idc != member.idc { links[pair(Int(parent.idc), Int(member.idc))].fill.planned += rate }
    }

    /// The stream's rate is another: everything that it passes bears the difference.
    mutating func setRate(_ stream: Int, _ rate: Int) {
        guard rate != trees[stream].rate else { return }
        let viewers = trees[stream].members.map { Int($0.viewers) }
        let sources = ([trees[stream].source].compactMap { $0 } + trees[stream].standbys).map(\.node)
        for place in viewers.indices {
            setViewers(stream, place, 0)
            if trees[stream].members[place].parent >= 0 { bear(stream, place, sign: -1) }
        }
        for node in sources { bearSource(stream, node: node, sign: -1) }
        trees[stream].rate = rate
        noteRate(stream)
        for node in sources { bearSource(stream, node: node, sign: 1) }
        for place in viewers.indices {
            setViewers(stream, place, viewers[place])
            if trees[stream].members[place].parent >= 0 { bear(stream, place, sign: 1) }
        }
    }

    /// Hops and delay of one member from its parent's.
    private mutating func label(_ stream: Int, _ place: Int) {
        let member = trees[stream].members[place]
        let parent = trees[stream].members[Int(member.parent)]
        guard parent.isConnected else {
            trees[stream].members[place].hops = Member.adrift
            return
        }
        trees[stream].members[place].hops = parent.hops + 1
        let link = links[pair(Int(parent.idc), Int(member.idc))]
        let step = link.quality + settings.weights.delay * settings.weights.hop
        trees[stream].members[place].delay = parent.delay + Float(step)
    }

    /// Hops and delays of the whole tree, after its root or a branch has moved.
    mutating func relabel(_ stream: Int) {
        let count = trees[stream].members.count
        for place in 0..<count { trees[stream].members[place].hops = Member.adrift }
        guard let root = trees[stream].root, trees[stream].members[root].parent < 0 else { return }
        trees[stream].members[root].hops = 0
        trees[stream].members[root].delay = 0
        labelAdrift(stream)
    }

    /// Labels what drifted and hangs on something connected now, from the top down.
    private mutating func labelAdrift(_ stream: Int) {
        var isDone = false
        while !isDone {
            isDone = true
            for place in trees[stream].members.indices where !trees[stream].members[place].isConnected {
                guard trees[stream].members[place].parent >= 0 else { continue }
                label(stream, place)
                if trees[stream].members[place].isConnected { isDone = false }
            }
        }
    }

    /// Takes out relays that nobody needs any more, upwards from the node, and tells which.
    @discardableResult
    mutating func prune(_ stream: Int, from node: Int) -> [NodeIndex] {
        var freed: [NodeIndex] = []
        var here = node
        while let place = trees[stream].member(at: here) {
            let member = trees[stream].members[place]
            guard member.children == 0, !member.isWanted, member.viewers == 0, member.claimed < 0,
                trees[stream].source?.node != here
            else { break }
            let parent = member.parent < 0 ? -1 : Int(trees[stream].members[Int(member.parent)].node)
            unhang(stream, place)
            removeMember(stream, place)
            freed.append(NodeIndex(here))
            guard parent >= 0 else { break }
            here = parent
        }
        return freed
    }
}

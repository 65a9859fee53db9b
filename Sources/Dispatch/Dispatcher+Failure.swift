/// Something died, drains or came back: what hung on it moves, and nothing else.
extension Dispatcher {
    /// The node is gone: its children find other parents, its publishers' streams their standbys.
    public mutating func nodeDied(_ node: NodeIndex) -> Replan {
        guard nodes[node.position].condition != .down else { return Replan() }
        nodes[node.position].condition = .down
        relayChanged(node.position)
        var replan = Replan()
        for stream in carried[node.position].map({ Int($0) }).sorted() {
            bury(stream, node.position, into: &replan)
        }
        // Publishers that stand by leave no member behind them.
        for stream in trees.indices where !trees[stream].standbys.isEmpty || !trees[stream].fenced.isEmpty {
            trees[stream].fenced.removeAll { $0.node == node.position }
            for source in trees[stream].standbys where source.node == node.position { drop(stream, source) }
        }
        for keyPath in [\NodeState.out, \NodeState.in, \NodeState.sessions] {
            nodes[node.position][keyPath: keyPath].measured(0)
        }
        quotas.remove(node.position)
        survey.endSurge()
        return replan
    }

    private mutating func bury(_ stream: Int, _ node: Int, into replan: inout Replan) {
        guard let place = trees[stream].member(at: node) else { return }
        let orphans = trees[stream].children(of: place).map { Int(trees[stream].members[$0].node) }
        let parent = trees[stream].members[place].parent
        let above = parent < 0 ? -1 : Int(trees[stream].members[Int(parent)].node)
        let dead = sources(stream).filter { $0.node == node }
        for source in dead { drop(stream, source) }
        cut(stream, orphans)
        if let place = trees[stream].member(at: node) {
            unhang(stream, place)
            removeMember(stream, place)
        }
        if dead.isEmpty {
            reseat(stream, orphans, from: NodeIndex(node), trigger: .nodeDied(NodeIndex(node)), into: &replan)
        } else {
            elect(stream, trigger: .nodeDied(NodeIndex(node)), into: &replan)
        }
        if above >= 0 { prune(stream, from: above) }
    }

    /// The node serves what it has and is given nothing more; its children are moved away.
    public mutating func drain(_ node: NodeIndex) -> Replan {
        var replan = Replan()
        guard nodes[node.position].condition == .up else { return replan }
        nodes[node.position].condition = .draining
        relayChanged(node.position)
        for stream in carried[node.position].map({ Int($0) }).sorted() {
            guard let place = trees[stream].member(at: node.position), trees[stream].source?.node != node.position
            else { continue }
            let orphans = trees[stream].children(of: place).map { Int(trees[stream].members[$0].node) }
            cut(stream, orphans)
            reseat(stream, orphans, from: node, trigger: .nodeDrained(node), into: &replan)
            prune(stream, from: node.position)
        }
        survey.endSurge()
        return replan
    }

    /// The node is back, empty. Nothing moves on its account.
    public mutating func nodeReturned(_ node: NodeIndex) {
        guard nodes[node.position].condition != .up else { return }
        nodes[node.position].condition = .up
        nodes[node.position].cpu = 0
        relayChanged(node.position)
    }

    public func isUp(_ node: NodeIndex) -> Bool { nodes[node.position].isUp }

    /// Nothing comes through in this direction.
    public mutating func linkDied(from: IDCIndex, to: IDCIndex) -> Replan {
        let number = pair(from.position, to.position)
        guard from != to, links[number].exists, !links[number].isCut else { return Replan() }
        links[number].isCut = true
        linkChanged(from.position, to.position)
        return vacate(from, to)
    }

    public mutating func linkReturned(from: IDCIndex, to: IDCIndex) {
        let number = pair(from.position, to.position)
        guard from != to, links[number].isCut else { return }
        links[number].isCut = false
        linkChanged(from.position, to.position)
    }

    /// Moves away what comes over a link.
    mutating func vacate(_ from: IDCIndex, _ to: IDCIndex) -> Replan {
        var touched: Set<Int> = []
        for node in topology.nodesOfIDC[to.position] { touched.formUnion(carried[node].map { Int($0) }) }
        var replan = Replan()
        for stream in touched.sorted() {
            let tree = trees[stream]
            let orphans = tree.members.filter {
                Int($0.idc) == to.position && $0.parent >= 0
                    && Int(tree.members[Int($0.parent)].idc) == from.position
            }
            guard !orphans.isEmpty else { continue }
            let parents = orphans.map { Int(tree.members[Int($0.parent)].node) }
            cut(stream, orphans.map { Int($0.node) })
            reseat(
                stream, orphans.map { Int($0.node) }, from: parents.first.map { NodeIndex($0) },
                trigger: .linkDied(from: from, to: to), into: &replan)
            for parent in parents { prune(stream, from: parent) }
        }
        survey.endSurge()
        return replan
    }

    /// Takes several members off their parents at once.
    mutating func cut(_ stream: Int, _ nodes: [Int]) {
        for node in nodes {
            if let place = trees[stream].member(at: node) { unhang(stream, place) }
        }
    }
}

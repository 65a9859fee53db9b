/// Checks a dispatcher's promises against its whole state. For tests and for an operator's doubt, not for the hot path.
extension Dispatcher {
    public enum Violation: Hashable, Sendable {
        case loop(StreamIndex, NodeIndex)
        case hopLimit(StreamIndex, NodeIndex, hops: Int)
        case secondCopy(StreamIndex, from: IDCIndex, to: IDCIndex)
        case overHard(NodeIndex, Shortage)
        case linkOverHard(from: IDCIndex, to: IDCIndex)
        case deadParent(StreamIndex, NodeIndex)
        /// It hangs below a node that sends the frames of a publisher which is not followed.
        case parentStandsBy(StreamIndex, NodeIndex)
        case deadLink(StreamIndex, from: IDCIndex, to: IDCIndex)
        /// A count that is kept does not match what it counts.
        case ledger(String)
    }

    public func audit() -> [Violation] {
        var found: [Violation] = []
        var out = [Int](repeating: 0, count: nodes.count)
        var `in` = out
        var sessions = out
        var traffic = [Int](repeating: 0, count: links.count)
        for stream in trees.indices {
            let tree = trees[stream]
            for source in sources(stream) {
                `in`[source.node] += tree.rate
                sessions[source.node] += 1
            }
            for place in tree.members.indices {
                let member = tree.members[place]
                let node = Int(member.node)
                out[node] += Int(member.viewers) * tree.rate
                sessions[node] += Int(member.viewers)
                guard member.parent >= 0 else { continue }
                let parent = tree.members[Int(member.parent)]
                out[Int(parent.node)] += tree.rate
                sessions[Int(parent.node)] += 1
                `in`[node] += tree.rate
                if parent.idc != member.idc { traffic[pair(Int(parent.idc), Int(member.idc))] += tree.rate }
            }
            audit(stream, into: &found)
        }
        for node in nodes.indices {
            let state = nodes[node]
            if state.out.planned != out[node] || state.in.planned != `in`[node]
                || state.sessions.planned != sessions[node]
            {
                found.append(.ledger("load of \(topology.nodes[node].id)"))
            }
            if state.out.planned > state.out.hard { found.append(.overHard(NodeIndex(node), .out)) }
            if state.in.planned > state.in.hard { found.append(.overHard(NodeIndex(node), .in)) }
            if state.sessions.planned > state.sessions.hard { found.append(.overHard(NodeIndex(node), .sessions)) }
        }
        for number in links.indices {
            let (to, from) = number.quotientAndRemainder(dividingBy: topology.idcs.count)
            if links[number].fill.planned != traffic[number] { found.append(.ledger("link \(from) to \(to)")) }
            if links[number].fill.planned > links[number].fill.hard {
                found.append(.linkOverHard(from: IDCIndex(from), to: IDCIndex(to)))
            }
        }
        return found
    }

    private func audit(_ stream: Int, into found: inout [Violation]) {
        let tree = trees[stream]
        let name = StreamIndex(stream)
        var children = [Int32](repeating: 0, count: tree.members.count)
        var copies: Set<Int> = []
        for place in tree.members.indices {
            let member = tree.members[place]
            let node = NodeIndex(Int(member.node))
            if carried[node.position][Int(member.slot)] != Int32(stream) { found.append(.ledger("slot")) }
            if nodes[node.position].condition == .down { found.append(.deadParent(name, node)) }
            if let hops = depth(tree, place) {
                let isRooted = tree.members[place].isConnected
                if isRooted, hops != Int(member.hops) { found.append(.ledger("hops of \(node.position)")) }
                if isRooted, hops > settings.hopLimit { found.append(.hopLimit(name, node, hops: hops)) }
            } else {
                found.append(.loop(name, node))
            }
            guard member.parent >= 0 else {
                if member.isConnected, tree.source?.node != node.position { found.append(.ledger("root")) }
                continue
            }
            children[Int(member.parent)] += 1
            if tree.standsBy(Int(tree.members[Int(member.parent)].node)) { found.append(.parentStandsBy(name, node)) }
            let from = Int(tree.members[Int(member.parent)].idc)
            let to = Int(member.idc)
            guard from != to else { continue }
            if !copies.insert(pair(from, to)).inserted {
                found.append(.secondCopy(name, from: IDCIndex(from), to: IDCIndex(to)))
            }
            if !links[pair(from, to)].isLastResort {
                found.append(.deadLink(name, from: IDCIndex(from), to: IDCIndex(to)))
            }
        }
        if zip(children, tree.members).contains(where: { $0 != $1.children }) { found.append(.ledger("children")) }
    }

    /// Hops up to where the branch ends; nil in a loop.
    private func depth(_ tree: StreamTree, _ place: Int) -> Int? {
        var here = place
        var hops = 0
        while tree.members[here].parent >= 0 {
            here = Int(tree.members[here].parent)
            hops += 1
            if hops > tree.members.count { return nil }
        }
        return hops
    }
}

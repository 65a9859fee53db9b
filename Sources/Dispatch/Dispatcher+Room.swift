/// Where clients of a full node may go.
extension Dispatcher {
    /// Nodes below their soft marks that take clients, those with the shortest way from `node` first; of one data centre
    /// the emptiest first. `node` itself is not among them.
    public func nodesWithRoom(near node: NodeIndex, limit: Int) -> [NodeIndex] {
        let home = nodes[node.position].idc
        var found: [(node: Int, distance: Double, fill: Double)] = []
        for idc in topology.idcs.indices {
            let distance = idc == home ? 0 : links[pair(home, idc)].rtt
            for other in topology.nodesOfIDC[idc] where other != node.position && nodes[other].isUp {
                guard !nodes[other].roles.isDisjoint(with: [.edge, .ingest]) else { continue }
                let fill = nodes[other].sendingPosition(0)
                guard fill < 1 else { continue }
                found.append((other, distance, fill))
            }
        }
        found.sort { ($0.distance, $0.fill, $0.node) < ($1.distance, $1.fill, $1.node) }
        return found.prefix(limit).map { NodeIndex($0.node) }
    }
}

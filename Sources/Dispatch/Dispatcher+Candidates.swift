/// Keeping the candidate paths in step with the network.
extension Dispatcher {
    /// Takes the filling of nodes and links into the candidate paths and tries again what could not be served; call it
    /// each minute, and after a burst of reports. What died or overflowed is out at once without it.
    public mutating func refresh() -> Replan {
        candidates.rebuild(weights: linkWeights(), transit: transits())
        wantsRefresh = false
        var replan = Replan()
        for stream in restless.sorted() { reseatAdrift(stream, trigger: .retried, into: &replan) }
        return replan
    }

    /// From each IDC to each other, as the table has them.
    func linkWeights() -> [Double] {
        let count = topology.idcs.count
        var weights: [Double] = []
        weights.reserveCapacity(count * count)
        for from in 0..<count {
            for to in 0..<count { weights.append(weight(of: links[pair(from, to)])) }
        }
        return weights
    }

    func weight(of link: LinkState) -> Double { link.weight + settings.weights.delay * settings.weights.hop }

    func transits() -> [Double] {
        topology.idcs.indices.map { transit(of: $0) }
    }

    /// What passing through an IDC costs: its freest relay's penalty.
    func transit(of idc: Int) -> Double {
        var least = Double.infinity
        for node in relaysOfIDC[idc] where nodes[node].isOrdinaryRelay {
            least = min(least, fillPenalty(nodes[node].relayingPosition(0)))
        }
        return least
    }

    mutating func linkChanged(_ from: Int, _ to: Int) {
        candidates.linkChanged(from: from, to: to, weight: weight(of: links[pair(from, to)]))
    }

    /// A node died, drained or overflowed, or came back.
    mutating func relayChanged(_ node: Int) {
        let idc = nodes[node].idc
        let now = transit(of: idc)
        let then = candidates.transit(of: idc)
        if now > then, now == .infinity {
            candidates.transitRose(idc, to: now)
        } else if now < then, then == .infinity {
            candidates.rebuild(weights: linkWeights(), transit: transits())
        } else if now != then {
            wantsRefresh = true
        }
    }

    /// The best paths known between two IDCs, as the relays between and what they weigh; for explanations.
    public func candidatePaths(from: IDCIndex, to: IDCIndex) -> [(relays: [IDCIndex], cost: Double)] {
        (0..<CandidateTable.width).compactMap { rank in
            let path = candidates.path(from: from.position, to: to.position, rank: rank)
            guard path.exists, from != to else { return nil }
            return ([path.first, path.second].filter { $0 >= 0 }.map { IDCIndex(Int($0)) }, path.cost)
        }
    }
}

/// Who enters and is served where, and who is not.
///
/// Each node's hard marks are kept in steps: viewers leave room for relay children, both for publishers. Beyond a soft
/// mark a node is chosen only where every other is beyond its own.
extension Dispatcher {
    /// Where a publisher should enter. `came` is the node that it has reached, if it has; `app` is what it wants to
    /// publish in, where that is known.
    public mutating func admitPublisher(
        from place: Whereabouts, megabits: Double, came: NodeIndex? = nil, app: String? = nil
    ) -> Admission {
        guard megabits > 0, megabits <= Dispatcher.megabitLimit else {
            return .refuse(.invalidRate(limitMegabits: Dispatcher.megabitLimit), retryAfter: 0)
        }
        if let use = app.flatMap({ quotaShortage(ofPublishersIn: $0) }) {
            return .refuse(.quota(use), retryAfter: Admission.retrySeconds)
        }
        let rate = Int((megabits * kilobitsPerMegabit).rounded(.up))
        let best = bestNode(
            role: .ingest, rank: .publisher, out: 0, in: rate, came: came,
            base: { idc in
                Cost(delay: self.access(place, to: idc), price: self.egressPrice(idc), load: 0)
            })
        return answer(best, came: came, role: .ingest, .bestEntry, out: 0, in: rate)
    }

    /// Which node should serve a viewer. What is promised counts as load until the node reports.
    public mutating func admitViewer(
        of stream: StreamIndex, from place: Whereabouts, came: NodeIndex? = nil
    ) -> Admission {
        let number = stream.position
        guard let source = trees[number].source else {
            return .refuse(.notPublished, retryAfter: Admission.retrySeconds)
        }
        let rate = trees[number].rate
        if let use = quotaShortage(of: number) { return .refuse(.quota(use), retryAfter: Admission.retrySeconds) }
        survey.begin()
        for member in trees[number].members where member.isConnected {
            survey.noteMember(Int(member.node))
            let exit = Survey.Exit(
                idc: Int(member.idc), place: 0, relay: -1, load: 0, delay: Double(member.delay), hops: 0)
            survey.offer(exit)
        }
        let start = nodes[source.node].idc
        let best = bestNode(
            role: .edge, rank: .viewer, out: rate, in: 0, came: came,
            base: { idc in
                let access = self.access(place, to: idc)
                if let here = self.survey.exit(of: idc) { return Cost(delay: access + here.delay, price: 0, load: 0) }
                let path = self.candidates.path(from: start, to: idc, rank: 0)
                return Cost(delay: access, price: path.cost, load: 0)
            })
        return answer(best, came: came, role: .edge, .bestEdge, out: rate, in: 0)
    }

    /// Room for one more of a rank at a node, by its hard marks and what is kept of them; nil when there is room. The
    /// node asks this of its own view when no dispatcher is there.
    public func shortage(at node: NodeIndex, rank: Rank, megabits: Double) -> Shortage? {
        let rate = kilobitsPerMegabit * max(0, min(megabits, Dispatcher.megabitLimit))
        let isPublisher = rank == .publisher
        return nodes[node.position].shortage(
            out: isPublisher ? 0 : Int(rate), in: isPublisher ? Int(rate) : 0, sessions: 1, rank: rank,
            settings.reserves)
    }

    private struct Choice {
        var node: Int
        var cost: Cost
        var runnerUp: Double
        var considered: Int
        /// What the node where the client came would cost, if it has room.
        var cameCost: Cost?
        var isEveryNodeDown: Bool
        var shortage: (node: Int, what: Shortage)?
    }

    private func bestNode(
        role: Roles, rank: Rank, out: Int, in: Int, came: NodeIndex?, base: (Int) -> Cost
    ) -> Choice {
        var choice = Choice(
            node: -1, cost: Cost(delay: .infinity, price: 0, load: 0), runnerUp: .infinity, considered: 0,
            isEveryNodeDown: true)
        for idc in topology.idcs.indices {
            var ground: Cost?
            for node in topology.nodesOfIDC[idc] where nodes[node].isUp {
                guard nodes[node].roles.contains(role) || came?.position == node else { continue }
                choice.isEveryNodeDown = false
                if let short = nodes[node].shortage(out: out, in: `in`, sessions: 1, rank: rank, settings.reserves) {
                    if choice.shortage == nil || came?.position == node { choice.shortage = (node, short) }
                    continue
                }
                let known = ground ?? base(idc)
                ground = known
                var cost = known
                cost.load += admissionLoad(node, role: role, out: out, in: `in`)
                choice.considered += 1
                if came?.position == node { choice.cameCost = cost }
                guard nodes[node].roles.contains(role), cost.total.isFinite else { continue }
                if cost < choice.cost {
                    choice.runnerUp = choice.cost.total
                    choice.cost = cost
                    choice.node = node
                } else {
                    choice.runnerUp = min(choice.runnerUp, cost.total)
                }
            }
        }
        return choice
    }

    private func admissionLoad(_ node: Int, role: Roles, out: Int, in: Int) -> Double {
        if role == .ingest {
            return fillPenalty(max(nodes[node].in.position(adding: `in`), nodes[node].sendingPosition(0)))
        }
        // A node that does not carry the stream yet would have to fetch it first.
        let fetch = survey.isMember(node) ? 0 : settings.weights.hop + CostWeights.insideHop
        return fillPenalty(nodes[node].sendingPosition(out)) + fetch
    }

    private mutating func answer(
        _ choice: Choice, came: NodeIndex?, role: Roles, _ reason: Why.Choice, out: Int, in: Int
    ) -> Admission {
        func why(_ cost: Cost, _ choice: Choice, _ reason: Why.Choice) -> Why {
            Why(.asked, reason, cost: cost, runnerUp: choice.runnerUp, considered: choice.considered)
        }
        if let came, let cost = choice.cameCost,
            choice.node < 0 || cost.total - choice.cost.total <= settings.redirectGain
        {
            promise(came.position, out: out, in: `in`)
            return .admit(came, why(cost, choice, came.position == choice.node ? reason : .goodEnough))
        }
        guard choice.node >= 0 else {
            if choice.isEveryNodeDown { return .refuse(.noNode(role), retryAfter: Admission.retrySeconds) }
            if let (node, what) = choice.shortage {
                return .refuse(.full(NodeIndex(node), what), retryAfter: Admission.retrySeconds)
            }
            return .refuse(.noPath, retryAfter: Admission.retrySeconds)
        }
        promise(choice.node, out: out, in: `in`)
        let node = NodeIndex(choice.node)
        return came == nil || came == node
            ? .admit(node, why(choice.cost, choice, reason)) : .redirect(to: node, why(choice.cost, choice, reason))
    }

    private mutating func promise(_ node: Int, out: Int, in: Int) {
        nodes[node].out.pending += out
        nodes[node].in.pending += `in`
        nodes[node].sessions.pending += 1
    }

    /// The weighted round trip between a client and an IDC.
    private func access(_ place: Whereabouts, to idc: Int) -> Double {
        let here = topology.idcs[idc]
        let rtt: Double
        switch place {
        case .at(let coordinates):
            if let there = here.coordinates {
                rtt =
                    coordinates.fibreRTT(to: there) * Topology.LinkClass.Latency.usualFactor
                    + Topology.LinkClass.Latency.usualBase
            } else {
                rtt = Dispatcher.strangeRTT
            }
        case .region(let name): rtt = here.region == name ? Dispatcher.regionRTT : Dispatcher.abroadRTT
        case .unknown: rtt = Dispatcher.strangeRTT
        }
        return rtt * max(settings.weights.delay, Dispatcher.leastAccessWeight)
    }

    /// Milliseconds assumed to an IDC of the client's region, to one of another, and where nothing is known.
    static let regionRTT = 20.0
    static let abroadRTT = 150.0
    static let strangeRTT = 75.0
    /// Clients are sent near even where trees are built for price alone.
    static let leastAccessWeight = 0.1

    /// The weighted price at which traffic leaves an IDC: the mean of its usable links.
    private func egressPrice(_ idc: Int) -> Double {
        var sum = 0.0
        var count = 0.0
        for other in topology.idcs.indices where other != idc && links[pair(idc, other)].isUsable {
            sum += links[pair(idc, other)].price
            count += 1
        }
        return count > 0 ? sum / count : 0
    }
}

/// A place's route: its parent as the tree has it, and whom to turn to when that fails.
///
/// A backup shares neither node nor link between IDCs with the primary where the network allows it, never leads
/// through the node that asks, and never through the primary parent (unless that is the source, which everything
/// leads to). So two children of one dead parent cannot fall back on each other. Nodes of an IDC whose parent stands
/// in the IDC fall back on the same spare relay of the IDC: however many they are, one copy enters.
///
/// Part of every join, and in a tree of hundreds of members the greater part: ways are weighed as places and numbers,
/// and only those that are kept are written out.
extension Dispatcher {
    /// What backups of one place are measured against.
    private struct Primary {
        /// From the source to the parent.
        let path: [NodeIndex]
        let node: Int
        let idc: Int
        let source: Int
        /// The source's place in the tree.
        let root: Int
        let parent: Int
        /// The parent stands in the node's own IDC.
        let isInside: Bool
        /// Hops that hang below the node.
        let height: Int
        /// The spare relay of the node's IDC; -1 for none.
        var spare = -1

        func contains(_ node: Int) -> Bool { path.contains { $0.position == node } }
    }

    func route(_ stream: Int, _ place: Int) -> Route {
        let member = trees[stream].members[place]
        let node = Int(member.node)
        guard member.parent >= 0, member.isConnected, let root = trees[stream].root else {
            return Route(stream: StreamIndex(stream), node: NodeIndex(node), parents: [])
        }
        let above = trees[stream].members[Int(member.parent)]
        let path = trees[stream].path(to: Int(member.parent))
        var parents: [Route.Parent] = []
        parents.reserveCapacity(1 + settings.backups)
        parents.append(Route.Parent(path: path, isWarm: true, shared: 0))
        let primary = Primary(
            path: path, node: node, idc: Int(member.idc), source: Int(trees[stream].members[root].node), root: root,
            parent: Int(above.node), isInside: above.idc == member.idc, height: trees[stream].height(of: place))
        if settings.backups > 0 {
            for backup in backups(stream, primary).found {
                parents.append(
                    Route.Parent(path: backup.path(in: trees[stream]), isWarm: backup.isWarm, shared: backup.shared))
            }
        }
        return Route(stream: StreamIndex(stream), node: NodeIndex(node), parents: parents)
    }

    private func backups(_ stream: Int, _ known: Primary) -> Fallbacks {
        var primary = known
        primary.spare = spare(stream, primary.idc, primary)
        var backups = Fallbacks(limit: settings.backups)
        warmBackups(stream, primary, into: &backups)
        if !backups.isFull || backups.found.contains(where: { $0.shared > 0 }) {
            coldBackups(stream, primary, into: &backups)
        }
        if !backups.isApart { detour(stream, primary, into: &backups) }
        return backups
    }

    /// Members that could send to the node as the tree stands; from another IDC to one whose parent stands in its own
    /// only by way of the spare relay there, for each of its siblings would fetch a copy of its own.
    private func warmBackups(_ stream: Int, _ primary: Primary, into backups: inout Fallbacks) {
        let idc = primary.idc
        let rate = trees[stream].rate
        let deepest = settings.hopLimit - primary.height
        // What a member must beat, once enough are found: the worst of them.
        var worstDelay = Double.infinity
        var worstShared = Int.max
        // What one must beat that comes by way of the spare relay: the best that does.
        var rivalDelay = Double.infinity
        var rivalShared = Int.max
        for place in trees[stream].members.indices {
            let member = trees[stream].members[place]
            let node = Int(member.node)
            guard member.mayRelay || node == primary.source, member.isConnected else { continue }
            let here = Int(member.idc)
            let isWarm = !primary.isInside || here == idc
            guard isWarm || primary.spare >= 0, Int(member.hops) + (isWarm ? 1 : 2) <= deepest, node != primary.parent
            else { continue }
            // Most are too far off whatever their link is like, and looking at links is the dearest part of this.
            let reach = Double(member.delay)
            if worstShared == 0, reach >= worstDelay { continue }
            if !isWarm, rivalShared == 0, reach > rivalDelay { continue }
            let link = pair(here, idc)
            let delay = reach + links[link].quality
            if worstShared == 0, delay >= worstDelay { continue }
            if !isWarm, rivalShared == 0, delay > rivalDelay { continue }
            var way = Fallback(from: place, member: node, head: isWarm ? -1 : primary.spare, delay: delay)
            guard here == idc || links[link].isUsable, nodes[node].isUp, nodes[node].out.fits(rate),
                !trees[stream].standsBy(node), let shared = overlap(stream, way, primary)
            else { continue }
            if (worstShared, worstDelay) <= (shared, delay) { continue }
            if !isWarm, (rivalShared, rivalDelay) < (shared, delay) { continue }
            way.shared = shared
            backups.offer(way, in: trees[stream])
            if let rival = primary.isInside ? backups.rival(at: primary.spare) : nil {
                rivalShared = rival.shared
                rivalDelay = rival.delay
            }
            if backups.isFull, let worst = backups.found.last, worst.isWarm || !primary.isInside {
                worstShared = worst.shared
                worstDelay = worst.delay
            }
        }
    }

    /// What a way shares with the primary; nil when it leads through the asker or the primary parent.
    private func overlap(_ stream: Int, _ way: Fallback, _ primary: Primary) -> Int? {
        var below = primary.idc
        var shared = 0
        let behind: InlineArray<3, Int> = [way.head, way.second, way.first]
        for number in behind.indices where behind[number] >= 0 {
            let node = behind[number]
            guard let more = overlap(node, topology.idcOfNode[node], below, primary) else { return nil }
            shared += more
            below = topology.idcOfNode[node]
        }
        var here = way.place
        while here >= 0 {
            let member = trees[stream].members[here]
            guard let more = overlap(Int(member.node), Int(member.idc), below, primary) else { return nil }
            shared += more
            below = Int(member.idc)
            here = Int(member.parent)
        }
        return shared
    }

    /// The same of one node and of the link from its IDC to the next.
    @inline(__always)
    private func overlap(_ node: Int, _ idc: Int, _ below: Int, _ primary: Primary) -> Int? {
        if node == primary.node { return nil }
        var shared = 0
        if node != primary.source {
            if node == primary.parent { return nil }
            if primary.contains(node) { shared = 1 }
        }
        return idc != below && crosses(primary, idc, below) ? shared + 1 : shared
    }

    /// Whether the primary uses the link between two IDCs.
    private func crosses(_ primary: Primary, _ from: Int, _ to: Int) -> Bool {
        for number in primary.path.indices where topology.idcOfNode[primary.path[number].position] == from {
            let next = number + 1 < primary.path.count ? primary.path[number + 1].position : primary.node
            if topology.idcOfNode[next] == to { return true }
        }
        return false
    }

    /// Relays that do not carry the stream and would fetch it from the source when asked, by the candidate paths.
    private func coldBackups(_ stream: Int, _ primary: Primary, into backups: inout Fallbacks) {
        let start = topology.idcOfNode[primary.source]
        let idc = primary.idc
        for head in heads(primary) {
            if start == idc {
                offerCold(stream, -1, -1, head, primary, delay: 0, to: &backups)
                continue
            }
            for rank in 0..<CandidateTable.width {
                let path = candidates.path(from: start, to: idc, rank: rank)
                guard path.exists else { break }
                let (one, two) = (Int(path.first), Int(path.second))
                guard isOpen(start, one, two, idc), let relays = spares(stream, one, two, primary) else { continue }
                offerCold(stream, relays.first, relays.second, head, primary, delay: path.cost, to: &backups)
            }
        }
    }

    /// Whether every link of a candidate path is usable.
    private func isOpen(_ start: Int, _ one: Int, _ two: Int, _ end: Int) -> Bool {
        guard one >= 0 else { return links[pair(start, end)].isUsable }
        guard links[pair(start, one)].isUsable else { return false }
        guard two >= 0 else { return links[pair(one, end)].isUsable }
        return links[pair(one, two)].isUsable && links[pair(two, end)].isUsable
    }

    private func offerCold(
        _ stream: Int, _ first: Int, _ second: Int, _ head: Int, _ primary: Primary, delay: Double,
        to backups: inout Fallbacks
    ) {
        var way = Fallback(
            from: primary.root, member: primary.source, by: first, second, head: head, delay: delay)
        guard 1 + way.length + primary.height <= settings.hopLimit, way.last != primary.parent,
            let shared = overlap(stream, way, primary)
        else { return }
        way.shared = shared
        backups.offer(way, in: trees[stream])
    }

    /// What may stand before the asker, -1 for nothing: the spare relay of its IDC; nothing, where there is none or
    /// the asker takes the stream in.
    private func heads(_ primary: Primary) -> [Int] {
        if primary.spare < 0 { return [-1] }
        return primary.isInside ? [primary.spare] : [-1, primary.spare]
    }

    /// A spare relay for each of at most two IDCs (-1: none is asked for); nil where one cannot be had.
    private func spares(_ stream: Int, _ one: Int, _ two: Int, _ primary: Primary) -> (first: Int, second: Int)? {
        var relays = (first: -1, second: -1)
        if one >= 0 {
            guard !trees[stream].isCarried(in: one) else { return nil }
            relays.first = spare(stream, one, primary)
            guard relays.first >= 0 else { return nil }
        }
        if two >= 0 {
            guard !trees[stream].isCarried(in: two) else { return nil }
            relays.second = spare(stream, two, primary)
            guard relays.second >= 0 else { return nil }
        }
        return relays
    }

    /// The relay of an IDC that all who look for one choose alike, another for each stream: the highest of the
    /// scrambled pairs of stream and relay; -1 when there is none.
    private func spare(_ stream: Int, _ idc: Int, _ primary: Primary) -> Int {
        var best = -1
        var bestScore = UInt64.min
        let rate = trees[stream].rate
        for node in relaysOfIDC[idc] where node != primary.node {
            let score = scramble(UInt64(stream) << 20 | UInt64(node))
            // The look through the members comes last: it is the longest.
            guard best < 0 || score > bestScore, nodes[node].isOrdinaryRelay, nodes[node].out.fits(rate),
                nodes[node].in.fits(rate), !primary.contains(node), !trees[stream].standsBy(node),
                trees[stream].member(at: node) == nil
            else { continue }
            best = node
            bestScore = score
        }
        return best
    }

    /// Where nothing found so far is apart from the primary: any way from the source over other IDCs and links.
    private func detour(_ stream: Int, _ primary: Primary, into backups: inout Fallbacks) {
        let start = topology.idcOfNode[primary.source]
        let idc = primary.idc
        guard start != idc else { return }
        let heads = heads(primary)
        let room = settings.hopLimit - primary.height - 1 - (heads.contains(-1) ? 0 : 1)
        guard room > 0 else { return }
        var isCarried = [Bool](repeating: false, count: topology.idcs.count)
        for member in trees[stream].members where member.isConnected { isCarried[Int(member.idc)] = true }
        let open = topology.idcs.indices.filter { $0 != idc && !isCarried[$0] && !relaysOfIDC[$0].isEmpty }
        func offer(_ one: Int, _ two: Int) {
            guard let relays = spares(stream, one, two, primary) else { return }
            for head in heads {
                offerCold(
                    stream, relays.first, relays.second, head, primary, delay: .greatestFiniteMagnitude, to: &backups)
            }
        }
        for one in open where links[pair(start, one)].isUsable && links[pair(one, idc)].isUsable {
            offer(one, -1)
            if backups.isApart { return }
        }
        guard room > 1 else { return }
        let lasts = open.filter { links[pair($0, idc)].isUsable }
        for one in open where links[pair(start, one)].isUsable && spare(stream, one, primary) >= 0 {
            for two in lasts where two != one && links[pair(one, two)].isUsable {
                offer(one, two)
                if backups.isApart { return }
            }
        }
    }
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
func scramble(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
}

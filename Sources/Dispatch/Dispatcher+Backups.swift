/// A place's route: its parent as the tree has it, and whom to turn to when that fails.
///
/// A backup shares neither node nor link between IDCs with the primary where the network allows it, never leads
/// through the node that asks, and never through the primary parent (unless that is the source, which everything
/// leads to). So two children of one dead parent cannot fall back on each other. Nodes of an IDC whose parent stands
/// in the IDC fall back on the same spare relay of the IDC: however many they are, one copy enters.
extension Dispatcher {
    /// A way that may become a backup.
    private struct Fallback {
        let path: [Int]
        let isWarm: Bool
        let shared: Int
        let delay: Double
    }

    /// What backups of one place are measured against.
    private struct Primary {
        /// From the source to the parent.
        let path: [Int]
        let node: Int
        let source: Int
        /// Hops that hang below the node.
        let height: Int
    }

    func route(_ stream: Int, _ place: Int) -> Route {
        let member = trees[stream].members[place]
        let node = Int(member.node)
        let asker = NodeIndex(node)
        guard member.parent >= 0, member.isConnected, let source = trees[stream].source else {
            return Route(stream: StreamIndex(stream), node: asker, parents: [])
        }
        let path = trees[stream].path(to: Int(member.parent))
        let primary = Primary(
            path: path, node: node, source: source.node, height: trees[stream].height(of: place))
        var parents = [parent(path, isWarm: true, shared: 0)]
        for backup in backups(stream, primary) {
            parents.append(parent(backup.path, isWarm: backup.isWarm, shared: backup.shared))
        }
        return Route(stream: StreamIndex(stream), node: asker, parents: parents)
    }

    private func parent(_ path: [Int], isWarm: Bool, shared: Int) -> Route.Parent {
        Route.Parent(path: path.map { NodeIndex($0) }, isWarm: isWarm, shared: shared)
    }

    private func backups(_ stream: Int, _ primary: Primary) -> [Fallback] {
        guard settings.backups > 0 else { return [] }
        var found: [Fallback] = []
        warmBackups(stream, primary, into: &found)
        if found.count < settings.backups || found.contains(where: { $0.shared > 0 }) {
            coldBackups(stream, primary, into: &found)
        }
        if !found.contains(where: { $0.shared == 0 }) { detour(stream, primary, into: &found) }
        return found
    }

    /// Keeps the best few, sorted.
    private func offer(_ fallback: Fallback, to found: inout [Fallback]) {
        guard !found.contains(where: { $0.path.last == fallback.path.last }) else {
            guard let same = found.firstIndex(where: { $0.path.last == fallback.path.last }),
                isBetter(fallback, than: found[same])
            else { return }
            found.remove(at: same)
            offer(fallback, to: &found)
            return
        }
        let place = found.firstIndex { isBetter(fallback, than: $0) } ?? found.count
        guard place < settings.backups else { return }
        found.insert(fallback, at: place)
        if found.count > settings.backups { found.removeLast() }
    }

    private func isBetter(_ one: Fallback, than other: Fallback) -> Bool {
        if one.shared != other.shared { return one.shared < other.shared }
        if one.isWarm != other.isWarm { return one.isWarm }
        if one.delay != other.delay { return one.delay < other.delay }
        return one.path.lexicographicallyPrecedes(other.path)
    }

    /// Members that could send to the node as the tree stands; from another IDC to one whose parent stands in its own
    /// only by way of the spare relay there, for each of its siblings would fetch a copy of its own.
    private func warmBackups(_ stream: Int, _ primary: Primary, into found: inout [Fallback]) {
        let tree = trees[stream]
        let idc = nodes[primary.node].idc
        let isInside = nodes[primary.path[primary.path.count - 1]].idc == idc
        let head = isInside ? spare(stream, idc, primary) : nil
        // What a member must beat, once enough are found: the worst of them.
        var worstDelay = Double.infinity
        var worstShared = Int.max
        for place in tree.members.indices {
            let member = tree.members[place]
            guard member.mayRelay || Int(member.node) == primary.source else { continue }
            let here = Int(member.idc)
            let isWarm = !isInside || here == idc
            let delay = Double(member.delay) + links[pair(here, idc)].quality
            if worstShared == 0, delay >= worstDelay { continue }
            let node = Int(member.node)
            guard member.isConnected, isWarm || head != nil, node != primary.path.last,
                Int(member.hops) + (isWarm ? 1 : 2) + primary.height <= settings.hopLimit,
                here == idc || links[pair(here, idc)].isUsable, nodes[node].isUp, nodes[node].out.fits(tree.rate),
                let shared = shared(tree, place, primary)
            else { continue }
            if (worstShared, worstDelay) <= (shared, delay) { continue }
            let path = tree.path(to: place) + (isWarm ? [] : head.map { [$0] } ?? [])
            offer(Fallback(path: path, isWarm: isWarm, shared: shared, delay: delay), to: &found)
            if found.count == settings.backups, let worst = found.last, worst.isWarm || !isInside {
                worstShared = worst.shared
                worstDelay = worst.delay
            }
        }
    }

    /// What a member's path shares with the primary; nil when it leads through the asker or the primary parent.
    private func shared(_ tree: StreamTree, _ place: Int, _ primary: Primary) -> Int? {
        var here = place
        var below = nodes[primary.node].idc
        var shared = 0
        while here >= 0 {
            let member = tree.members[here]
            let node = Int(member.node)
            if node == primary.node { return nil }
            if node != primary.source {
                if node == primary.path.last { return nil }
                if primary.path.contains(node) { shared += 1 }
            }
            if Int(member.idc) != below, crosses(primary, Int(member.idc), below) { shared += 1 }
            below = Int(member.idc)
            here = Int(member.parent)
        }
        return shared
    }

    /// The same of a path that is written out.
    private func shared(_ path: [Int], _ primary: Primary) -> Int? {
        var shared = 0
        for (number, node) in path.enumerated() {
            if node == primary.node { return nil }
            if node != primary.source {
                if node == primary.path.last { return nil }
                if primary.path.contains(node) { shared += 1 }
            }
            let next = number + 1 < path.count ? path[number + 1] : primary.node
            let (from, to) = (nodes[node].idc, nodes[next].idc)
            if from != to, crosses(primary, from, to) { shared += 1 }
        }
        return shared
    }

    /// Whether the primary uses the link between two IDCs.
    private func crosses(_ primary: Primary, _ from: Int, _ to: Int) -> Bool {
        for number in primary.path.indices where nodes[primary.path[number]].idc == from {
            let next = number + 1 < primary.path.count ? primary.path[number + 1] : primary.node
            if nodes[next].idc == to { return true }
        }
        return false
    }

    /// Relays that do not carry the stream and would fetch it from the source when asked, by the candidate paths.
    private func coldBackups(_ stream: Int, _ primary: Primary, into found: inout [Fallback]) {
        let start = nodes[primary.source].idc
        let idc = nodes[primary.node].idc
        for head in heads(stream, primary) {
            let end = head.map { [$0] } ?? []
            if start == idc {
                offerCold(stream, [primary.source] + end, primary, delay: 0, to: &found)
                continue
            }
            for rank in 0..<CandidateTable.width {
                let path = candidates.path(from: start, to: idc, rank: rank)
                guard path.exists else { break }
                let between = [path.first, path.second].filter { $0 >= 0 }.map { Int($0) }
                guard isOpen([start] + between + [idc]), let relays = spares(stream, between, primary) else { continue }
                offerCold(stream, [primary.source] + relays + end, primary, delay: path.cost, to: &found)
            }
        }
    }

    private func isOpen(_ idcs: [Int]) -> Bool {
        zip(idcs, idcs.dropFirst()).allSatisfy { links[pair($0, $1)].isUsable }
    }

    private func offerCold(
        _ stream: Int, _ path: [Int], _ primary: Primary, delay: Double, to found: inout [Fallback]
    ) {
        guard path.count + primary.height <= settings.hopLimit, path.last != primary.path.last,
            let shared = shared(path, primary)
        else { return }
        let isWarm = path.count == 1
        offer(Fallback(path: path, isWarm: isWarm, shared: shared, delay: delay), to: &found)
    }

    /// What may stand before the asker: a spare relay of its IDC, and nothing where the asker takes the stream in.
    private func heads(_ stream: Int, _ primary: Primary) -> [Int?] {
        let idc = nodes[primary.node].idc
        let isInside = nodes[primary.path[primary.path.count - 1]].idc == idc
        let spare = spare(stream, idc, primary)
        if isInside { return spare.map { [$0] } ?? [nil] }
        return spare.map { [nil, $0] } ?? [nil]
    }

    private func spares(_ stream: Int, _ idcs: [Int], _ primary: Primary) -> [Int]? {
        var relays: [Int] = []
        for idc in idcs {
            guard !trees[stream].isCarried(in: idc), let relay = spare(stream, idc, primary) else { return nil }
            relays.append(relay)
        }
        return relays
    }

    /// The relay of an IDC that all who look for one choose alike, another for each stream: the highest of the
    /// scrambled pairs of stream and relay.
    private func spare(_ stream: Int, _ idc: Int, _ primary: Primary) -> Int? {
        var best: Int?
        var bestScore = UInt64.min
        for node in relaysOfIDC[idc] where nodes[node].isOrdinaryRelay && node != primary.node {
            guard !primary.path.contains(node), trees[stream].member(at: node) == nil,
                nodes[node].out.fits(trees[stream].rate), nodes[node].in.fits(trees[stream].rate)
            else { continue }
            let score = scramble(UInt64(stream) << 20 | UInt64(node))
            if best == nil || score > bestScore {
                best = node
                bestScore = score
            }
        }
        return best
    }

    /// Where nothing found so far is apart from the primary: any way from the source over other IDCs and links.
    private func detour(_ stream: Int, _ primary: Primary, into found: inout [Fallback]) {
        let start = nodes[primary.source].idc
        let idc = nodes[primary.node].idc
        guard start != idc else { return }
        var isCarried = [Bool](repeating: false, count: topology.idcs.count)
        for member in trees[stream].members where member.isConnected { isCarried[Int(member.idc)] = true }
        let open = topology.idcs.indices.filter { $0 != idc && !isCarried[$0] && !relaysOfIDC[$0].isEmpty }
        guard !open.isEmpty else { return }
        let firsts = open.filter { links[pair(start, $0)].isUsable && spares(stream, [$0], primary) != nil }
        let lasts = open.filter { links[pair($0, idc)].isUsable }
        let ends = heads(stream, primary).map { $0.map { [$0] } ?? [] }
        func offerFirst(_ between: [Int], _ shared: inout Bool) {
            guard let relays = spares(stream, between, primary) else { return }
            for end in ends {
                offerCold(stream, [primary.source] + relays + end, primary, delay: .greatestFiniteMagnitude, to: &found)
            }
            shared = !found.contains { $0.shared == 0 }
        }
        var isShared = true
        for one in firsts where isShared && lasts.contains(one) { offerFirst([one], &isShared) }
        for one in firsts where isShared {
            for two in lasts where isShared && two != one && links[pair(one, two)].isUsable {
                offerFirst([one, two], &isShared)
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

/// What is tried when every candidate path is out. None of this is quick; all of it is rare.
extension Dispatcher {
    /// The cheapest way with at most two IDCs between, over whatever still lives: lossy links, links and relays
    /// beyond their soft marks, and the relays that are kept in reserve.
    mutating func lastResort(_ quest: Quest) -> Way? {
        let count = topology.idcs.count
        let deepest = settings.hopLimit - quest.below
        let relays = (0..<count).map { idc in
            survey.carries(idc) || idc == quest.into ? (node: -1, load: 0) : anyRelay(idc, rate: quest.rate)
        }
        var reach = [Way?](repeating: nil, count: count)
        var best: Way?
        for exit in survey.exits where exit.idc != quest.into && exit.hops < deepest {
            let cost = Cost(delay: exit.delay * quest.audience, price: 0, load: exit.load)
            let start = Way(exit: exit, path: .none, cost: cost, isLastResort: true)
            extend(start, from: exit.idc, to: quest.into, quest, load: 0, into: &best)
            guard exit.hops + 1 < deepest else { continue }
            for idc in 0..<count where relays[idc].node >= 0 {
                extend(start, from: exit.idc, to: idc, quest, load: relays[idc].load, into: &reach[idc])
            }
        }
        for first in 0..<count {
            guard let way = reach[first] else { continue }
            extend(way, from: first, to: quest.into, quest, load: 0, into: &best)
            guard way.exit.hops + 2 < deepest else { continue }
            for second in 0..<count where relays[second].node >= 0 && second != first {
                var longer: Way?
                extend(way, from: first, to: second, quest, load: relays[second].load, into: &longer)
                guard let longer else { continue }
                extend(longer, from: second, to: quest.into, quest, load: 0, into: &best)
            }
        }
        guard let best else { return nil }
        for idc in [best.path.first, best.path.second] where idc >= 0 {
            survey.noteRelay(relays[Int(idc)].node, load: relays[Int(idc)].load, of: Int(idc))
        }
        return best
    }

    /// Offers `way` lengthened by one link.
    private func extend(_ way: Way, from: Int, to: Int, _ quest: Quest, load: Double, into best: inout Way?) {
        let link = links[pair(from, to)]
        guard link.isLastResort, link.fill.fits(quest.rate) else { return }
        if quest.checksCopies, trees[quest.stream].uses(from: from, to: to) { return }
        var longer = way
        longer.cost = way.cost + hopCost(pair(from, to), quest.rate, audience: quest.audience)
        longer.cost.load += load
        longer.considered += 1
        if to != quest.into {
            if longer.path.first < 0 { longer.path.first = Int16(to) } else { longer.path.second = Int16(to) }
        }
        if let known = best, known.cost <= longer.cost { return }
        best = longer
    }

    /// The freest relay of an IDC that is not in the surveyed tree, the reserve included.
    func anyRelay(_ idc: Int, rate: Int) -> (node: Int, load: Double) {
        var best = (node: -1, load: Double.infinity)
        for node in relaysOfIDC[idc] where nodes[node].isUp && !survey.isMember(node) {
            guard let load = relayingLoad(node, rate), load < best.load else { continue }
            best = (node, load)
        }
        return best
    }

    /// A way from the source itself, where every other would pass the hop limit: IDCs on that way that carry the
    /// stream already, deeper down, are moved up to it. Call after `surveyExits`.
    mutating func regraft(_ quest: Quest, node: Int, trigger: Why.Trigger) -> Why? {
        guard !survey.carries(quest.into), let source = trees[quest.stream].source else { return nil }
        let start = nodes[source.node].idc
        guard let path = shortestFromSource(start, quest) else { return nil }
        var moved = 0
        guard var parent = trees[quest.stream].root else { return nil }
        for idc in path {
            if survey.carries(idc), let exit = survey.exit(of: idc) {
                if lift(quest.stream, exit.place, below: parent) { moved += 1 }
                parent = exit.relay >= 0 ? recruit(quest.stream, exit.relay, below: exit.place) : exit.place
            } else {
                let relay = anyRelay(idc, rate: quest.rate)
                parent = recruit(quest.stream, relay.node, below: parent)
            }
        }
        if quest.entry != node { parent = recruit(quest.stream, quest.entry, below: parent) }
        let place = trees[quest.stream].member(at: node) ?? addMember(quest.stream, node)
        hang(quest.stream, place, below: parent)
        let cost = Cost(delay: Double(trees[quest.stream].members[place].delay), price: 0, load: 0)
        return Why(trigger, .regrafted(moved: moved), cost: cost)
    }

    /// Moves the member that brings the stream to `place` into its IDC below `parent`, unless it hangs as high.
    private mutating func lift(_ stream: Int, _ place: Int, below parent: Int) -> Bool {
        var gateway = place
        while !trees[stream].entersIDC(gateway) { gateway = Int(trees[stream].members[gateway].parent) }
        guard trees[stream].members[gateway].hops > trees[stream].members[parent].hops + 1 else { return false }
        unhang(stream, gateway)
        hang(stream, gateway, below: parent)
        return true
    }

    /// The IDCs between the source's and the wanted one, as few as can be, then the cheapest.
    private func shortestFromSource(_ start: Int, _ quest: Quest) -> [Int]? {
        guard start != quest.into, let source = trees[quest.stream].source,
            sendingLoad(source.node, quest.rate) != nil
        else { return nil }
        let deepest = settings.hopLimit - quest.below
        if isOpen(start, quest.into, quest) { return deepest >= 1 ? [] : nil }
        let between = topology.idcs.indices.filter { $0 != start && $0 != quest.into && extraHops($0, quest) != nil }
        let firsts = between.filter { isOpen(start, $0, quest) }
        let lasts = between.filter { isOpen($0, quest.into, quest) }
        func least(_ paths: [[Int]]) -> [Int]? {
            paths.filter { $0.reduce($0.count + 1) { $0 + (extraHops($1, quest) ?? 0) } <= deepest }
                .min { weight(of: $0, start, quest) < weight(of: $1, start, quest) }
        }
        if let one = least(firsts.filter { lasts.contains($0) }.map { [$0] }) { return one }
        return least(
            firsts.flatMap { first in
                lasts.filter { $0 != first && isOpen(first, $0, quest) }.map { [first, $0] }
            })
    }

    /// What a path of IDCs weighs.
    private func weight(of path: [Int], _ start: Int, _ quest: Quest) -> Double {
        var here = start
        var sum = 0.0
        for idc in path + [quest.into] {
            sum += hopCost(pair(here, idc), quest.rate, audience: quest.audience).total
            here = idc
        }
        return sum
    }

    private func isOpen(_ from: Int, _ to: Int, _ quest: Quest) -> Bool {
        let link = links[pair(from, to)]
        guard link.isLastResort, link.fill.fits(quest.rate) else { return false }
        return survey.carries(to) || !quest.checksCopies || !trees[quest.stream].uses(from: from, to: to)
    }

    /// Hops that a path spends inside an IDC; nil where nothing there can pass the stream on.
    private func extraHops(_ idc: Int, _ quest: Quest) -> Int? {
        guard survey.carries(idc) else { return anyRelay(idc, rate: quest.rate).node >= 0 ? 0 : nil }
        guard let exit = survey.exit(of: idc) else { return nil }
        var gateway = exit.place
        var hops = exit.relay >= 0 ? 1 : 0
        while !trees[quest.stream].entersIDC(gateway) {
            gateway = Int(trees[quest.stream].members[gateway].parent)
            hops += 1
        }
        return hops
    }

    /// Whether anything that lives joins the source to the IDC, however full and however long.
    func isJoined(_ stream: Int, to idc: Int) -> Bool {
        guard let source = trees[stream].source else { return false }
        var seen = [Bool](repeating: false, count: topology.idcs.count)
        var open = [nodes[source.node].idc]
        seen[open[0]] = true
        while let here = open.popLast() {
            if here == idc { return true }
            for next in topology.idcs.indices where !seen[next] && links[pair(here, next)].isLastResort {
                guard next == idc || relaysOfIDC[next].contains(where: { nodes[$0].isUp }) else { continue }
                seen[next] = true
                open.append(next)
            }
        }
        return false
    }
}

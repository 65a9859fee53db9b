/// Taking in what nodes report: loads, measurements, and what they carry.
///
/// Where plan and report differ about a parent, the report is right: the node chose among its candidates by what it
/// measured, and it works. So a dispatcher that starts anew takes in the reports and moves nothing.
extension Dispatcher {
    /// Only a link that loses too much from now on makes this move something.
    public mutating func take(_ report: NodeReport) -> Replan {
        let node = report.node.position
        takeLoad(report)
        var replan = Replan()
        for measurement in report.measurements { take(measurement, at: node, into: &replan) }
        if let streams = report.streams { reconcile(node, streams, into: &replan) }
        return replan
    }

    private mutating func takeLoad(_ report: NodeReport) {
        let node = report.node.position
        let before = nodes[node].relayingPosition(0)
        nodes[node].out.measured(kilobits(report.megabitsOut))
        nodes[node].in.measured(kilobits(report.megabitsIn))
        nodes[node].sessions.measured(max(0, min(report.sessions, Int(TopologyCheck.sessionLimit))))
        nodes[node].cpu = report.cpu.isFinite ? max(0, min(1, report.cpu)) : 1
        let after = nodes[node].relayingPosition(0)
        if (before < 1) != (after < 1) || (before < 2) != (after < 2) { relayChanged(node) }
    }

    private func kilobits(_ megabits: Double) -> Int {
        guard megabits > 0 else { return 0 }
        return Int(min(megabits, TopologyCheck.megabitLimit) * kilobitsPerMegabit)
    }

    private mutating func take(_ seen: NodeReport.Measurement, at node: Int, into replan: inout Replan) {
        let from = nodes[seen.peer.position].idc
        let to = nodes[node].idc
        guard from != to, links[pair(from, to)].exists, seen.rtt >= 0, seen.rtt <= TopologyCheck.rttLimit,
            seen.loss >= 0, seen.loss <= 1
        else { return }
        let wasUsable = links[pair(from, to)].isUsable
        links[pair(from, to)].measured(rtt: seen.rtt, loss: seen.loss, settings)
        let isUsable = links[pair(from, to)].isUsable
        guard wasUsable != isUsable else {
            wantsRefresh = true
            return
        }
        linkChanged(from, to)
        if !isUsable {
            let moved = vacate(IDCIndex(from), IDCIndex(to))
            replan.moves += moved.moves
            replan.lost += moved.lost
        }
    }

    private mutating func reconcile(
        _ node: Int, _ reported: [NodeReport.CarriedStream], into replan: inout Replan
    ) {
        var seen: Set<Int> = []
        for carriage in reported where carriage.stream.position < trees.count {
            seen.insert(carriage.stream.position)
            adopt(carriage, at: node, into: &replan)
        }
        for stream in carried[node].map({ Int($0) }).sorted() where !seen.contains(stream) {
            miss(stream, at: node)
        }
    }

    private mutating func adopt(_ carriage: NodeReport.CarriedStream, at node: Int, into replan: inout Replan) {
        let stream = carriage.stream.position
        if case .publisher(let epoch, let priority) = carriage.role {
            let answer = publish(
                carriage.stream, at: NodeIndex(node), epoch: epoch, priority: priority, megabits: carriage.megabits,
                arrival: .running, seats: false)
            switch answer {
            case .followed(let more, _), .standby(let more):
                replan.fenced += more.fenced
                replan.raised += more.raised
            case .refused(.fenced(let newer)):
                replan.fenced.append(
                    Replan.Fenced(
                        stream: carriage.stream, node: NodeIndex(node), epoch: epoch, byEpoch: newer))
            case .refused: break
            }
        }
        if case .child = carriage.role { takeSeen(carriage.epoch, stream, into: &replan) }
        if trees[stream].rate == 0, carriage.megabits > 0, carriage.megabits <= Dispatcher.megabitLimit {
            setRate(stream, Int((carriage.megabits * kilobitsPerMegabit).rounded(.up)))
        }
        guard nodes[node].condition != .down else { return }
        let isPublisher = if case .publisher = carriage.role { true } else { false }
        guard !isPublisher || trees[stream].source?.node == node || carriage.viewers > 0 else { return }
        let place = trees[stream].member(at: node) ?? addMember(stream, node)
        trees[stream].members[place].missed = 0
        trees[stream].members[place].isWanted = carriage.isWanted && (!isPublisher || carriage.viewers > 0)
        setViewers(stream, place, max(0, min(carriage.viewers, Dispatcher.viewerLimit)))
        if case .child(let parent) = carriage.role, trees[stream].source?.node != node {
            follow(stream, place, parent: parent.position)
        }
        takeClaims(stream, on: node)
        // Relays that became idle may have left, and moved others' places.
        guard let now = trees[stream].member(at: node), trees[stream].source?.node != node else { return }
        let member = trees[stream].members[now]
        if member.claimed < 0, member.parent < 0, !member.isConnected { restless.insert(stream) }
    }

    /// Hangs the member where its report says that it hangs, now or when that parent reports.
    private mutating func follow(_ stream: Int, _ place: Int, parent: Int) {
        let member = trees[stream].members[place]
        if member.parent >= 0, Int(trees[stream].members[Int(member.parent)].node) == parent { return }
        guard parent != Int(member.node) else { return }
        let old = member.parent < 0 ? -1 : Int(trees[stream].members[Int(member.parent)].node)
        if let above = trees[stream].member(at: parent) {
            guard nodes[parent].condition != .down, !trees[stream].hangs(above, below: place) else { return }
            unhang(stream, place)
            hang(stream, place, below: above)
        } else if member.parent < 0 {
            trees[stream].members[place].claimed = Int32(parent)
        } else {
            // The plan has the node elsewhere, and this parent has not said that it carries the stream.
            guard nodes[parent].condition != .down else { return }
            unhang(stream, place)
            trees[stream].members[place].claimed = Int32(parent)
        }
        if old >= 0 { prune(stream, from: old) }
    }

    /// Hangs below a node, which is in the tree now, what claims it as its parent.
    private mutating func takeClaims(_ stream: Int, on node: Int) {
        guard let place = trees[stream].member(at: node) else { return }
        for other in trees[stream].members.indices
        where trees[stream].members[other].claimed == Int32(node) && other != place {
            guard !trees[stream].hangs(place, below: other) else { continue }
            hang(stream, other, below: place)
        }
    }

    /// The plan has the node in a tree that its report leaves out.
    private mutating func miss(_ stream: Int, at node: Int) {
        guard let place = trees[stream].member(at: node) else { return }
        trees[stream].members[place].missed += 1
        guard Int(trees[stream].members[place].missed) >= settings.missedReports,
            trees[stream].members[place].children == 0, trees[stream].source?.node != node
        else {
            trees[stream].members[place].missed = min(trees[stream].members[place].missed, UInt8.max - 1)
            return
        }
        trees[stream].members[place].claimed = -1
        _ = leave(StreamIndex(stream), at: NodeIndex(node))
    }

    /// Ends a rebuild: what claims a parent that never reported, and what hangs on nothing, is seated anew. Everything
    /// that works stays. Call it once the nodes have had time to report.
    public mutating func settle() -> Replan {
        var replan = Replan()
        for stream in trees.indices {
            var drifts = false
            let root = trees[stream].source?.node ?? -1
            for place in trees[stream].members.indices
            where !trees[stream].members[place].isConnected && trees[stream].members[place].node != Int32(root) {
                trees[stream].members[place].claimed = -1
                drifts = true
            }
            if drifts, root >= 0 { reseatAdrift(stream, trigger: .reported, into: &replan) }
            confirm(stream, into: &replan)
            releaseUnwanted(stream)
        }
        return replan
    }
}

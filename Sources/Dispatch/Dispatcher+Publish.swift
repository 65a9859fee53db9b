/// Who publishes a stream: priorities, and epochs that fence.
///
/// Of two publishers under one priority the newer epoch wins and the older is told. Of two under different priorities
/// the higher is followed and the other stands by. Where the last publisher goes, the tree stands and waits.
extension Dispatcher {
    /// The answer to a node where somebody publishes.
    public enum PublishDecision: Hashable, Sendable {
        /// Viewers follow this publisher.
        case followed(Replan, Why)
        /// Another with a higher priority is followed; this one takes over when that one goes.
        case standby(Replan)
        case refused(Refusal)
    }

    public mutating func publish(
        _ stream: StreamIndex, at node: NodeIndex, epoch: UInt64, priority: Int = 0, megabits: Double
    ) -> PublishDecision {
        publish(stream, at: node, epoch: epoch, priority: priority, megabits: megabits, seats: true)
    }

    /// Without `seats` nothing moves yet: what drifts waits for `refresh` or `settle`.
    mutating func publish(
        _ stream: StreamIndex, at node: NodeIndex, epoch: UInt64, priority: Int, megabits: Double, seats: Bool
    ) -> PublishDecision {
        let number = stream.position
        guard megabits > 0, megabits <= Dispatcher.megabitLimit else {
            return .refused(.invalidRate(limitMegabits: Dispatcher.megabitLimit))
        }
        guard nodes[node.position].condition != .down else { return .refused(.nodeDown(node)) }
        let new = StreamTree.Source(node: node.position, epoch: epoch, priority: priority)
        var replan = Replan()
        for old in sources(number) where old.priority == priority && old != new {
            if old.epoch > epoch || (old.epoch == epoch && old.node != node.position) {
                return .refused(.fenced(byEpoch: old.epoch))
            }
        }
        if sources(number).contains(new) { return follow(number, node, replan, megabits: megabits) }
        let fenced = sources(number).filter { $0.priority == priority }
        guard sources(number).count - fenced.count < StreamTree.sourceLimit else {
            return .refused(.tooManyPublishers(limit: StreamTree.sourceLimit))
        }
        for old in fenced {
            drop(number, old)
            guard old.node != node.position else { continue }
            replan.fenced.append(
                Replan.Fenced(stream: stream, node: NodeIndex(old.node), epoch: old.epoch, byEpoch: epoch))
        }
        setRate(number, Int((megabits * kilobitsPerMegabit).rounded(.up)))
        trees[number].standbys.append(new)
        bearSource(number, node: node.position, sign: 1)
        elect(number, trigger: .sourceMoved(to: node), seats: seats, into: &replan)
        return follow(number, node, replan, megabits: nil)
    }

    /// A publish session has ended. An epoch that is not the session's changes nothing.
    public mutating func unpublish(_ stream: StreamIndex, at node: NodeIndex, epoch: UInt64) -> Replan {
        var replan = Replan()
        let gone = sources(stream.position).filter { $0.node == node.position && $0.epoch == epoch }
        guard !gone.isEmpty else { return replan }
        for source in gone { drop(stream.position, source) }
        elect(stream.position, trigger: .sourceMoved(to: node), into: &replan)
        return replan
    }

    /// The publisher that is followed: its node and epoch.
    public func source(of stream: StreamIndex) -> (node: NodeIndex, epoch: UInt64)? {
        trees[stream.position].source.map { (NodeIndex($0.node), $0.epoch) }
    }

    func sources(_ stream: Int) -> [StreamTree.Source] {
        (trees[stream].source.map { [$0] } ?? []) + trees[stream].standbys
    }

    private mutating func follow(
        _ stream: Int, _ node: NodeIndex, _ replan: Replan, megabits: Double?
    ) -> PublishDecision {
        if let megabits { setRate(stream, Int((megabits * kilobitsPerMegabit).rounded(.up))) }
        return trees[stream].source?.node == node.position
            ? .followed(replan, Why(.published, .source)) : .standby(replan)
    }

    /// Forgets a publisher; the tree stays as it is until `elect`.
    mutating func drop(_ stream: Int, _ source: StreamTree.Source) {
        bearSource(stream, node: source.node, sign: -1)
        if trees[stream].source == source { trees[stream].source = nil }
        trees[stream].standbys.removeAll { $0 == source }
    }

    /// Follows the best of the publishers that are known: the highest priority, then the newest epoch.
    mutating func elect(_ stream: Int, trigger: Why.Trigger, seats: Bool = true, into replan: inout Replan) {
        let all = sources(stream)
        let before = trees[stream].source
        let best = all.max { ($0.priority, $0.epoch) < ($1.priority, $1.epoch) }
        trees[stream].source = best
        trees[stream].standbys = all.filter { $0 != best }
        guard let best else {
            relabel(stream)
            restless.remove(stream)
            if !trees[stream].members.isEmpty || before != nil { replan.silent.append(StreamIndex(stream)) }
            releaseUnwanted(stream)
            return
        }
        reroot(stream, at: best.node, releases: seats)
        guard seats else {
            if trees[stream].members.contains(where: { !$0.isConnected && $0.claimed < 0 }) { restless.insert(stream) }
            return
        }
        reseatAdrift(stream, trigger: retriggered(trigger, best), into: &replan)
    }

    private func retriggered(_ trigger: Why.Trigger, _ best: StreamTree.Source) -> Why.Trigger {
        if case .sourceMoved = trigger { .sourceMoved(to: NodeIndex(best.node)) } else { trigger }
    }

    /// Makes the node the top of the tree. What hung above it drifts, with its branches, until it is seated again.
    /// Without `releases` relays stay though nothing hangs on them yet: their children have still to report.
    private mutating func reroot(_ stream: Int, at node: Int, releases: Bool) {
        let place = trees[stream].member(at: node) ?? addMember(stream, node)
        let above = trees[stream].members[place].parent
        let parent = above < 0 ? -1 : Int(trees[stream].members[Int(above)].node)
        unhang(stream, place)
        trees[stream].members[place].claimed = -1
        relabel(stream)
        guard releases else { return }
        if parent >= 0 { prune(stream, from: parent) }
        releaseUnwanted(stream)
    }

    /// Takes out what nobody wants and nothing hangs on: a source's place after the source has gone.
    mutating func releaseUnwanted(_ stream: Int) {
        let idle = trees[stream].members.filter { $0.children == 0 && !$0.isWanted && $0.viewers == 0 }
        for member in idle { prune(stream, from: Int(member.node)) }
    }
}

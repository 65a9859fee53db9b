/// Who publishes a stream, and who of several is followed.
///
/// The highest priority is followed and the others stand by. Of one priority only the newest session stays, and the
/// older is told to end; which is newer says the order in which they were heard of, not their clocks. Where the last
/// publisher goes, the tree stands and waits. `Dispatcher+Epochs.swift` sees to it that viewers, who know nothing but
/// numbers, take each publisher that is followed for newer than the last.
extension Dispatcher {
    /// The answer to a node where somebody publishes.
    public enum PublishDecision: Hashable, Sendable {
        /// Viewers follow this publisher.
        case followed(Replan, Why)
        /// Another with a higher priority is followed; this one takes over when that one goes.
        case standby(Replan)
        case refused(Refusal)
    }

    /// What an announcement says about a session that was not known.
    public enum Arrival: Hashable, Sendable {
        /// It has just begun: of two of one priority it is the newer, whatever the clocks say.
        case begun
        /// It was there before its node was connected: of two of one priority the higher epoch is the newer, as the
        /// dispatcher made sure that saw them begin.
        case running
    }

    /// A node says that somebody publishes there. Saying it again changes at most the rate.
    public mutating func publish(
        _ stream: StreamIndex, at node: NodeIndex, epoch: UInt64, priority: Int = 0, megabits: Double,
        arrival: Arrival = .running
    ) -> PublishDecision {
        publish(stream, at: node, epoch: epoch, priority: priority, megabits: megabits, arrival: arrival, seats: true)
    }

    /// Without `seats` nothing moves yet: what drifts waits for `refresh` or `settle`.
    mutating func publish(
        _ stream: StreamIndex, at node: NodeIndex, epoch: UInt64, priority: Int, megabits: Double, arrival: Arrival,
        seats: Bool
    ) -> PublishDecision {
        let number = stream.position
        guard megabits > 0, megabits <= Dispatcher.megabitLimit else {
            return .refused(.invalidRate(limitMegabits: Dispatcher.megabitLimit))
        }
        guard nodes[node.position].condition != .down else { return .refused(.nodeDown(node)) }
        let own = sources(number).first { $0.node == node.position }
        var new = StreamTree.Source(node: node.position, session: epoch, epoch: epoch, priority: priority)
        if let own, own.isKnown(by: epoch) {
            if own.priority == priority { return repeated(number, own, announced: epoch, megabits) }
            new.epoch = own.epoch
        } else if epoch == 0 || epoch > Dispatcher.epochLimit {
            return .refused(.invalidEpoch(limit: Dispatcher.epochLimit))
        }
        let rivals = sources(number).filter { $0.node != node.position && $0.priority == priority }
        if let told = trees[number].fenced.first(where: { $0.node == node.position && $0.isKnown(by: epoch) }) {
            return .refused(.fenced(byEpoch: fencing(told, by: rivals.first)))
        }
        // What takes the place of another session of its node has begun since that one did.
        let isNews = arrival == .begun || own != nil
        if !isNews, let newer = rivals.first(where: { $0.epoch >= epoch }) {
            return .refused(.fenced(byEpoch: fence(number, new, by: newer)))
        }
        guard own != nil || sources(number).count - rivals.count < StreamTree.sourceLimit else {
            return .refused(.tooManyPublishers(limit: StreamTree.sourceLimit))
        }
        trees[number].highestEpoch = max(trees[number].highestEpoch, epoch)
        trees[number].fenced.removeAll { $0.node == node.position }
        for old in rivals + (own.map { [$0] } ?? []) { drop(number, old) }
        // The tree bears the rate of what is followed.
        if sources(number).allSatisfy({ $0.priority < priority }) { setRate(number, kilobits(perSecond: megabits)) }
        trees[number].standbys.append(new)
        bearSource(number, node: node.position, sign: 1)
        var replan = Replan()
        elect(number, trigger: .sourceMoved(to: node), isNews: isNews, seats: seats, into: &replan)
        let winner = sources(number).first { $0.node == node.position }
        if let winner, winner.epoch > epoch, !replan.raised.contains(where: { $0.node == node }) {
            replan.raised.append(raise(number, winner))
        }
        for old in rivals {
            replan.fenced.append(
                Replan.Fenced(
                    stream: stream, node: NodeIndex(old.node), epoch: old.session,
                    byEpoch: fence(number, old, by: winner)))
        }
        return answer(number, node.position, replan)
    }

    private func kilobits(perSecond megabits: Double) -> Int { Int((megabits * kilobitsPerMegabit).rounded(.up)) }

    /// A session that is known is announced once more, perhaps with the epoch that it was told to take.
    private mutating func repeated(
        _ stream: Int, _ source: StreamTree.Source, announced epoch: UInt64, _ megabits: Double
    ) -> PublishDecision {
        if trees[stream].source == source { setRate(stream, kilobits(perSecond: megabits)) }
        var now = source
        now.session = epoch
        replace(stream, source, by: now)
        var replan = Replan()
        if now.epoch > epoch { replan.raised.append(raise(stream, now)) }
        return answer(stream, source.node, replan)
    }

    private func answer(_ stream: Int, _ node: Int, _ replan: Replan) -> PublishDecision {
        trees[stream].source?.node == node ? .followed(replan, Why(.published, .source)) : .standby(replan)
    }

    /// A publish session has ended. An epoch that is not the session's changes nothing.
    public mutating func unpublish(_ stream: StreamIndex, at node: NodeIndex, epoch: UInt64) -> Replan {
        var replan = Replan()
        trees[stream.position].fenced.removeAll { $0.node == node.position && $0.isKnown(by: epoch) }
        let gone = sources(stream.position).filter { $0.node == node.position && $0.isKnown(by: epoch) }
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

    /// Forgets a publisher; the tree stays as it is until `elect`.
    mutating func drop(_ stream: Int, _ source: StreamTree.Source) {
        bearSource(stream, node: source.node, sign: -1)
        if trees[stream].source == source {
            noteSeen(stream)
            trees[stream].source = nil
        }
        trees[stream].standbys.removeAll { $0 == source }
    }

    /// Follows the best of the publishers that are known. Without `isNews` the choice only repeats what is so already,
    /// as far as is known.
    mutating func elect(
        _ stream: Int, trigger: Why.Trigger, isNews: Bool = true, seats: Bool = true, into replan: inout Replan
    ) {
        if isNews { noteSeen(stream) }
        let all = sources(stream)
        let before = trees[stream].source
        let best = all.max { $0.priority < $1.priority }
        trees[stream].source = best
        trees[stream].standbys = all.filter { $0 != best }
        guard let best else {
            relabel(stream)
            restless.remove(stream)
            if !trees[stream].members.isEmpty || before != nil { replan.silent.append(StreamIndex(stream)) }
            releaseUnwanted(stream)
            return
        }
        putInOrder(stream, isNews: isNews, into: &replan)
        reroot(stream, at: best.node, releases: seats)
        guard seats else {
            if trees[stream].members.contains(where: { !$0.isConnected && $0.claimed < 0 }) { restless.insert(stream) }
            return
        }
        for standby in trees[stream].standbys { relieve(stream, standby.node) }
        reseatAdrift(stream, trigger: retriggered(trigger, best), into: &replan)
    }

    /// Takes off a node what hangs below it: it sends its own publisher's frames now, not those of the source.
    private mutating func relieve(_ stream: Int, _ node: Int) {
        guard let place = trees[stream].member(at: node) else { return }
        cut(stream, trees[stream].children(of: place).map { Int(trees[stream].members[$0].node) })
        prune(stream, from: node)
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

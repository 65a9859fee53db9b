/// The epochs of a stream's publishers, so that each that is followed is newer than those before it.
///
/// A node makes a session's epoch from its clock, and viewers drop what is of an older epoch than they have seen. So
/// when the dispatcher follows a session that is not newer by its number (a clock that is behind, or the return to an
/// encoder that has run all the while), it has the node raise the epoch above every one that was heard of. A publisher
/// that stands by is kept above the followed one in advance: a raise makes its frames begin anew, which costs nobody
/// anything while nobody watches them. The epochs that viewers see rise strictly.
extension Dispatcher {
    /// The highest epoch that a session may begin with. The relay protocol's end at 2^62: nobody can announce one that
    /// leaves no room above it.
    public static let epochLimit: UInt64 = 1 << 61

    /// Viewers have followed the present source.
    mutating func noteSeen(_ stream: Int) {
        let seen = trees[stream].seen
        guard let source = trees[stream].source, source.epoch > seen.epoch || seen.isSession(of: source) else { return }
        trees[stream].seen = StreamTree.Seen(node: source.node, epoch: source.epoch)
    }

    /// Sees to it that the source which was just chosen is newer than what viewers have seen, and that those who stand
    /// by are newer than it. Where it is not news, viewers follow the source already: its number is no reason to
    /// disturb them unless they are known to have seen a higher one.
    mutating func putInOrder(_ stream: Int, isNews: Bool, into replan: inout Replan) {
        guard let source = trees[stream].source else { return }
        if source.epoch <= trees[stream].seen.epoch, !trees[stream].seen.isSession(of: source) {
            replan.raised.append(raiseAnew(stream, source))
            noteSeen(stream)
        }
        if isNews { noteSeen(stream) }
        let seen = trees[stream].seen
        guard let source = trees[stream].source, seen.isSession(of: source) else { return }
        for standby in trees[stream].standbys where standby.epoch <= seen.epoch {
            replan.raised.append(raiseAnew(stream, standby))
        }
    }

    /// Viewers have seen an epoch, by their node's report: the dispatcher may be younger than it.
    mutating func takeSeen(_ epoch: UInt64, _ stream: Int, into replan: inout Replan) {
        guard epoch > trees[stream].seen.epoch, epoch <= Dispatcher.epochLimit else { return }
        trees[stream].highestEpoch = max(trees[stream].highestEpoch, epoch)
        trees[stream].seen = StreamTree.Seen(epoch: epoch)
        putInOrder(stream, isNews: false, into: &replan)
    }

    /// What nodes reported of their publishers is so: from now on it counts as seen.
    mutating func confirm(_ stream: Int, into replan: inout Replan) {
        putInOrder(stream, isNews: true, into: &replan)
    }

    private mutating func raiseAnew(_ stream: Int, _ source: StreamTree.Source) -> Replan.Raise {
        trees[stream].highestEpoch += 1
        var raised = source
        raised.epoch = trees[stream].highestEpoch
        replace(stream, source, by: raised)
        return raise(stream, raised)
    }

    /// The word to its node.
    func raise(_ stream: Int, _ source: StreamTree.Source) -> Replan.Raise {
        Replan.Raise(
            stream: StreamIndex(stream), node: NodeIndex(source.node), epoch: source.session, to: source.epoch)
    }

    mutating func replace(_ stream: Int, _ old: StreamTree.Source, by new: StreamTree.Source) {
        if trees[stream].source == old {
            trees[stream].source = new
        } else if let place = trees[stream].standbys.firstIndex(of: old) {
            trees[stream].standbys[place] = new
        }
    }

    /// Keeps in mind that a session was told to end. Gives the epoch that it is told: above its own in any case, or its
    /// node would not take it for fenced.
    mutating func fence(_ stream: Int, _ loser: StreamTree.Source, by winner: StreamTree.Source?) -> UInt64 {
        trees[stream].fenced.removeAll { $0.node == loser.node }
        if trees[stream].fenced.count == StreamTree.fencedLimit { trees[stream].fenced.removeFirst() }
        trees[stream].fenced.append(loser)
        return fencing(loser, by: winner)
    }

    func fencing(_ loser: StreamTree.Source, by winner: StreamTree.Source?) -> UInt64 {
        max(winner?.epoch ?? 0, loser.epoch + 1)
    }
}

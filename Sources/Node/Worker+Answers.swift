/// Questions to all loops of the node, each answered on its own.
import EventLoop
import Fanout
import Operations

extension Worker {
    private static let snapshotTries = 4

    /// Asks every worker, each on its own loop, and hands the answers to `then` on this one.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (Worker) -> Answer, then: @escaping ([Answer]) -> Void
    ) {
        let poll = LoopBound(Poll(waiting: peers.count, then), on: loop)
        let home = loop.mailbox
        for (peer, mailbox) in zip(peers, peerMailboxes) {
            mailbox.post { loop in
                let answer = question(peer.value(on: loop))
                home.post { loop in poll.value(on: loop).take(answer) }
            }
        }
    }

    private final class Poll<Answer> {
        private var waiting: Int
        private var answers: [Answer] = []
        private let done: ([Answer]) -> Void

        init(waiting: Int, _ done: @escaping ([Answer]) -> Void) {
            self.waiting = waiting
            self.done = done
        }

        func take(_ answer: Answer) {
            answers.append(answer)
            waiting -= 1
            if waiting == 0 { done(answers) }
        }
    }

    func takeSnapshot(_ then: @escaping (NodeSnapshot) -> Void) {
        takeSnapshot(triesLeft: Worker.snapshotTries, then)
    }

    private func takeSnapshot(triesLeft: Int, _ then: @escaping (NodeSnapshot) -> Void) {
        ask(
            { $0.part() },
            then: { [unowned self] parts in
                // A stream on its way from one loop to another was seen by neither.
                let isWhole = triesLeft == 1 || !Snapshot.misses(parts, state.hub)
                if isWhole { then(Snapshot.merge(parts, state)) } else { takeSnapshot(triesLeft: triesLeft - 1, then) }
            })
    }

    private func part() -> Snapshot.Part {
        let pushes = self.pushes.reports
        return Snapshot.Part(
            loop: LoopReport(
                index: loop.index, busy: fanout.busy, sessions: sessions.count,
                flushIntervalMs: Double(fanout.flushPressure)),
            sessions: sessions.values.map(\.report), streams: meters.reports(on: loop).map(withUpstream),
            audiences: fanout.audiences, ratesOut: meters.ratesOut,
            links: sessions.values.compactMap { ($0 as? RelaySession)?.linkReport }, pushes: pushes,
            pushTotals: self.pushes.totals(with: pushes),
            recordings: recordingReports)
    }

    private func withUpstream(_ report: StreamReport) -> StreamReport {
        var report = report
        report.upstream = upstreams.first { $0.name.app == report.app && $0.name.name == report.name }?.report
        return report
    }
}

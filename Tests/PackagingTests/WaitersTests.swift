import EventLoop
import HLS
import Testing

@testable import Packaging

@Suite("Who waits on a shelf") struct WaitersTests {
    private static func part(_ number: UInt32, _ index: UInt32) -> Waiters.Place {
        Waiters.Place(rendition: .main, wait: .part(LivePosition(number: number, part: index)))
    }

    @Test("is taken in the order of coming, when that has come which it waits for, and never twice")
    func take() {
        let loop = Loop(index: 0)
        var waiters = Waiters()
        var tickets: [Waiters.Ticket] = []
        for turn in 0..<30 {
            tickets.append(waiters.add(to: Self.part(7, UInt32(turn % 3)), loop.mailbox) { _, _ in })
        }
        #expect(waiters.count == 30)
        let unknown = Waiters.Ticket(place: Self.part(7, 0), number: 9_999)
        for ticket in [tickets[3], tickets[0], tickets[27], tickets[3], unknown] { waiters.remove(ticket) }
        #expect(waiters.count == 27)
        let taken = waiters.take { $0 == Self.part(7, 0) }
        #expect(taken.map(\.place) == [Self.part(7, 0)])
        #expect(
            taken[0].waiters.map(\.number)
                == stride(from: 0, to: 30, by: 3).map { tickets[$0] }.filter {
                    ![tickets[3], tickets[0], tickets[27]].contains($0)
                }.map(\.number))
        #expect(waiters.take { $0 == Self.part(7, 0) }.isEmpty)
        waiters.remove(tickets[6])
        #expect(waiters.count == 20 && !waiters.isEmpty)
        #expect(waiters.take { _ in true }.map(\.waiters.count).reduce(0, +) == 20)
        #expect(waiters.isEmpty)
    }

    @Test("each place is asked about once, however many wait there")
    func asked() {
        let loop = Loop(index: 0)
        var waiters = Waiters()
        for turn in 0..<5_000 { _ = waiters.add(to: Self.part(1, UInt32(turn % 2)), loop.mailbox) { _, _ in } }
        var asked = 0
        _ = waiters.take { _ in
            asked += 1
            return false
        }
        #expect(asked == 2)
        #expect(waiters.count == 5_000)
    }

    @Test("wakes each loop with one job")
    func wake() {
        let loops = [Loop(index: 0), Loop(index: 1)]
        let woken = Lock<[Int]>([])
        var waiters = Waiters()
        for turn in 0..<10 {
            _ = waiters.add(to: Self.part(1, 0), loops[turn % 2].mailbox) { loop, _ in
                woken.with { $0.append(loop.index) }
            }
        }
        Waiters.wake(waiters.take { _ in true })
        loops[1].turn()
        #expect(woken.with { $0 } == [1, 1, 1, 1, 1])
        loops[0].turn()
        #expect(woken.with { $0 }.count == 10)
    }
}

import HLS
import Testing

@Suite("Blocking reloads") struct BlockingReloadTests {
    /// Segment 20 is whole with ten parts, 21 has three.
    private let state = PlaylistState(
        isReady: true, isEnded: false, canBlockReload: true, target: 2, partTarget: 200_000, lastNumber: 20,
        lastPart: LivePosition(number: 21, part: 2))

    /// Segment 20 is whole with ten parts, and nothing is open.
    private var between: PlaylistState {
        var state = state
        state.lastPart = LivePosition(number: 20, part: 9)
        return state
    }

    private func decide(_ number: UInt32?, _ part: UInt32? = nil, _ state: PlaylistState? = nil)
        -> BlockingReload.Decision
    {
        BlockingReload.decide(PlaylistRequest(number: number, part: part), state ?? self.state)
    }

    private func wait(_ number: UInt32, _ part: UInt32) -> BlockingReload.Decision {
        .wait(.part(LivePosition(number: number, part: part)))
    }

    @Test("what is there is answered at once, and so is what was there once")
    func now() {
        #expect(decide(nil) == .now)
        #expect(decide(20) == .now && decide(3) == .now)
        #expect(decide(21, 2) == .now && decide(21, 0) == .now && decide(20, 9) == .now && decide(3, 70) == .now)
    }

    @Test("a segment is awaited until it is whole, a part until it is there")
    func waits() {
        #expect(decide(21) == .wait(.segment(21)) && decide(22) == .wait(.segment(22)))
        #expect(decide(21, 3) == wait(21, 3) && decide(22, 0) == wait(22, 0))
        #expect(state.patience == 6_000)
    }

    @Test("a part behind a segment's last is the first of the next")
    func behindLast() {
        #expect(decide(20, 10, between) == wait(20, 10) && decide(20, 4_000, between) == wait(20, 4_000))
        let position = LivePosition(number: 20, part: 10)
        #expect(!BlockingReload.isOver(.part(position), in: between))
        var next = between
        next.lastPart = LivePosition(number: 21, part: 0)
        #expect(BlockingReload.isOver(.part(position), in: next))
        #expect(decide(20, 10) == .now)
    }

    @Test("more than two segments ahead is a bad request")
    func tooFar() {
        #expect(decide(23) == .badRequest(.tooFarAhead(last: 20)))
        #expect(decide(23, 0) == .badRequest(.tooFarAhead(last: 20)))
        #expect(decide(.max, .max) == .badRequest(.tooFarAhead(last: 20)))
    }

    @Test("more parts ahead than three seconds hold is a bad request")
    func tooManyParts() {
        let error = PlaylistRequestError.partTooFarAhead(last: LivePosition(number: 21, part: 2), limit: 15)
        #expect(decide(21, 17) == wait(21, 17) && decide(21, 18) == .badRequest(error))
        #expect(decide(22, 15) == wait(22, 15) && decide(22, 16) == .badRequest(error))
        #expect(BlockingReload.advanceLimit(1_000_000) == 3 && BlockingReload.advanceLimit(333_000) == 9)
    }

    @Test("a part without a segment's number is a bad request")
    func partAlone() { #expect(decide(nil, 1) == .badRequest(.partWithoutNumber)) }

    @Test("an ended stream answers everything at once")
    func ended() {
        var state = state
        state.isEnded = true
        #expect(decide(99, 99, state) == .now && decide(nil, 1, state) == .now)
        #expect(BlockingReload.isOver(.segment(99), in: state))
    }

    @Test("a stream that has just begun is awaited, whatever is asked")
    func notReady() {
        let state = PlaylistState(isReady: false, isEnded: false, canBlockReload: true, target: 0)
        #expect(decide(nil, nil, state) == .wait(.ready) && decide(5, 1, state) == .wait(.ready))
        #expect(state.patience == 30_000)
        #expect(BlockingReload.isOver(.ready, in: self.state) && !BlockingReload.isOver(.segment(0), in: state))
    }

    @Test("without parts, a part means its segment; without blocking, all is answered at once")
    func plain() {
        var state = state
        (state.partTarget, state.lastPart) = (0, nil)
        #expect(decide(21, 3, state) == .wait(.segment(21)))
        state.canBlockReload = false
        #expect(decide(21, 3, state) == .now && decide(99, nil, state) == .now)
    }

    @Test("whatever is asked of whatever playlist is decided, and waiting ends when the place is passed")
    func anything() {
        let numbers: [UInt32?] = [nil, 0, 19, 20, 21, 22, 23, .max]
        for last in [nil, 0, 20, .max - 1, .max] as [UInt32?] {
            for number in numbers {
                for part in numbers {
                    var state = state
                    (state.lastNumber, state.lastPart) = (last, nil)
                    guard case .wait(let wait) = decide(number, part, state) else { continue }
                    state.lastNumber = .max
                    state.lastPart = LivePosition(number: .max, part: .max)
                    #expect(BlockingReload.isOver(wait, in: state))
                }
            }
        }
    }
}

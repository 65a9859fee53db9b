import CAllocations
import EventLoop
import Glibc
import Testing

@testable import Fanout

/// Gates that count instead of timing.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct CostTests {
    private static let flushes = 1000

    /// Allocations of a thousand pictures, each flushed to `viewers` who read everything.
    private func allocations(viewers: Int) throws -> UInt64 {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
        try stream.append(.video, timestamp: 0, body: Body.video(0, keyframe: true))
        stream.flushIfDue()
        let screens = (0..<viewers).map { _ in Screen(studio) }
        defer { for screen in screens { screen.leave() } }
        let keyframe = Body.video(1, keyframe: true)
        let picture = Body.video(2, keyframe: false)
        var spent: UInt64 = 0
        for number in 1...UInt32(CostTests.flushes) {
            let before = allocations_count()
            try stream.append(.video, timestamp: number * 33, body: number % 50 == 0 ? keyframe : picture)
            stream.flushIfDue()
            spent += allocations_count() - before
            for screen in screens { screen.discard() }
        }
        for screen in screens { #expect(screen.discarded > CostTests.flushes * picture.count) }
        return spent
    }

    @Test("a thousand flushes allocate nothing for a viewer more", .enabled(if: allocations_are_counted()))
    func viewersAreFree() throws {
        _ = try allocations(viewers: 1)
        let one = try allocations(viewers: 1)
        let forty = try allocations(viewers: 40)
        // The runtime makes some of its own tables when it pleases; one allocation a flush would be a thousand more.
        #expect(forty < one + 100, "\(forty) for forty viewers, \(one) for one")
        #expect(one > 0, "a keyframe's prologue is made on the heap: whoever counts none does not count")
        // Of the stream's own, whoever watches; without optimisation, as tests are built, some ten a frame.
        #expect(one < UInt64(CostTests.flushes) * 20)
    }
}

import CAllocations
import Media
import RelayProtocol
import Testing

@testable import Fanout

/// Gates that count what a frame costs on its way through a node.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RelayCostTests {
    private static let frames = 1_000

    private let bytes: [UInt8] = (1...UInt64(frames)).flatMap { sequence in
        let header = RelayFrame.Header(
            stream: 5, number: FrameNumber(epoch: 7, sequence: sequence), kind: .video, timestamp: 0, wallClock: 0)
        return RelayMessage.frame(RelayFrame(header: header, body: Body.video(0, keyframe: false))).bytes
    }

    /// Allocations of reading all of them, and how many there were.
    private func read(inPlace: Bool) throws -> (allocations: UInt64, frames: Int) {
        var parser = RelayParser(open: true)
        var at = 0
        var count = 0
        let before = allocations_count()
        while true {
            if inPlace, parser.takeFrame(bytes.span, &at) != nil {
                count += 1
            } else if let event = try parser.next(bytes.span, &at) {
                if case .message = event { count += 1 }
            } else {
                break
            }
        }
        return (allocations_count() - before, count)
    }

    @Test("a frame that is taken from where it was read allocates nothing", .enabled(if: allocations_are_counted()))
    func inPlace() throws {
        _ = try read(inPlace: true)
        let taken = try read(inPlace: true)
        let copied = try read(inPlace: false)
        #expect(taken.frames == RelayCostTests.frames && copied.frames == RelayCostTests.frames)
        #expect(taken.allocations < 20, "\(taken.allocations)")
        #expect(copied.allocations >= UInt64(RelayCostTests.frames), "whoever counts none does not count")
    }
}

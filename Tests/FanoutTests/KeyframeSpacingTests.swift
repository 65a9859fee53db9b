import Testing

@testable import Fanout

struct KeyframeSpacingTests {
    @Test("the distance is that of the two newest keyframes, or what has passed since the last one")
    func distance() {
        var spacing = KeyframeSpacing()
        #expect(spacing.distance == 0)
        for time in stride(from: 0 as Int64, through: 5_000, by: 500) {
            spacing.picture(at: time, isKeyframe: time % 2_000 == 0)
        }
        #expect(spacing.distance == 2_000)
        spacing.picture(at: 9_000, isKeyframe: false)
        #expect(spacing.distance == 5_000)
        spacing.picture(at: 9_500, isKeyframe: true)
        #expect(spacing.distance == 5_500)
        spacing.picture(at: 11_500, isKeyframe: true)
        #expect(spacing.distance == 2_000)
    }

    @Test("more than the limit is told of once in a session, not of what the session before did")
    func exceeds() {
        var spacing = KeyframeSpacing()
        func tells(after time: Int64, isKeyframe: Bool) -> Bool {
            spacing.picture(at: time, isKeyframe: isKeyframe)
            return spacing.exceeds(10_000)
        }
        #expect(!tells(after: 0, isKeyframe: true))
        #expect(!tells(after: 10_000, isKeyframe: false))
        #expect(tells(after: 10_040, isKeyframe: false))
        #expect(!tells(after: 30_000, isKeyframe: true))
        spacing.beginSession()
        #expect(!tells(after: 40_000, isKeyframe: true))
        #expect(!tells(after: 41_000, isKeyframe: true))
        #expect(tells(after: 53_000, isKeyframe: true))
    }
}

import Testing

@testable import Fanout

@Suite("The course of a push")
struct PushCourseTests {
    private func pause(_ step: PushCourse.Step) -> UInt64 {
        if case .pause(let milliseconds) = step { milliseconds } else { 0 }
    }

    @Test("waits for the stream, calls, and is live")
    func live() {
        var course = PushCourse(seed: 1, now: 5)
        #expect(course.state == .waiting && course.attempt == 0)
        #expect(course.streamCame(now: 10) == .dial)
        #expect(course.state == .connecting && course.attempt == 1 && course.since == 10)
        #expect(course.streamCame(now: 11) == .nothing)
        course.accepted(now: 20)
        #expect(course.state == .live && course.since == 20)
        #expect(course.streamWent(now: 30) == .wait)
        #expect(course.state == .waiting && course.attempt == 0)
        #expect(course.streamCame(now: 40) == .dial)
    }

    @Test("waits longer after each failure, from a second to a minute, and each push in its own way")
    func backsOff() {
        var firsts: Set<UInt64> = []
        for seed in 0..<200 as Range<UInt64> {
            var course = PushCourse(seed: seed, now: 0)
            var (now, last): (UInt64, UInt64) = (0, 0)
            _ = course.streamCame(now: now)
            for attempt in 1...12 {
                #expect(course.attempt == attempt && course.retries == UInt64(attempt - 1))
                let pause = pause(course.failed(.lost("gone"), now: now))
                let base = min(PushCourse.shortestPause << UInt64(attempt - 1), 40_000)
                #expect(pause >= base && pause <= base + base / 2, "seed \(seed)")
                #expect(pause >= PushCourse.shortestPause && pause <= PushCourse.longestPause, "seed \(seed)")
                if attempt == 1 { firsts.insert(pause) }
                if attempt < 6 { #expect(pause > last, "seed \(seed)") }
                last = pause
                #expect(course.state == .retrying(at: now + pause) && course.error == "gone")
                #expect(course.pauseIsOver(now: now + pause - 1) == .pause(1))
                now += pause
                #expect(course.pauseIsOver(now: now) == .dial)
            }
        }
        #expect(firsts.count > 100)
    }

    @Test("asks less often where it was refused")
    func refused() {
        var course = PushCourse(seed: 3, now: 0)
        _ = course.streamCame(now: 0)
        let first = pause(course.failed(.refused("BadName"), now: 0))
        #expect(first >= PushCourse.refusedPause && first <= PushCourse.refusedPause * 3 / 2)
        _ = course.pauseIsOver(now: first)
        let second = pause(course.failed(.refused("BadName"), now: first))
        #expect(second >= 40_000 && second <= PushCourse.longestPause)
    }

    @Test("begins anew after a connection that lasted, and only then")
    func settles() {
        var course = PushCourse(seed: 4, now: 0)
        _ = course.streamCame(now: 0)
        var now: UInt64 = 0
        for _ in 0..<5 {
            now += pause(course.failed(.lost("x"), now: now))
            _ = course.pauseIsOver(now: now)
        }
        course.accepted(now: now)
        course.settle(now: now + PushCourse.success - 1)
        #expect(course.attempt == 6 && course.error == "x")
        var short = course
        #expect(pause(short.failed(.lost("y"), now: now + PushCourse.success - 1)) >= 32_000)
        course.settle(now: now + PushCourse.success)
        #expect(course.attempt == 1 && course.error == "" && course.state == .live)
        #expect(pause(course.failed(.lost("z"), now: now + PushCourse.success)) <= 1_500)
    }

    @Test("ends for good, and nothing starts it again")
    func stops() {
        for begin in 0..<3 {
            var course = PushCourse(seed: 5, now: 0)
            if begin > 0 { _ = course.streamCame(now: 0) }
            if begin > 1 { _ = course.failed(.lost("x"), now: 0) }
            #expect(course.stop(now: 9) == .hangUp)
            #expect(course.state == .stopped)
            #expect(course.stop(now: 9) == .nothing && course.streamCame(now: 9) == .nothing)
            #expect(course.streamWent(now: 9) == .nothing && course.pauseIsOver(now: 99_999) == .nothing)
            #expect(course.failed(.lost("x"), now: 9) == .nothing)
            course.accepted(now: 9)
            #expect(course.state == .stopped)
        }
    }

    @Test("forgets a pause when the stream ends in it")
    func endsWhileRetrying() {
        var course = PushCourse(seed: 6, now: 0)
        _ = course.streamCame(now: 0)
        let pause = pause(course.failed(.lost("x"), now: 0))
        #expect(course.streamWent(now: 10) == .wait)
        #expect(course.pauseIsOver(now: pause) == .nothing)
        #expect(course.state == .waiting)
    }
}

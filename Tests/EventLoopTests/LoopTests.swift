import Testing

@testable import EventLoop

@Suite(.serialized, .timeLimit(.minutes(5)))
struct LoopTests {
    @Test("jobs posted from another thread run on the loop, in order")
    func mailbox() {
        let loop = Loop(index: 0)
        let thread = LoopThread(Loop(index: 1))
        let seen = Lock<[Int]>([])
        let home = loop.mailbox
        for number in 0..<100 {
            thread.mailbox.post { other in
                seen.with { $0.append(number) }
                if number == 99 {
                    other.stop()
                    home.post { $0.stop() }
                }
            }
        }
        loop.run()
        thread.join()
        #expect(seen.with { $0 } == Array(0..<100))
    }

    @Test("a timer fires once, and not when it was disarmed or let go of")
    func timers() {
        let loop = Loop(index: 0)
        var fired: [String] = []
        let once = Timer(on: loop) { fired.append("once") }
        let disarmed = Timer(on: loop) { fired.append("disarmed") }
        var dropped: Timer? = Timer(on: loop) { fired.append("dropped") }
        let end = Timer(on: loop) { loop.stop() }
        once.arm(after: 1)
        disarmed.arm(after: 1)
        dropped?.arm(after: 1)
        disarmed.disarm()
        dropped = nil
        end.arm(after: 30)
        loop.run()
        #expect(fired == ["once"])
        #expect(dropped == nil)
    }

    @Test("two loops listen on one port, and a taken port is refused in words")
    func listening() throws {
        let (first, second) = (Loop(index: 0), Loop(index: 1))
        let one = try Listener(host: "127.0.0.1", port: 0, on: first) { _ in }
        let two = try Listener(host: "127.0.0.1", port: one.port, on: second) { _ in }
        #expect(one.port == two.port && one.port != 0)
        let error = #expect(throws: ListenError.self) {
            _ = try Listener(host: "192.0.2.1", port: 1, on: first) { _ in }
        }
        #expect(error?.description.contains("192.0.2.1 port 1") == true)
    }
}

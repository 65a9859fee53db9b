import EventLoop
import Fixtures
import Glibc
import Testing

@testable import SRT

extension SRTTests {
    @Test("a link delivers everything in order, through a full sender and a reader that pauses")
    func link() throws {
        let bench = try Bench(flavour: .link)
        let (caller, callee) = try bench.connect(SRTOptions(flavour: .link))
        #expect(callee.socket.receiveLatency == 0)
        callee.socket.pauseReading(true)
        let total = 60_000
        var next = 0
        var fulls = 0
        func message(_ number: Int) -> [UInt8] {
            let head = withUnsafeBytes(of: number) { Array($0) }
            return head + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 1_300)
        }
        func fill() {
            while next < total {
                switch caller.send(message(next)) {
                case .sent: next += 1
                case .full:
                    fulls += 1
                    return
                case .failed:
                    Issue.record("the link failed")
                    return
                }
            }
        }
        caller.onWritable = { fill() }
        fill()
        bench.turn(seconds: 0.3)
        #expect(fulls > 0 && next < total)
        #expect(callee.received.isEmpty)
        callee.socket.pauseReading(false)
        bench.turn { callee.received.count == total }
        #expect(callee.received.count == total)
        #expect(callee.received.indices.allSatisfy { callee.received[$0] == message($0) })
        #expect(caller.writables > 0)
        #expect(caller.socket.statistics?.packetsDroppedSending == 0)
    }

    @Test("a process with more descriptors than a select() can look at carries SRT as any other does")
    func manyDescriptors() throws {
        Process.raiseFileLimit()
        // Whatever is opened from now on, libsrt's sockets too, has a number above FD_SETSIZE.
        var taken: [Int32] = []
        defer { for descriptor in taken { close(descriptor) } }
        while taken.last ?? 0 < 2 * Int32(FD_SETSIZE) {
            let descriptor = dup(0)
            try #require(descriptor >= 0, "the system allows too few descriptors: \(errno)")
            taken.append(descriptor)
        }
        let bench = try Bench(flavour: .link)
        let (caller, callee) = try bench.connect(SRTOptions(flavour: .link))
        for number in 0..<200 { #expect(caller.send([UInt8(number)]) == .sent) }
        bench.turn { callee.received.count == 200 }
        #expect(callee.received == (0..<200).map { [UInt8($0)] })
        caller.socket.close()
        bench.turn { !callee.ends.isEmpty }
    }

    @Test("a peer that goes is noticed at once, behind what was read of it")
    func goodbye() throws {
        let bench = try Bench(flavour: .link)
        let (caller, callee) = try bench.connect(SRTOptions(flavour: .link))
        for number in 0..<200 { #expect(caller.send([UInt8(number)]) == .sent) }
        // What is still in the library's buffers when a peer goes may go with it: whoever counts on it waits.
        bench.turn { callee.received.count == 200 }
        caller.socket.close()
        bench.turn { !callee.ends.isEmpty }
        #expect(callee.received.count == 200)
        #expect(callee.ends == [.closedByPeer])
    }

    @Test("a peer that goes without a word is noticed, and told apart from one that says goodbye")
    func killed() throws {
        let bench = try Bench(idleTimeout: 1_000)
        let wire = try #require(Wire(to: bench.listener.port))
        let caller = try #require(bench.dial(SRTOptions(latency: 20, idleTimeout: 1_000), port: wire.port)).get()
        bench.turn { !bench.arrived.isEmpty }
        let callee = try #require(bench.arrived.first)
        #expect(caller.send([1]) == .sent)
        bench.turn { !callee.received.isEmpty }
        wire.cut()
        _ = caller.send([2])
        bench.turn { !callee.ends.isEmpty && !caller.ends.isEmpty }
        #expect(callee.ends == [.broken])
        #expect(caller.ends == [.broken])
    }

    @Test("a handler hears nothing after it has closed its socket, even from inside")
    func closingInside() throws {
        final class Closer: SRTHandler {
            let socket: SRTSocket
            private(set) var heard = 0
            init(_ socket: SRTSocket) {
                self.socket = socket
                socket.start(self)
            }
            func received(_ message: UnsafeRawBufferPointer) {
                heard += 1
                socket.close()
            }
            func writable() { heard += 1 }
            func ended(_ reason: SRTEnd) { heard += 1 }
        }
        let bench = try Bench()
        let (caller, callee) = try bench.connect()
        let closer = Closer(caller.socket)
        for _ in 0..<50 { _ = callee.send([1]) }
        bench.turn { !callee.ends.isEmpty }
        bench.turn(seconds: 0.05)
        #expect(closer.heard == 1)
    }

    /// Each of 25 connections: what one of them left behind would be seen, and they take a quarter of a second.
    private static let rounds = 16

    @Test("hundreds of connections, made and ended, leave no thread and no descriptor")
    func churn() throws {
        SRT.shutDown()
        let before = descriptors()
        let threadsBefore = threads().count
        do {
            let bench = try Bench()
            let listening = descriptors()
            for round in 1...Self.rounds {
                var results: [Result<SRTSocket, SRTDialError>] = []
                let dialers = (0..<25).map { _ in
                    SRTDialer(
                        "127.0.0.1", port: bench.listener.port, options: SRTOptions(latency: 20), timeout: 60_000,
                        on: bench.loop
                    ) { results.append($0) }
                }
                bench.turn(atMost: 60) { results.count == dialers.count }
                let sockets = try results.map { try $0.get() }
                #expect(sockets.count == dialers.count)
                bench.turn { bench.arrived.count == 25 * round }
                for socket in sockets { socket.close() }
            }
            bench.turn { bench.arrived.allSatisfy { !$0.ends.isEmpty } }
            #expect(bench.arrived.count == 25 * Self.rounds)
            #expect(bench.arrived.allSatisfy { $0.ends == [.closedByPeer] })
            bench.forget()
            // libsrt's collector comes by once a second.
            bench.turn(atMost: 15) { descriptors() <= listening }
            #expect(descriptors() <= listening)
        }
        SRT.shutDown()
        #expect(descriptors() <= before)
        #expect(threads().count <= threadsBefore)
    }

    @Test("a listener on which nothing happens sleeps")
    func idle() throws {
        SRT.shutDown()
        let bench = try Bench()
        let (caller, callee) = try bench.connect()
        caller.socket.close()
        callee.socket.close()
        func sleeps() -> Int {
            threads().filter { $0.name.hasPrefix("SRT") || $0.name == "srt-wait" }.reduce(0) { $0 + $1.sleeps }
        }
        // Our thread stays up for a while after a call, and libsrt's collector comes by once a second: then a second
        // follows in which nobody wakes but for that. A listener that does not sleep wakes hundreds of times in each.
        var calm = 0
        for _ in 0..<40 where calm < 2 {
            let before = sleeps()
            usleep(500_000)
            calm = sleeps() - before < 5 ? calm + 1 : 0
        }
        #expect(calm == 2)
        _ = try bench.connect()
    }

    @Test("a port that is taken is an error in words, and closing gives it back")
    func ports() throws {
        let bench = try Bench()
        let port = bench.listener.port
        func listen() throws -> SRTListener {
            try SRTListener(
                host: "127.0.0.1", port: port, loops: [bench.loop.mailbox], decide: { _ in .accept() },
                accepted: { _ in })
        }
        let error = #expect(throws: SRTListenError.self) { try listen() }
        #expect(
            error?.description
                == "cannot listen for SRT on 127.0.0.1 UDP port \(port): Address already in use; another program holds "
                + "it: stop that one, or listen elsewhere")
        bench.listener.close()
        var again: SRTListener?
        bench.turn {
            again = try? listen()
            return again != nil
        }
        #expect(again?.port == port)
    }

    @Test("the end of listening leaves the connections that are there")
    func endOfListening() throws {
        let bench = try Bench()
        let (caller, callee) = try bench.connect()
        bench.listener.close()
        bench.turn(seconds: 1.5)
        #expect(caller.send([5]) == .sent)
        bench.turn { !callee.received.isEmpty }
        #expect(callee.received == [[5]])
        #expect(callee.ends.isEmpty && caller.ends.isEmpty)
    }
}

extension Bench {
    func forget() {
        for end in arrived { end.socket.close() }
    }
}

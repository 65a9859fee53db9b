import EventLoop
import Glibc
import Testing

@testable import SRT

extension SRTTests {
    @Test(
        "a caller whose process is gone is noticed at once where something is sent to it, and nobody else is disturbed",
        arguments: [("127.0.0.1", SRTFlavour.media), ("127.0.0.1", .link), ("", .media)])
    func gone(_ host: String, _ flavour: SRTFlavour) throws {
        let bench = try Bench(host: host, flavour: flavour, idleTimeout: 60_000)
        var wire = Wire(to: bench.listener.port)
        let options = SRTOptions(latency: 20, flavour: flavour, idleTimeout: 60_000)
        let far = try #require(bench.dial(options, port: try #require(wire?.port))).get()
        bench.turn { bench.arrived.count == 1 }
        let near = try #require(bench.dial(options)).get()
        bench.turn { bench.arrived.count == 2 }
        let (gone, other) = (bench.arrived[0], bench.arrived[1])
        #expect(far.send([9]) == .sent)
        #expect(gone.send([8]) == .sent)
        bench.turn { gone.received == [[9]] && far.received == [[8]] }
        wire?.cut()
        wire = nil
        var sent: [[UInt8]] = []
        let isNoticed = bench.turn {
            sent.append([UInt8(truncatingIfNeeded: sent.count)])
            #expect(other.send(sent[sent.count - 1]) == .sent)
            if gone.ends.isEmpty { _ = gone.send([1]) }
            return !gone.ends.isEmpty && sent.count >= 200
        }
        #expect(isNoticed && gone.ends == [.refused])
        bench.turn { near.received.count == sent.count }
        #expect(near.received == sent && near.ends.isEmpty && other.ends.isEmpty)
        // The port is still heard at, and read from.
        #expect(near.send([7]) == .sent)
        bench.turn { !other.received.isEmpty }
        #expect(other.received == [[7]])
        _ = try bench.connect(options)
    }

    @Test("a refusal is believed of a conversation that can have sent what came back, and of no other")
    func forged() throws {
        let bench = try Bench()
        let (caller, callee) = try bench.connect()
        let (_, other) = try bench.connect()
        #expect(callee.send([1]) == .sent)
        bench.turn { caller.received.count == 1 }
        let hearing = try #require(bench.listener.core.hearing.with { $0 })
        let start = try #require(callee.socket.handle.startNumber)
        func hear(_ number: UInt32, of peer: Address) {
            let quoted = withUnsafeBytes(of: number.bigEndian) { Array($0) }
            hearing.judge(Refusal(peer: peer, quoted: quoted + [UInt8](repeating: 0, count: 20)))
            bench.turn(seconds: 0.02)
        }
        let peer = callee.socket.peer
        hear((start &- 1) & 0x7FFF_FFFF, of: peer)
        hear((start &+ 1_000_000) & 0x7FFF_FFFF, of: peer)
        hear(start, of: Address(host: peer.host, port: peer.port &+ 1))
        #expect(callee.ends.isEmpty)
        hear(start, of: peer)
        #expect(callee.ends == [.refused])
        #expect(other.ends.isEmpty)
    }

    @Test("a refusal that proves nothing ends who is silent from then on, and nobody else")
    func doubtful() throws {
        let bench = try Bench()
        let (speaker, heard) = try bench.connect()
        let (silent, mute) = try bench.connect()
        let (_, idle) = try bench.connect()
        #expect(speaker.send([1]) == .sent)
        #expect(silent.send([1]) == .sent)
        bench.turn { heard.received.count == 1 && mute.received.count == 1 }
        let hearing = try #require(bench.listener.core.hearing.with { $0 })
        let keepAlive: [UInt8] = [0x80, 1] + [UInt8](repeating: 0, count: 18)
        for quoted in [keepAlive, []] {
            for end in [heard, mute, idle] { hearing.judge(Refusal(peer: end.socket.peer, quoted: quoted)) }
        }
        bench.turn(atMost: 10) {
            #expect(speaker.send([2]) == .sent)
            return !mute.ends.isEmpty
        }
        #expect(mute.ends == [.refused])
        bench.turn(seconds: 0.2)
        #expect(heard.ends.isEmpty && idle.ends.isEmpty)
    }

    @Test("what was received before a refusal is read first")
    func readFirst() throws {
        let bench = try Bench(flavour: .link)
        let (caller, callee) = try bench.connect(SRTOptions(flavour: .link))
        callee.socket.pauseReading(true)
        for number in 0..<500 { #expect(caller.send([UInt8(truncatingIfNeeded: number)]) == .sent) }
        bench.turn { callee.socket.statistics?.packetsReceived ?? 0 >= 500 }
        let hearing = try #require(bench.listener.core.hearing.with { $0 })
        let start = try #require(callee.socket.handle.startNumber)
        callee.socket.pauseReading(false)
        let quoted = withUnsafeBytes(of: start.bigEndian) { Array($0) }
        hearing.judge(Refusal(peer: callee.socket.peer, quoted: quoted))
        bench.turn { !callee.ends.isEmpty }
        #expect(callee.received.count == 500 && callee.ends == [.refused])
    }

    @Test("a datagram that comes back tells by its number whether it was sent lately")
    func numbers() throws {
        func datagram(_ words: [UInt32]) -> RefusedDatagram? {
            RefusedDatagram(words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } })
        }
        let data = try #require(datagram([100, 0, 0, 0]))
        #expect(data.content == .data(100))
        #expect(data.wasSent(start: 100, sent: 0, received: 0, unsure: 0))
        #expect(data.wasSent(start: 90, sent: 10, received: 0, unsure: 0))
        #expect(!data.wasSent(start: 90, sent: 9, received: 50, unsure: 0))
        #expect(data.wasSent(start: 90, sent: 9, received: 0, unsure: 1))
        #expect(!data.wasSent(start: 101, sent: 5, received: 0, unsure: 5))
        let window = RefusedDatagram.window
        #expect(data.wasSent(start: 100, sent: window, received: 0, unsure: 0))
        #expect(!data.wasSent(start: 100, sent: window + 1, received: 0, unsure: 0))
        // The numbers start anew at 2^31.
        let late = try #require(datagram([5, 0, 0, 0]))
        #expect(late.wasSent(start: 0x7FFF_FFF0, sent: 0x20, received: 0, unsure: 0))
        #expect(late.wasSent(start: 0x7FFF_FFF0, sent: 0x20 + 1 << 33, received: 0, unsure: 0))
        #expect(!late.wasSent(start: 0x7FFF_FFF0, sent: 0x14, received: 0x30, unsure: 0))

        let acknowledgement = try #require(datagram([0x8002_0000, 1, 0, 0, 100, 0]))
        #expect(acknowledgement.content == .report(100))
        #expect(acknowledgement.wasSent(start: 90, sent: 0, received: 10, unsure: 0))
        #expect(!acknowledgement.wasSent(start: 90, sent: 10, received: 0, unsure: 0))
        #expect(datagram([0x8003_0000, 0, 0, 0, 0x8000_0064])?.content == .report(100))
        for nothing: [UInt32] in [[], [0x8002_0000, 0, 0, 0], [0x8001_0000, 0, 0, 0, 0], [0x8005_0000, 0, 0, 0, 0]] {
            #expect(datagram(nothing) == nil)
        }
        #expect(RefusedDatagram([0, 0, 0]) == nil)
    }
}

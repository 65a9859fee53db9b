import CSystem
import Testing

@testable import loadgen

/// The poller, its bell and real sockets on the loopback interface.
@Suite(.timeLimit(.minutes(5))) struct SRTSocketTests {
    @Test("a caller connects, agrees on the latency, is told what comes and that the other end has gone")
    func conversation() throws {
        let poller = try Poller()
        let listener = try SRTSocket(SRTSettings(latency: 50, passphrase: "0123456789"))
        let port = try listener.listen(on: try Address(host: "127.0.0.1", port: 0))
        let address = try Address(host: "127.0.0.1", port: port)
        let caller = try SRTSocket(
            SRTSettings(latency: 90, passphrase: "0123456789"), streamID: "#!::r=live/a,m=request")
        SRTPorts().seat(caller, towards: address)
        try poller.add(listener, LOADGEN_READABLE, .listener)
        try poller.add(caller, LOADGEN_WRITABLE, .viewer(7))
        try caller.connect(to: address)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2000, alignment: 8)
        defer { buffer.deallocate() }
        var accepted: SRTSocket?
        var received: [UInt8] = []
        var isGone = false
        let message = [UInt8](repeating: 0x47, count: SRTSocket.messageSize)
        let end = now() + 20 * nanosecondsPerSecond
        while !isGone, now() < end {
            poller.wait(until: now() + nanosecondsPerSecond) { owner, _ in
                switch owner {
                case .listener:
                    guard let new = listener.accept() else { return }
                    accepted = new
                    #expect(message.withUnsafeBytes { new.send($0) } == .taken)
                case .viewer(7):
                    if caller.isConnected { poller.change(caller, LOADGEN_READABLE) }
                    switch caller.receive(buffer) {
                    case .bytes(let count):
                        received += buffer[..<count]
                        #expect(caller.latency(ofPeer: false) == 90 * nanosecondsPerMillisecond)
                        #expect(accepted?.latency(ofPeer: true) == 90 * nanosecondsPerMillisecond)
                        #expect(caller.counts?.received == 1)
                        accepted?.close()
                    case .nothing: break
                    case .broken: isGone = true
                    }
                default: Issue.record("an event for nobody")
                }
            }
        }
        #expect(isGone)
        #expect(received == message)
        poller.remove(caller)
        caller.close()
        listener.close()
    }

    @Test("a refused caller learns why")
    func refusal() throws {
        let poller = try Poller()
        let listener = try SRTSocket(SRTSettings(latency: 50, passphrase: "0123456789"))
        let port = try listener.listen(on: try Address(host: "127.0.0.1", port: 0))
        let caller = try SRTSocket(SRTSettings(latency: 50, passphrase: "another passphrase"))
        try poller.add(caller, LOADGEN_WRITABLE, .viewer(0))
        try caller.connect(to: try Address(host: "127.0.0.1", port: port))
        var refusal: String?
        let end = now() + 20 * nanosecondsPerSecond
        while refusal == nil, now() < end {
            poller.wait(until: now() + nanosecondsPerSecond) { _, events in
                if events & LOADGEN_BROKEN != 0 { refusal = caller.refusal }
            }
        }
        #expect(refusal?.hasPrefix("refused: 10 ") == true)
        poller.remove(caller)
        caller.close()
        listener.close()
    }
}

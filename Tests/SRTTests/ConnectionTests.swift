import EventLoop
import Fixtures
import Glibc
import Testing

@testable import SRT

/// Serialized: the library is the process's one, and some tests count its threads and descriptors.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct SRTTests {
    @Test("two ends talk both ways, and the listener knows who called for what")
    func talking() throws {
        let bench = try Bench()
        let (caller, callee) = try bench.connect(SRTOptions(streamID: "#!::r=live/ü,m=publish", latency: 20))
        #expect(bench.calls.with { $0.map(\.streamID) } == ["#!::r=live/ü,m=publish"])
        #expect(bench.calls.with { $0[0].peer } == callee.socket.peer)
        #expect(callee.socket.streamID == "#!::r=live/ü,m=publish")
        #expect(callee.socket.peer.host == "127.0.0.1")
        #expect(caller.socket.peer == Address(host: "127.0.0.1", port: bench.listener.port))
        for number in 0..<100 {
            #expect(caller.send([1, UInt8(number)]) == .sent)
            #expect(callee.send([2, UInt8(number)]) == .sent)
        }
        bench.turn { caller.received.count == 100 && callee.received.count == 100 }
        #expect(callee.received == (0..<100).map { [1, $0] })
        #expect(caller.received == (0..<100).map { [2, $0] })
        #expect(caller.socket.bytesOut == 200 && caller.socket.bytesIn == 200)
        let statistics = try #require(callee.socket.statistics)
        #expect(statistics.packetsReceived >= 100 && statistics.packetsSent >= 100)
        #expect(statistics.roundTripMilliseconds > 0)
        #expect(!callee.socket.isEncrypted)
        caller.socket.close()
        bench.turn { !callee.ends.isEmpty }
        #expect(callee.ends == [.closedByPeer])
        #expect(callee.socket.statistics == nil)
        #expect(callee.send([0]) == .failed)
    }

    @Test("a message has at most seven TS packets")
    func longest() throws {
        let bench = try Bench()
        let (caller, callee) = try bench.connect()
        let longest = [UInt8](repeating: 7, count: SRTSocket.messageSize)
        #expect(caller.send(longest) == .sent)
        #expect(caller.send(longest + [7]) == .failed)
        bench.turn { !callee.received.isEmpty }
        #expect(callee.received == [longest])
        #expect(callee.ends.isEmpty)
    }

    @Test("every way to reject a call arrives as what it is")
    func rejecting() throws {
        let reasons: [SRTRejection] = [
            .badRequest, .unauthorized, .overload, .forbidden, .notFound, .badMode, .conflict, .unsupportedMedia,
            .internalError, .unimplemented, .down, .unspecified, SRTRejection(rawValue: 2_345),
        ]
        let bench = try Bench { call in .reject(SRTRejection(rawValue: Int32(call.streamID)!)) }
        for reason in reasons {
            guard case .failure(let error) = bench.dial(SRTOptions(streamID: "\(reason.rawValue)")) else {
                Issue.record("\(reason) was not a failure")
                continue
            }
            #expect(error == .rejected(host: "127.0.0.1", port: bench.listener.port, reason))
        }
        guard case .failure(.rejected(_, _, .unspecified)) = bench.dial(SRTOptions(streamID: "3")) else {
            Issue.record("libsrt's own reasons are not for us to give")
            return
        }
        #expect(bench.arrived.isEmpty)
        #expect(bench.refusals.with { $0.isEmpty }, "who rejects knows it already")
    }

    @Test(
        "a passphrase must be the same on both sides, and the operator hears of every other case",
        arguments: [
            ("0123456789", "0123456789", nil), ("0123456789", "9876543210", SRTRejection.wrongPassphrase),
            ("0123456789", nil, .encryptionMismatch), (nil, "0123456789", .encryptionMismatch),
        ] as [(String?, String?, SRTRejection?)])
    func encryption(_ here: String?, _ there: String?, _ expected: SRTRejection?) throws {
        let bench = try Bench { _ in .accept(passphrase: here, keyLength: .aes256) }
        let result = bench.dial(SRTOptions(streamID: "publish:live/a", passphrase: there, latency: 20))
        switch try #require(result) {
        case .success(let caller):
            #expect(expected == nil)
            bench.turn { !bench.arrived.isEmpty }
            #expect(caller.socket.isEncrypted && bench.arrived[0].socket.isEncrypted)
            #expect(caller.send([1, 2, 3]) == .sent)
            bench.turn { !bench.arrived[0].received.isEmpty }
            #expect(bench.arrived[0].received == [[1, 2, 3]])
            #expect(bench.refusals.with { $0.isEmpty })
        case .failure(let error):
            #expect(error == .rejected(host: "127.0.0.1", port: bench.listener.port, try #require(expected)))
            bench.turn { bench.refusals.with { !$0.isEmpty } }
            let refusal = try #require(bench.refusals.with { $0.first })
            #expect(refusal.reason == expected && refusal.call?.streamID == "publish:live/a")
            #expect(refusal.description.contains("publish:live/a") && refusal.description.contains("passphrase"))
            #expect(bench.arrived.isEmpty)
        }
    }

    @Test("a passphrase that SRT cannot take is an error in words, not a connection without one")
    func badPassphrase() throws {
        let bench = try Bench { _ in .accept(passphrase: "short") }
        guard case .failure(let error) = bench.dial(SRTOptions(passphrase: "short")) else {
            Issue.record("dialled")
            return
        }
        #expect(error == .badOptions("an SRT passphrase has 10 to 79 bytes; this one has 5"))
        guard case .failure(.rejected(_, _, .internalError)) = bench.dial(SRTOptions()) else {
            Issue.record("accepted")
            return
        }
        #expect(bench.refusals.with { $0.map(\.reason) } == [.internalError])
    }

    @Test("the larger wish for latency is what both sides get, and an answer's counts before the listener's")
    func latency() throws {
        let bench = try Bench(latency: 300) { call in .accept(latency: call.streamID == "long" ? 900 : nil) }
        for (streamID, wish, expected) in [("a", 100, 300), ("b", 500, 500), ("long", 500, 900)] {
            let (caller, callee) = try bench.connect(SRTOptions(streamID: streamID, latency: wish))
            #expect(caller.socket.receiveLatency == expected && caller.socket.sendLatency == expected)
            #expect(callee.socket.receiveLatency == expected && callee.socket.sendLatency == expected)
            #expect(callee.socket.statistics?.receiveLatency == expected)
        }
    }

    @Test("over IPv6, and from IPv4 to a listener on every address")
    func families() throws {
        for (bound, dialled) in [("::1", "::1"), ("", "127.0.0.1"), ("", "::1"), ("", "localhost")] {
            let bench = try Bench(host: bound)
            let caller = try #require(bench.dial(host: dialled)).get()
            bench.turn { !bench.arrived.isEmpty }
            let callee = try #require(bench.arrived.first)
            if dialled != "localhost" { #expect(callee.socket.peer.host == dialled) }
            #expect(caller.send([1]) == .sent)
            bench.turn { !callee.received.isEmpty }
            #expect(callee.received == [[1]])
        }
    }

    @Test("a name that nobody knows, a closed port and one on which nobody answers are errors in words")
    func unreachable() throws {
        let bench = try Bench()
        guard case .failure(.unknownHost("nobody.invalid", _)) = bench.dial(host: "nobody.invalid") else {
            Issue.record("found")
            return
        }
        let port = bench.listener.port
        bench.listener.close()
        // Long before the time that the call may take.
        let refused = bench.dial(SRTOptions(), port: port, timeout: 60_000)
        guard case .failure(.refused("127.0.0.1", port)) = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        let mute = try #require(CallingSocket(ipv6: false, on: bench.loop))
        defer { close(mute.descriptor) }
        let silent = boundPort(mute.descriptor)
        let result = bench.dial(SRTOptions(), port: silent, timeout: 700)
        guard case .failure(.timedOut("127.0.0.1", silent)) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
    }

    private func boundPort(_ descriptor: Int32) -> UInt16 {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: name.sin_port)
    }
}

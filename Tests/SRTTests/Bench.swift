/// A loop turned by hand, a listener on it and those who call it: what the tests of SRT need.
import EventLoop
import Glibc

@testable import SRT

/// One end of a connection, which remembers what happened to it.
final class End: SRTHandler {
    let socket: SRTSocket
    private(set) var received: [[UInt8]] = []
    private(set) var ends: [SRTEnd] = []
    private(set) var writables = 0
    var onWritable: (() -> Void)?

    init(_ socket: SRTSocket) {
        self.socket = socket
        socket.start(self)
    }

    func received(_ message: UnsafeRawBufferPointer) { received.append(Array(message)) }

    func writable() {
        writables += 1
        onWritable?()
    }

    func ended(_ reason: SRTEnd) { ends.append(reason) }

    func send(_ bytes: [UInt8]) -> SRTSend { bytes.withUnsafeBytes { socket.send($0) } }
}

final class Bench {
    let loop = Loop(index: 0)
    private(set) var listener: SRTListener!
    /// In the order of their arrival.
    private(set) var arrived: [End] = []
    private var dialled: [End] = []
    let calls = Lock<[SRTCall]>([])
    let refusals = Lock<[SRTRefusal]>([])

    init(
        host: String = "127.0.0.1", flavour: SRTFlavour = .media, latency: Int = 20, idleTimeout: Int = 5_000,
        answer: @escaping @Sendable (SRTCall) -> SRTAnswer = { _ in .accept() }
    ) throws {
        let bound = LoopBound(Weak(self), on: loop)
        listener = try SRTListener(
            host: host, port: 0, flavour: flavour, latency: latency, idleTimeout: idleTimeout, loops: [loop.mailbox],
            decide: { [calls] call in
                calls.with { $0.append(call) }
                return answer(call)
            },
            refused: { [refusals] refusal in refusals.with { $0.append(refusal) } },
            accepted: { socket in bound.value(on: socket.loop).bench?.arrived.append(End(socket)) })
    }

    deinit {
        listener.close()
        for end in arrived + dialled {
            end.onWritable = nil
            end.socket.close()
        }
    }

    /// Turns the loop until something is so; false if it never is. SRT has clocks of its own, so time must pass.
    @discardableResult func turn(atMost seconds: Double = 20, until isSo: () -> Bool) -> Bool {
        for _ in 0..<Int(seconds * 1_000) {
            loop.turn()
            if isSo() { return true }
            usleep(1_000)
        }
        return false
    }

    func turn(seconds: Double) { turn(atMost: seconds) { false } }

    func dial(
        _ options: SRTOptions = SRTOptions(latency: 20), host: String = "127.0.0.1", port: UInt16? = nil,
        timeout: UInt64 = 5_000
    ) -> Result<End, SRTDialError>? {
        var result: Result<SRTSocket, SRTDialError>?
        let dialer = SRTDialer(host, port: port ?? listener.port, options: options, timeout: timeout, on: loop) {
            result = $0
        }
        turn { result != nil }
        withExtendedLifetime(dialer) {}
        return result?.map { socket in
            let end = End(socket)
            dialled.append(end)
            return end
        }
    }

    /// Both ends of one connection.
    func connect(_ options: SRTOptions = SRTOptions(latency: 20)) throws -> (caller: End, callee: End) {
        let before = arrived.count
        guard let result = dial(options) else { throw SRTDialError.timedOut(host: "", port: 0) }
        let caller = try result.get()
        guard turn(until: { arrived.count > before }) else { throw SRTDialError.timedOut(host: "accept", port: 0) }
        return (caller, arrived[before])
    }
}

private final class Weak {
    weak var bench: Bench?
    init(_ bench: Bench) { self.bench = bench }
}

/// Open descriptors of this process.
func descriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}

/// Threads of this process by name, and how often each has gone to sleep of itself.
func threads() -> [(name: String, sleeps: Int)] {
    guard let directory = opendir("/proc/self/task") else { return [] }
    defer { closedir(directory) }
    var found: [(String, Int)] = []
    while let entry = readdir(directory) {
        let id = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard let status = Process.read("/proc/self/task/\(id)/status", atMost: 8_192) else { continue }
        let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
        func value(_ key: String) -> Substring? {
            lines.first { $0.hasPrefix(key) }?.split(separator: "\t").last
        }
        found.append((String(value("Name:") ?? ""), value("voluntary_ctxt_switches:").flatMap { Int($0) } ?? 0))
    }
    return found
}

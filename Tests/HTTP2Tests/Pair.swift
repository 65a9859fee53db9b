/// A client and a server joined in memory, with time moved by hand.
import Glibc
import HTTP
import Testing

@testable import HTTP2

final class Pair {
    let client: Client
    let server: HTTP2Connection
    var now: UInt64 = 1_000
    private(set) var events: [HTTP2Event] = []
    private(set) var error: HTTP2Error?
    /// Bytes that the server's socket takes at a time, and in all.
    var piece = Int.max
    var room = Int.max

    init(_ client: Client = Client(), limits: HTTP2Limits = HTTP2Limits()) {
        self.client = client
        server = HTTP2Connection(limits: limits, now: now)
    }

    /// Carries bytes to and fro until both have nothing to say.
    func run() {
        var isQuiet = false
        while !isQuiet {
            let toServer = client.takeOutput()
            if !toServer.isEmpty { feed(toServer) }
            let toClient = collect()
            if !toClient.isEmpty { #expect(client.receive(toClient), "the client understands the server") }
            isQuiet = toServer.isEmpty && toClient.isEmpty
        }
    }

    func feed(_ bytes: [UInt8]) {
        guard error == nil else { return }
        do { try server.receive(bytes.span, now: now) } catch { self.error = error }
        takeEvents()
    }

    func tick(after milliseconds: UInt64) {
        now += milliseconds
        do { try server.tick(now: now) } catch { self.error = self.error ?? error }
        takeEvents()
    }

    /// What the server has for its socket.
    func collect() -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let before = bytes.count
            let isAllOut = server.send { vectors in
                let most = min(piece, room - bytes.count)
                var taken = 0
                for vector in vectors {
                    let count = min(vector.iov_len, most - taken)
                    bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: count)
                    taken += count
                }
                return taken
            }
            if isAllOut || bytes.count == before { break }
        }
        if room != Int.max { room -= bytes.count }
        takeEvents()
        return bytes
    }

    private func takeEvents() {
        while let event = server.next() { events.append(event) }
    }

    // MARK: What came of it

    var requests: [(stream: Int32, request: HTTPRequest)] {
        events.compactMap { if case .request(let stream, let request) = $0 { (stream, request) } else { nil } }
    }

    var refusals: [HTTPError] {
        events.compactMap { if case .refused(_, let error) = $0 { error } else { nil } }
    }

    var closed: [Int32: StreamEnd] {
        var ends: [Int32: StreamEnd] = [:]
        for case .closed(let stream, let end) in events {
            #expect(ends[stream] == nil, "a stream ends once")
            ends[stream] = end
        }
        return ends
    }

    var goodbyes: Int { events.count { if case .goodbye = $0 { true } else { false } } }
}

/// Counts what is let go of.
final class Releases {
    var count = 0
}

/// Memory that belongs to a body.
final class Owned {
    let memory: UnsafeMutableRawPointer
    let count: Int
    private let releases: Releases

    init(_ bytes: [UInt8], _ releases: Releases) {
        count = bytes.count
        self.releases = releases
        memory = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        bytes.withUnsafeBytes { if let from = $0.baseAddress { memory.copyMemory(from: from, byteCount: $0.count) } }
    }

    deinit {
        // What is read too late is seen.
        memset(memory, 0xDD, count)
        memory.deallocate()
        releases.count += 1
    }

    var range: BodyRange { BodyRange(memory, count: count, owner: self) }
}

/// A live body that gives what was put in.
final class Tap: LiveBody {
    private var bytes: [UInt8] = []
    private(set) var asked = 0
    private(set) var largest = 0
    var isOver = false
    private let releases: Releases

    init(_ releases: Releases = Releases()) { self.releases = releases }
    deinit { releases.count += 1 }

    func put(_ more: [UInt8]) { bytes += more }
    var waiting: Int { bytes.count }

    func next(upTo limit: Int, into ranges: inout [BodyRange]) -> Bool {
        asked += 1
        largest = max(largest, limit)
        let count = min(limit, bytes.count)
        if count > 0 { ranges.append(BodyRange(copying: Array(bytes[..<count]))) }
        bytes.removeFirst(count)
        return isOver && bytes.isEmpty
    }
}

func pattern(_ count: Int, _ salt: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ salt) }
}

/// RFC 9113 §4.1.
func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        + (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) } + payload
}

/// What a client begins with: the preface and empty settings.
let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

//! epoll and the clock. Everything in this program happens on one thread between two calls of `wait`.

import CSystem
@preconcurrency import Glibc

/// Nanoseconds of CLOCK_MONOTONIC: the one clock of publishers and viewers on a machine.
@inline(__always)
func now() -> UInt64 { loadgen_now_ns() }

let nanosecondsPerSecond: UInt64 = 1_000_000_000
let nanosecondsPerMillisecond: UInt64 = 1_000_000

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * Double(nanosecondsPerSecond)) }

func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / Double(nanosecondsPerSecond) }

/// Whom an event is for; travels through epoll as its 64-bit token.
enum Owner {
    case publisher(Int)
    case viewer(Int)
    case listener
    case guest(Int)
    /// SRT sockets are ready.
    case bell

    var token: UInt64 {
        switch self {
        case .publisher(let index): 1 << 56 | UInt64(index)
        case .viewer(let index): 2 << 56 | UInt64(index)
        case .listener: 3 << 56
        case .guest(let index): 4 << 56 | UInt64(index)
        case .bell: 5 << 56
        }
    }

    init(token: UInt64) {
        let index = Int(token & (1 << 56 - 1))
        switch token >> 56 {
        case 1: self = .publisher(index)
        case 2: self = .viewer(index)
        case 3: self = .listener
        case 5: self = .bell
        default: self = .guest(index)
        }
    }
}

/// The set of watched descriptors.
final class Poller {
    /// Events taken at once; small, so that a due publisher waits for no long batch of reads.
    private static let batch = 64

    private let descriptor: Int32
    /// There from the first SRT socket on.
    private var bell: SRTBell?
    private let events = UnsafeMutablePointer<loadgen_event>.allocate(capacity: Poller.batch)

    init() throws(Failure) {
        descriptor = loadgen_poll_create()
        if descriptor < 0 { throw Failure.system("cannot create an epoll descriptor", descriptor) }
    }

    deinit {
        bell?.end()
        close(descriptor)
        events.deallocate()
    }

    func add(_ fd: Int32, _ interest: UInt32, _ owner: Owner) {
        _ = loadgen_poll_add(descriptor, fd, interest, owner.token)
    }

    func change(_ fd: Int32, _ interest: UInt32, _ owner: Owner) {
        _ = loadgen_poll_change(descriptor, fd, interest, owner.token)
    }

    func remove(_ fd: Int32) { _ = loadgen_poll_remove(descriptor, fd) }

    /// An SRT socket; its events have the same numbers as those of other sockets.
    func add(_ socket: SRTSocket, _ interest: UInt32, _ owner: Owner) throws(Failure) {
        if bell == nil {
            let new = try SRTBell()
            bell = new
            add(new.descriptor, LOADGEN_READABLE, .bell)
        }
        bell?.add(socket, Poller.forSRT(interest), owner)
    }

    func change(_ socket: SRTSocket, _ interest: UInt32) { bell?.change(socket, Poller.forSRT(interest)) }

    func remove(_ socket: SRTSocket) { bell?.remove(socket) }

    /// A broken SRT socket is told only to who asks.
    private static func forSRT(_ interest: UInt32) -> Int32 { Int32(bitPattern: interest & 5 | 8) }

    /// Waits until something happens or `deadline` has come, and hands out what happened. Says whether there may be more
    /// of it.
    @discardableResult
    func wait(until deadline: UInt64, _ handle: (Owner, UInt32) -> Void) -> Bool {
        let current = now()
        let patience = deadline > current ? min(deadline - current, nanosecondsPerSecond) : 0
        let count = loadgen_poll_wait(descriptor, events, Int32(Poller.batch), patience)
        var index = 0
        while index < Int(count) {
            let owner = Owner(token: events[index].token)
            if case .bell = owner { bell?.answer(handle) } else { handle(owner, events[index].events) }
            index += 1
        }
        return Int(count) == Poller.batch
    }
}

/// Why a run cannot go on; the description is for the person at the terminal.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func system(_ what: String, _ code: Int32) -> Failure {
        Failure("\(what): \(String(cString: strerror(abs(code))))")
    }
}

//! Waits for SRT sockets in a thread of its own, because they cannot be waited for together with other descriptors,
//! and rings: its descriptor becomes readable when some of them are ready.
//!
//! The thread and the program's own take turns: from ringing until `answer` returns only the latter touches the list of
//! events, at all other times only the thread does. All calls of a socket, and the table of owners, are the program's
//! thread's alone.

import CSRT
@preconcurrency import Glibc
import Synchronization
import Threads

/// `@unchecked Sendable`: what the thread shares is the atomic values and the list of events, which the pipe hands over
/// to the program's thread and the semaphore hands back.
final class SRTBell: @unchecked Sendable {
    /// Events told at once.
    private static let batch = 512
    /// Milliseconds after which the thread looks whether it is to end.
    private static let patience: Int64 = 200
    /// With more sockets than this the thread rests between two rings, and more are ready at the next: each ring costs
    /// two changes of threads. It makes a latency look longer by up to two milliseconds.
    private static let fewSockets = 16
    private static let rest: UInt32 = 2000

    /// Readable when there is something to answer.
    let descriptor: Int32
    private let rope: Int32
    private let epoll: Int32
    private let events = UnsafeMutablePointer<SRT_EPOLL_EVENT>.allocate(capacity: SRTBell.batch)
    private var count = 0
    private let answered = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let isOver = Atomic(false)
    private let sockets = Atomic(0)
    private var thread: Thread?
    private var owners: [SRTSOCKET: Owner] = [:]

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure.system("cannot create a pipe", errno) }
        (descriptor, rope) = (ends[0], ends[1])
        epoll = srt_epoll_create()
        guard epoll >= 0 else { throw Failure("libsrt has no epoll left") }
        // Without this it is an error to wait before the first socket is there.
        srt_epoll_set(epoll, Int32(SRT_EPOLL_ENABLE_EMPTY.rawValue))
        events.initialize(repeating: SRT_EPOLL_EVENT(), count: SRTBell.batch)
        sem_init(answered, 0, 0)
        thread = Thread.start("srt-bell") { self.wait() }
        guard thread != nil else { throw Failure("the system refuses another thread") }
    }

    /// Ends the thread; the caller closes the sockets.
    func end() {
        isOver.store(true, ordering: .relaxed)
        sem_post(answered)
        thread?.join()
        srt_epoll_release(epoll)
        close(descriptor)
        close(rope)
        sem_destroy(answered)
        answered.deallocate()
        events.deallocate()
    }

    private func wait() {
        while !isOver.load(ordering: .relaxed) {
            let ready = srt_epoll_uwait(epoll, events, Int32(SRTBell.batch), SRTBell.patience)
            guard ready > 0 else { continue }
            // More may be ready than the list holds: they are told next time.
            count = min(Int(ready), SRTBell.batch)
            var byte: UInt8 = 1
            guard write(rope, &byte, 1) == 1 else { return }
            while sem_wait(answered) != 0 {}
            if sockets.load(ordering: .relaxed) > SRTBell.fewSockets { usleep(SRTBell.rest) }
        }
    }

    /// After a ring: hands out what happened, then lets the thread wait again.
    func answer(_ handle: (Owner, UInt32) -> Void) {
        var byte: UInt8 = 0
        guard read(descriptor, &byte, 1) == 1 else { return }
        for index in 0..<count {
            // A socket may have been closed by what was handed out before.
            guard let owner = owners[events[index].fd] else { continue }
            handle(owner, UInt32(bitPattern: events[index].events))
        }
        sem_post(answered)
    }

    func add(_ socket: SRTSocket, _ interest: Int32, _ owner: Owner) {
        owners[socket.handle] = owner
        sockets.store(owners.count, ordering: .relaxed)
        var interest = interest
        srt_epoll_add_usock(epoll, socket.handle, &interest)
    }

    func change(_ socket: SRTSocket, _ interest: Int32) {
        var interest = interest
        srt_epoll_update_usock(epoll, socket.handle, &interest)
    }

    func remove(_ socket: SRTSocket) {
        owners[socket.handle] = nil
        sockets.store(owners.count, ordering: .relaxed)
        srt_epoll_remove_usock(epoll, socket.handle)
    }
}

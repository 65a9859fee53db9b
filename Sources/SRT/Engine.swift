/// The process's one use of libsrt: started when the first listener or dialer needs it, one thread that waits for what
/// happens to all sockets and tells their loops.
///
/// libsrt's own wait wakes a hundred times a second whatever happens, so the thread only waits there while there are
/// connections, or a call has just come; otherwise it sleeps until a listen callback, or a new socket, wakes it.
/// `@unchecked Sendable` is sound: `state` is touched under `mutex`, which is held across no call into libsrt but the
/// first ones, before anything of it could call back.
import CSRT
import EventLoop
import Glibc
import Threads

final class Engine: @unchecked Sendable {
    static let shared = Engine()

    private enum Owner {
        case loop(Inbox)
        case listener(ListenerCore)
    }

    private struct State {
        var owners: [SRTSOCKET: Owner] = [:]
        var inboxes: [ObjectIdentifier: Inbox] = [:]
        var connections = 0
        /// Milliseconds of the monotonic clock when a call last came.
        var lastCall: UInt64 = 0
        var asleep = false
        var stopping = false
        var thread: Thread?
        var poll: Int32 = -1
    }

    private var state = State()
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Events taken from libsrt at once.
    private static let eventsPerWait = 256
    /// Milliseconds that a wait in libsrt lasts before the thread looks whether it may sleep, or is to end.
    private static let longestWait: Int64 = 100
    /// Milliseconds after the last call for which the thread stays awake without a connection: longer than a handshake
    /// takes, whose outcome libsrt tells nobody if it fails.
    private static let grace: UInt64 = 3_000

    private init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    private func locked<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    // MARK: Who is told

    func inbox(of mailbox: Mailbox) -> Inbox {
        locked { state in
            let key = ObjectIdentifier(mailbox)
            if let inbox = state.inboxes[key] { return inbox }
            let inbox = Inbox(mailbox)
            state.inboxes[key] = inbox
            return inbox
        }
    }

    func watch(_ handle: Handle, _ inbox: Inbox) {
        let poll = locked { state in
            state.owners[handle.id] = .loop(inbox)
            state.connections += 1
            wake(&state)
            return state.poll
        }
        var events = Watch.readable | Watch.writable | Watch.broken | Int32(bitPattern: SRT_EPOLL_ET.rawValue)
        srt_epoll_add_usock(poll, handle.id, &events)
    }

    func unwatch(_ handle: Handle, _ inbox: Inbox) {
        let poll = locked { state in
            state.owners[handle.id] = nil
            state.connections -= 1
            if inbox.isEmpty { state.inboxes[ObjectIdentifier(inbox.mailbox)] = nil }
            return state.poll
        }
        srt_epoll_remove_usock(poll, handle.id)
    }

    func enter(_ listener: ListenerCore) {
        let poll = locked { state in
            state.owners[listener.handle.id] = .listener(listener)
            if !state.asleep { listener.attend(true) }
            return state.poll
        }
        var events = Watch.readable | Watch.broken
        srt_epoll_add_usock(poll, listener.handle.id, &events)
    }

    func leave(_ listener: ListenerCore) {
        let poll = locked { state in
            state.owners[listener.handle.id] = nil
            return state.poll
        }
        srt_epoll_remove_usock(poll, listener.handle.id)
    }

    /// A listen callback runs: there will be something to do soon.
    func callCame() {
        locked { state in
            state.lastCall = Clock.monotonicNanoseconds / 1_000_000
            wake(&state)
        }
    }

    // MARK: The thread

    /// Under the lock.
    private func wake(_ state: inout State) {
        guard state.asleep else { return }
        state.asleep = false
        attend(state, true)
        pthread_cond_signal(condition)
    }

    private func attend(_ state: State, _ awake: Bool) {
        for case .listener(let listener) in state.owners.values { listener.attend(awake) }
    }

    func start() {
        locked { state in
            guard state.thread == nil else { return }
            srt_startup()
            _ = Engine.endsAtExit
            LibraryLog.listen()
            state.poll = srt_epoll_create()
            precondition(state.poll >= 0, "libsrt cannot make a poll; are file descriptors exhausted?")
            srt_epoll_set(state.poll, Int32(SRT_EPOLL_ENABLE_EMPTY.rawValue))
            state.stopping = false
            state.asleep = false
            state.thread = Thread.start("srt-wait") { self.run() }
            precondition(state.thread != nil, "the system refuses another thread")
        }
    }

    /// libsrt's threads must have ended before a process that exits takes what they use from under them. Registered
    /// behind the library's own start, so that it runs before the library's own end.
    private static let endsAtExit: Bool = atexit { Engine.shared.stop() } == 0

    /// Ends the thread and libsrt with all of its sockets. Whoever still has one finds it broken.
    func stop() {
        let thread = locked { state -> Thread? in
            state.stopping = true
            wake(&state)
            return state.thread
        }
        guard let thread else { return }
        thread.join()
        let poll = locked { state in
            defer { state = State() }
            return state.poll
        }
        srt_epoll_release(poll)
        srt_cleanup()
    }

    private func run() {
        let events = UnsafeMutableBufferPointer<SRT_EPOLL_EVENT>.allocate(capacity: Engine.eventsPerWait)
        events.initialize(repeating: SRT_EPOLL_EVENT())
        defer { events.deallocate() }
        while let poll = sleepUntilNeeded() {
            let count = srt_epoll_uwait(poll, events.baseAddress, Int32(events.count), Engine.longestWait)
            // One more than there is room for means that there are more.
            for event in events.prefix(Int(count)) { tell(event) }
        }
    }

    /// The poll to wait in; nil when the thread is to end.
    ///
    /// Not under `locked`: others change the state while this waits, which an access that lasts would not see.
    private func sleepUntilNeeded() -> Int32? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let now = Clock.monotonicNanoseconds / 1_000_000
        if state.connections == 0 && now - min(now, state.lastCall) > Engine.grace && !state.stopping {
            state.asleep = true
            attend(state, false)
            while state.asleep { pthread_cond_wait(condition, mutex) }
        }
        return state.stopping ? nil : state.poll
    }

    private func tell(_ event: SRT_EPOLL_EVENT) {
        switch locked({ $0.owners[event.fd] }) {
        case .loop(let inbox): inbox.add(event.fd, event.events)
        case .listener(let listener): listener.takeCalls()
        case nil: break
        }
    }
}

/// libsrt in this process.
public enum SRT {
    /// Ends libsrt, its threads and its sockets; the next listener or dialer starts it anew. For the end of a process,
    /// and for tests that count threads and descriptors.
    public static func shutDown() { Engine.shared.stop() }
}

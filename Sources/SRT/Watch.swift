/// Watches one libsrt socket for a loop, calling its owner there when something happens.
///
/// Edge-triggered: the owner reads until nothing is left, or asks to be called `again`.
/// Invariant: the owner outlives the watch, or calls `close` before it goes.
import CSRT
import EventLoop

protocol WatchOwner: AnyObject {
    /// `events`: a set of `Watch.readable`, `writable`, `broken`, `refused` and `doubted`.
    func happened(_ events: Int32)
}

final class Watch {
    static let readable = Int32(SRT_EPOLL_IN.rawValue)
    static let writable = Int32(SRT_EPOLL_OUT.rawValue)
    static let broken = Int32(SRT_EPOLL_ERR.rawValue)
    /// None of libsrt's: nobody is at the peer's port any more.
    static let refused: Int32 = 1 << 30
    /// That is what somebody says.
    static let doubted: Int32 = 1 << 29

    let handle: Handle
    let inbox: Inbox
    private unowned(unsafe) let owner: any WatchOwner
    private var closed = false

    init(_ handle: Handle, on loop: Loop, owner: any WatchOwner) {
        self.handle = handle
        self.owner = owner
        inbox = Engine.shared.inbox(of: loop.mailbox)
        inbox.enter(self)
        Engine.shared.watch(handle, inbox)
        // libsrt reports nothing of a socket that broke before it was watched.
        if handle.state.rawValue >= SRTS_BROKEN.rawValue { again(Watch.broken) }
    }

    /// To be called in a later turn, as if these events had been reported.
    func again(_ events: Int32) { inbox.add(handle.id, events) }

    /// Stops watching, and closes the libsrt socket unless another goes on with it.
    func close(keeping: Bool = false) {
        guard !closed else { return }
        closed = true
        inbox.leave(self)
        Engine.shared.unwatch(handle, inbox)
        if !keeping { handle.close() }
    }

    func report(_ events: Int32) {
        guard !closed else { return }
        withExtendedLifetime((self, owner)) { owner.happened(events) }
    }

    deinit { precondition(closed, "a watch must be closed by its owner") }
}

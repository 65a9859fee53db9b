/// One viewer of one stream on one loop, as its session holds it.
///
/// Its cursor lives in the view's slab; this object is its name there. Bytes of the session's own (answers to pings)
/// go through `send`, which keeps them from landing inside a frame.
import EventLoop

public enum ViewerEnd: Sendable, Equatable {
    case streamEnded
    case kicked
    /// The viewer took nothing for `play.stall_timeout`.
    case stalled
    case connectionFailed
}

public struct ViewerStats: Sendable {
    public var bytesOut: UInt64 = 0
    public var lagBytes: UInt64 = 0
    public var lagMilliseconds: Int64 = 0
    public var skips: UInt64 = 0

    public init() {}
}

public final class Viewer {
    public let connection: Connection
    /// Protocol name in the stats, such as `http-flv`.
    public let label: String
    let onEnd: (ViewerEnd) -> Void
    unowned(unsafe) var view: LogView?
    var index = -1
    /// As they were when the viewer left its view.
    var lastStats = ViewerStats()
    /// Answers that wait for the end of a half-written frame.
    var pendingControl: [UInt8] = []

    /// What is to be done as soon as the viewer has whole frames only.
    private var boundaryAction: (() -> Void)?

    /// Answers that a viewer who reads nothing may pile up, in bytes.
    private static let maxPendingControl = 16 * 1024

    public init(_ connection: Connection, label: String, onEnd: @escaping (ViewerEnd) -> Void) {
        self.connection = connection
        self.label = label
        self.onEnd = onEnd
    }

    public var isAttached: Bool { view != nil }

    /// Whether the viewer has whole frames only, so that other bytes may follow.
    public var isAtBoundary: Bool { view?.isAtBoundary(index) ?? true }

    public func send(_ bytes: [UInt8]) {
        guard let view, !view.isAtBoundary(index) else {
            connection.write(bytes)
            view?.blockIfOutboxWaits(index)
            return
        }
        guard pendingControl.count + bytes.count <= Viewer.maxPendingControl else { return }
        pendingControl += bytes
    }

    /// Runs `action`, now or after the half-written frame. A later one stands in for one that still waits.
    public func atBoundary(_ action: @escaping () -> Void) {
        guard !isAtBoundary else { return action() }
        boundaryAction = action
    }

    var awaitsBoundary: Bool { !pendingControl.isEmpty || boundaryAction != nil }

    /// The viewer stands between two frames. The action may take it off its view.
    func reachedBoundary() {
        if !pendingControl.isEmpty {
            connection.write(pendingControl)
            pendingControl = []
        }
        let action = boundaryAction
        boundaryAction = nil
        action?()
    }

    /// To be called when the connection says that it can be written to.
    public func resume() { view?.resume(index) }

    public func detach() {
        view?.remove(index)
        pendingControl = []
        boundaryAction = nil
    }

    public var stats: ViewerStats { view?.stats(of: index) ?? lastStats }

    deinit { precondition(view == nil, "a session detaches its viewer before it lets go of it") }
}

/// A session over TCP: reads bytes, writes its own between the frames of what it plays.
import EventLoop
import Fanout

class WireSession: Session, ConnectionHandler {
    let connection: Connection
    private(set) var viewer: Viewer?

    init(_ connection: Connection, worker: Worker, number: UInt64) {
        self.connection = connection
        super.init(over: connection, worker: worker, number: number)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) { preconditionFailure("each protocol reads") }

    func writable() { viewer?.resume() }

    func ended(_ reason: ConnectionEnd) { end(reason.description) }

    /// Sends bytes of the protocol's own, between frames if media is flowing.
    func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if let viewer, viewer.isAttached { viewer.send(bytes) } else { connection.write(bytes) }
    }

    // MARK: Playing

    override func prepareView(_ ended: @escaping (ViewerEnd) -> Void) {
        viewer = Viewer(connection, label: protocolName, onEnd: ended)
    }

    override func show(_ handle: StreamHandle, _ kind: WireKind) {
        if let viewer { worker.fanout.attach(viewer, to: handle, kind) }
    }

    override func leaveView() {
        viewer?.detach()
        viewer = nil
    }

    override var viewStats: ViewerStats { viewer?.stats ?? ViewerStats() }
}

/// Which nodes each stream has passed on its way here: told to children, so that no loop can be built.
import EventLoop
import Fanout
import RelayProtocol

final class StreamPaths: Sendable {
    private let node: NodeID
    private let paths = Lock<[UInt32: RelayPath]>([:])

    init(_ node: NodeID) { self.node = node }

    /// From the ingest node to this one; nil if that is too long to be told.
    func path(of handle: StreamHandle) -> RelayPath? {
        guard let upstream = paths.with({ $0[handle.number] }) else { return RelayPath(ingest: node) }
        return try? upstream.extended(by: node)
    }

    /// The stream comes along `path`, whose last node is the parent.
    func set(_ path: RelayPath, of handle: StreamHandle) { paths.with { $0[handle.number] = path } }

    func forget(_ handle: StreamHandle) { paths.with { $0[handle.number] = nil } }
}

/// The sending side of a connection to another node: many streams take turns on it, a batch of whole frames each.
///
/// A stream whose child grants no credit is passed over, so that it holds up nobody. Invariants: while a batch is half
/// written (`current`) nothing else is; the node's own messages go between batches.
import EventLoop
import Glibc
import StreamLog

public final class RelayTrunk {
    private let connection: Connection
    private var ready: [RelayOutlet] = []
    private var current: RelayOutlet?
    private var messages: [UInt8] = []
    private var isPumping = false
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: LogReader.maxVectors)

    /// Bytes of one stream before the next has its turn: a large keyframe's worth.
    private static let quantum: UInt64 = 128 * 1024

    public init(_ connection: Connection) { self.connection = connection }

    deinit { vectors.deallocate() }

    /// Sends a message of the node's own.
    public func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if current == nil && messages.isEmpty { connection.write(bytes) } else { messages += bytes }
        if connection.hasOutbox { connection.waitUntilWritable() }
    }

    /// The rest of the frame that is half written; nothing of another may have come in between.
    func sendRest(_ bytes: UnsafeRawBufferPointer) {
        connection.write(Array(bytes))
        if connection.hasOutbox { connection.waitUntilWritable() }
    }

    /// The socket takes bytes again.
    public func writable() { pump() }

    // MARK: Outlets

    func queue(_ outlet: RelayOutlet) {
        if !outlet.isQueued && current !== outlet {
            outlet.isQueued = true
            ready.append(outlet)
        }
        pump()
    }

    func forget(_ outlet: RelayOutlet) {
        if current === outlet { current = nil }
        guard outlet.isQueued else { return }
        outlet.isQueued = false
        ready.removeAll { $0 === outlet }
    }

    private func takeNext() -> RelayOutlet? {
        guard let highest = ready.map(\.serviceClass).max() else { return nil }
        let outlet = ready.remove(at: ready.firstIndex { $0.serviceClass == highest }!)
        outlet.isQueued = false
        return outlet
    }

    // MARK: Writing

    private func pump() {
        guard !isPumping, !connection.isClosed else { return }
        isPumping = true
        defer { isPumping = false }
        while true {
            guard !connection.hasOutbox else { return connection.waitUntilWritable() }
            if current == nil, !messages.isEmpty {
                let bytes = messages
                messages = []
                connection.write(bytes)
                continue
            }
            guard let outlet = current ?? takeNext() else { return }
            guard outlet.takeBatch(RelayTrunk.quantum) else {
                current = nil
                continue
            }
            current = outlet
            switch outlet.write(to: connection.descriptor, vectors) {
            case .wrote:
                guard outlet.isBetweenBatches else { return connection.waitUntilWritable() }
                current = nil
                if outlet.hasMore && !outlet.isQueued {
                    outlet.isQueued = true
                    ready.append(outlet)
                }
            case .full: return connection.waitUntilWritable()
            // The read side says why.
            case .failed: return
            }
        }
    }
}

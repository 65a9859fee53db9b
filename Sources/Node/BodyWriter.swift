/// An answer whose body lies in shared memory: its head and the body go out together, as the socket takes them.
import EventLoop
import Glibc
import StreamLog

struct BodyWriter {
    private let head: [UInt8]
    private let body: SharedBytes
    private var sent = 0

    /// Vectors of one write: as many log segments as one segment of HLS lies in, mostly.
    private static let mostVectors = 16

    init(head: [UInt8], body: SharedBytes) {
        self.head = head
        self.body = body
    }

    enum Outcome { case done, blocked, failed }

    /// Writes what the socket takes. `wrote` is told of each piece.
    mutating func advance(_ connection: Connection, _ wrote: (Int) -> Void) -> Outcome {
        let total = head.count + body.count
        while sent < total {
            guard !connection.hasOutbox else { return .blocked }
            switch write(to: connection) {
            case .wrote(let count):
                sent += count
                wrote(count)
            case .full: return .blocked
            case .failed: return .failed
            }
        }
        return connection.hasOutbox ? .blocked : .done
    }

    private func write(to connection: Connection) -> SocketWriter.Outcome {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: BodyWriter.mostVectors) { vectors in
            let base = vectors.baseAddress!
            return head.withUnsafeBytes { bytes in
                var count = 0
                if sent < bytes.count {
                    let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + sent)
                    base[0] = iovec(iov_base: start, iov_len: bytes.count - sent)
                    count = 1
                }
                let filled = body.gather(
                    from: max(0, sent - bytes.count), into: base + count, limit: BodyWriter.mostVectors - count)
                count += filled.count
                return connection.security == nil
                    ? SocketWriter.write(connection.descriptor, base, count) : connection.writeSealed(base, count)
            }
        }
    }
}

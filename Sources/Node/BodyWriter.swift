/// An answer whose body lies in shared memory: its head and the body go out together, as the socket takes them.
import EventLoop
import Glibc
import StreamLog

struct BodyWriter {
    private let head: [UInt8]
    /// Of the head.
    private let tail: [UInt8]
    private let body: SharedBytes
    private var sent = 0

    /// Vectors of one write: as many log segments as one segment of HLS lies in, mostly.
    private static let mostVectors = 16

    init(head: [UInt8], tail: [UInt8] = [], body: SharedBytes) {
        self.head = head
        self.tail = tail
        self.body = body
    }

    enum Outcome { case done, blocked, failed }

    /// Writes what the socket takes. `wrote` is told of each piece.
    mutating func advance(_ connection: Connection, _ wrote: (Int) -> Void) -> Outcome {
        let total = head.count + tail.count + body.count
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
        withVectors { base, count in
            connection.security == nil
                ? SocketWriter.write(connection.descriptor, base, count) : connection.writeSealed(base, count)
        }
    }

    /// What is left of the head and its tail, and as much of the body as the vectors hold.
    private func withVectors(
        _ write: (UnsafePointer<iovec>, Int) -> SocketWriter.Outcome
    ) -> SocketWriter.Outcome {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: BodyWriter.mostVectors) { vectors in
            let base = vectors.baseAddress!
            return head.withUnsafeBytes { head in
                tail.withUnsafeBytes { tail in
                    var count = Self.add(head, from: sent, to: base)
                    count += Self.add(tail, from: sent - head.count, to: base + count)
                    count +=
                        body.gather(
                            from: max(0, sent - head.count - tail.count), into: base + count,
                            limit: BodyWriter.mostVectors - count
                        ).count
                    return write(base, count)
                }
            }
        }
    }

    /// What is left of the part from `offset` on, as one vector, or none.
    private static func add(
        _ part: UnsafeRawBufferPointer, from offset: Int, to vector: UnsafeMutablePointer<iovec>
    ) -> Int {
        let skipped = max(0, offset)
        guard skipped < part.count, let start = part.baseAddress else { return 0 }
        vector.pointee = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: start + skipped), iov_len: part.count - skipped)
        return 1
    }
}

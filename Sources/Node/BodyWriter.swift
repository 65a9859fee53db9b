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
                    var count = 0
                    var before = 0
                    for part in [head, tail] {
                        let skipped = min(part.count, max(0, sent - before))
                        before += part.count
                        guard skipped < part.count else { continue }
                        let start = UnsafeMutableRawPointer(mutating: part.baseAddress! + skipped)
                        base[count] = iovec(iov_base: start, iov_len: part.count - skipped)
                        count += 1
                    }
                    count +=
                        body.gather(
                            from: max(0, sent - before), into: base + count, limit: BodyWriter.mostVectors - count
                        ).count
                    return write(base, count)
                }
            }
        }
    }
}

/// The one place that reads a file which an operator has named, and says in words why it cannot.
import Glibc

package enum OperatorFile {
    private static let chunkSize = 64 << 10

    /// Up to one chunk more than `limit`, by which the caller sees that the file is too long. `advice` is what to do when
    /// it cannot be read: it is followed by "that this user may read".
    package static func contents(of path: String, limit: Int, advice: String) throws(ValueFault) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(errno, advice) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            var failure: Int32 = 0
            // The closure writes at most the buffer's size and reports exactly how many bytes.
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkSize) { buffer, count in
                let taken = read(descriptor, buffer.baseAddress, buffer.count)
                failure = taken < 0 ? errno : 0
                count = max(0, taken)
            }
            if failure == EINTR { continue }
            if failure != 0 { throw unreadable(failure, advice) }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }

    private static func unreadable(_ code: Int32, _ advice: String) -> ValueFault {
        ValueFault("cannot be read (\(String(cString: strerror(code))))", "\(advice) that this user may read")
    }
}

/// The bytes of a topology file: the one place where the module reads a file of the operator's.
import Configuration
import Glibc

extension TopologyFile {
    /// Bytes that one call of `read` asks for.
    private static let chunkSize = 64 << 10

    /// Up to one chunk more than `sizeLimit`, by which `parse` sees that the file is too long.
    static func contents(of path: String) throws(ValueFault) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= sizeLimit {
            var failure: Int32 = 0
            // The closure writes at most the buffer's size and reports exactly how many bytes.
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkSize) { buffer, count in
                let taken = read(descriptor, buffer.baseAddress, buffer.count)
                failure = taken < 0 ? errno : 0
                count = max(0, taken)
            }
            if failure == EINTR { continue }
            if failure != 0 { throw unreadable(failure) }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }

    private static func unreadable(_ code: Int32) -> ValueFault {
        ValueFault(
            "cannot be read (\(String(cString: strerror(code))))", "give a topology file that this user may read")
    }
}
